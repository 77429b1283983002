"""The files of a model version: what they must be, and whether they are."""

from __future__ import annotations

from hashlib import file_digest
from typing import TYPE_CHECKING

import msgspec

from models.external_data import MalformedModelError, foreign_domains, has_external_data
from models.manifest import MANIFEST, FileEntry, FileName, Manifest, VersionError

if TYPE_CHECKING:
    from pathlib import Path

# Those of millions of tokens have some 30 MB; the library builds many times as much of it in memory.
_LARGEST_JSON = 64 << 20


def describe(path: Path) -> FileEntry:
    """Size and hash of a file that is to be registered.

    Raises:
        VersionError: It is no file, its name is odd, it is too large for what it is, or it is an ONNX model with
            external data or with operators of others.
    """
    try:
        msgspec.convert(path.name, FileName)
    except msgspec.ValidationError:
        raise VersionError(f"{path}: a version's file name has letters, digits, '.', '_' and '-' alone") from None
    if path.is_symlink() or not path.is_file():
        raise VersionError(f"{path} is no file: a version holds files alone")
    _refuse_large(path)
    _refuse_strange_graph(path)
    with path.open("rb") as file:
        return FileEntry(sha256=file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def verify(folder: Path, manifest: Manifest, content: bytes | None = None) -> None:
    """Check each file that a manifest names.

    Args:
        folder: Of the version.
        manifest: As it was read from the registry.
        content: Its bytes, where the folder's own manifest is to be the same: it is read again at loading.

    Raises:
        VersionError: One is missing, a link, of another size or content, too large, or an ONNX model that keeps weights
            elsewhere or has operators of others.
    """
    if content is not None and not _holds(folder / MANIFEST, content):
        raise VersionError(f"{folder / MANIFEST} is not the one that the registry has")
    for name, entry in manifest.files.items():
        path = folder / name
        if path.is_symlink():
            # What it points at may be exchanged by whoever owns that place.
            raise VersionError(f"{path} is a link: a version holds files alone")
        if not path.is_file():
            raise VersionError(f"{path} is missing")
        size = path.stat().st_size
        if size != entry.size:
            raise VersionError(f"{path} has {size} bytes where its manifest says {entry.size}")
        _refuse_large(path)
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != entry.sha256:
                raise VersionError(f"{path} is corrupt: its SHA-256 is not the one in its manifest")
        _refuse_strange_graph(path)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes() == content


def _refuse_large(path: Path) -> None:
    if path.suffix == ".json" and path.stat().st_size > _LARGEST_JSON:
        raise VersionError(f"{path} has more than {_LARGEST_JSON} bytes: that is no tokenizer and no description")


def _refuse_strange_graph(path: Path) -> None:
    if path.suffix != ".onnx":
        return
    try:
        external, foreign = has_external_data(path), foreign_domains(path)
    except MalformedModelError as error:
        raise VersionError(f"{path} is no ONNX model: {error}") from error
    if external:
        raise VersionError(f"{path} keeps weights in another file: save it as one file, without external data")
    if foreign:
        raise VersionError(
            f"{path} has operators of {', '.join(foreign)}: only those of ONNX and onnxruntime are loaded"
        )
