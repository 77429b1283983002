"""Taking files out of a registry that is not trusted: never more of one than it may be, and none that was not verified.

Whoever may write there may put a file of any size in the place of a small one. So none is read into memory or onto the
disk whole before its size is compared: a reader's memory and a worker's disk are not theirs to fill.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from models.files import verify
from models.manifest import MANIFEST, VersionError

if TYPE_CHECKING:
    from models.manifest import Manifest

_CHUNK = 8 << 20
# Nobody copies one version for a day.
_FORGOTTEN_SECONDS = 86_400.0

_log = structlog.get_logger(__name__)


class Stored(NamedTuple):
    """A version where the registry has it."""

    fs: Any
    """A file system of fsspec, which has no types."""
    folder: str
    """Of the version, on it."""
    told: str
    """The same for people, without credentials."""


def read_whole(fs: Any, path: str, most: int, told: str) -> bytes:  # noqa: ANN401  fsspec has no types
    """The content of a small file.

    Args:
        fs: A file system of fsspec.
        path: The file on it.
        most: Bytes that it may have.
        told: Names it in the error.

    Raises:
        FileNotFoundError: There is none.
        VersionError: It has more bytes.
    """
    content: bytes = fs.cat_file(path, end=most + 1)
    if len(content) > most:
        raise VersionError(f"{told} has more than {most} bytes")
    return content


def fetch(stored: Stored, manifest: Manifest, content: bytes, cache: Path) -> Path:
    """A version in a local cache, every file of it verified.

    Args:
        stored: The version.
        manifest: Its manifest, which was checked.
        content: The manifest's bytes.
        cache: Where versions are kept.

    Raises:
        VersionError: A file is missing or corrupt, or larger than its manifest says.
    """
    name, version = manifest.name, manifest.version
    # The manifest's own hash keeps versions of two registries with one number apart.
    folder = cache / "versions" / name / f"{version}-{sha256(content).hexdigest()[:16]}"
    if folder.is_dir():
        try:
            verify(folder, manifest, content)
        except VersionError as error:
            _log.warning("cached_version_refused", name=name, version=version, error=str(error))
            shutil.rmtree(folder)
        else:
            return folder
    _download(stored, manifest, content, folder)
    return folder


def _download(stored: Stored, manifest: Manifest, content: bytes, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    _forget_drafts(folder.parent)
    with tempfile.TemporaryDirectory(prefix=f".{manifest.version}-", dir=folder.parent) as draft:
        whole = Path(draft) / "version"
        whole.mkdir()
        for file, entry in manifest.files.items():
            _copy(stored, file, entry.size, whole / file)
        (whole / MANIFEST).write_bytes(content)
        verify(whole, manifest, content)
        try:
            whole.rename(folder)
        except OSError:
            # Another process was faster; what it put there was verified in the same way.
            if not folder.is_dir():
                raise


def _forget_drafts(folder: Path) -> None:
    """Remove what processes have left that were killed while they copied, as a trial is that takes too long."""
    before = time.time() - _FORGOTTEN_SECONDS
    # None but its own: some file systems keep folders of theirs beside, such as .snapshot.
    for draft in folder.glob(".[0-9]*-*"):
        # Another process may be at it too.
        with suppress(OSError):
            if max(path.stat().st_mtime for path in (draft, *draft.rglob("*"))) < before:
                shutil.rmtree(draft)


def _copy(stored: Stored, file: str, size: int, target: Path) -> None:
    """Copy one file, and refuse it at the first byte too many: what a store tells of its size need not be true."""
    left = size + 1
    # Outside: where the cache is cleared meanwhile, nothing is missing in the version.
    with target.open("wb") as copied:
        try:
            with stored.fs.open(f"{stored.folder}/{file}", "rb") as source:
                while left and (chunk := source.read(min(_CHUNK, left))):
                    copied.write(chunk)
                    left -= len(chunk)
        except FileNotFoundError:
            raise VersionError(f"{stored.told}/{file} is missing") from None
    if not left:
        raise VersionError(f"{stored.told}/{file} has more than the {size} bytes that its manifest says")
