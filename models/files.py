"""The files of a model version: what they must be, and whether they are."""

from __future__ import annotations

from hashlib import file_digest
from typing import TYPE_CHECKING

import msgspec

from models.external_data import MalformedModelError, has_external_data
from models.manifest import FileEntry, FileName, Manifest, VersionError

if TYPE_CHECKING:
    from pathlib import Path


def describe(path: Path) -> FileEntry:
    """Size and hash of a file that is to be registered.

    Raises:
        VersionError: It is no file, its name is odd, or it is an ONNX model with external data.
    """
    try:
        msgspec.convert(path.name, FileName)
    except msgspec.ValidationError:
        raise VersionError(f"{path}: a version's file name has letters, digits, '.', '_' and '-' alone") from None
    if not path.is_file():
        raise VersionError(f"{path} is no file: a version holds files alone")
    _refuse_external_data(path)
    with path.open("rb") as file:
        return FileEntry(sha256=file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def verify(folder: Path, manifest: Manifest) -> None:
    """Check each file that a manifest names.

    Raises:
        VersionError: One is missing, of another size or content, or an ONNX model with external data.
    """
    for name, entry in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise VersionError(f"{path} is missing")
        size = path.stat().st_size
        if size != entry.size:
            raise VersionError(f"{path} has {size} bytes where its manifest says {entry.size}")
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != entry.sha256:
                raise VersionError(f"{path} is corrupt: its SHA-256 is not the one in its manifest")
        _refuse_external_data(path)


def _refuse_external_data(path: Path) -> None:
    if path.suffix != ".onnx":
        return
    try:
        external = has_external_data(path)
    except MalformedModelError as error:
        raise VersionError(f"{path} is no ONNX model: {error}") from error
    if external:
        raise VersionError(f"{path} keeps weights in another file: save it as one file, without external data")
