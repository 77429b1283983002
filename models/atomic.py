"""Writing whole objects or none of them, in a folder and in an object store.

In a folder they are on the disk, name and all, before anybody is told of them: what a change of the aliases was told to
be must not be another after a power cut.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fsspec.implementations.local import LocalFileSystem

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
# A model's version is two folders deep in its registry.
_MADE_FOLDERS = 3


def write(fs: Any, path: str, content: bytes) -> None:  # noqa: ANN401  fsspec has no types
    """Put an object where there may be one already; an object store's put is whole by itself."""
    if isinstance(fs, LocalFileSystem):
        with _draft(path, content) as draft:
            draft.replace(path)
        _settle_names(path)
    else:
        fs.pipe_file(path, content)


def create(fs: Any, path: str, content: bytes) -> None:  # noqa: ANN401  fsspec has no types
    """Put an object where there is none; of two processes that try at once, one succeeds.

    A folder's file system must know hard links. An object store must offer conditional writes, and its fsspec package
    the exclusive mode, as those of S3 (s3fs), Google Cloud Storage (gcsfs) and Azure (adlfs) do.

    Raises:
        FileExistsError: There is one; it stays as it is.
    """
    fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    if isinstance(fs, LocalFileSystem):
        # A file opened for exclusive creation would be seen before its content is in it; a link is there with all.
        with _draft(path, content) as draft:
            _link(draft, path)
        _settle_names(path)
    else:
        _create_elsewhere(fs, path, content)


def put(fs: Any, source: Path, path: str) -> None:  # noqa: ANN401  fsspec has no types
    """Copy a file to where there is none; it may be seen before it is whole, and is on the disk before this returns."""
    fs.put_file(str(source), path)
    if isinstance(fs, LocalFileSystem):
        with Path(path).open("r+b") as file:
            os.fsync(file.fileno())


def _link(draft: Path, path: str) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        # Over a network the answer may be lost, and the link be asked for once more.
        if not draft.samefile(path):
            raise
    except OSError as error:
        if error.errno in _NO_LINKS:
            raise OSError(
                error.errno,
                f"{Path(path).parent} lies on a file system without hard links, which a registry of models needs: "
                "set model.registry to a folder on another, or to an object store",
            ) from error
        raise


def _create_elsewhere(fs: Any, path: str, content: bytes) -> None:  # noqa: ANN401  fsspec has no types
    try:
        with fs.open(path, "xb") as file:
            file.write(content)
    except OSError as error:
        # Not every store says that there is one in the words that its client knows; and a client that tries again by
        # itself, where only the answer was lost, finds what it has put.
        found = _found(fs, path, len(content) + 1)
        if found == content:
            return
        if found is None or isinstance(error, FileExistsError):
            raise
        raise FileExistsError(path) from error


def _found(fs: Any, path: str, most: int) -> bytes | None:  # noqa: ANN401  fsspec has no types
    try:
        found: bytes = fs.cat_file(path, end=most)
    except OSError:
        return None
    return found


def _settle_names(path: str) -> None:
    """Bring a file's name to the disk, and those of the folders that may have been made for it."""
    for folder in list(Path(path).parents)[:_MADE_FOLDERS]:
        # Not every file system takes a folder for a file that can be written out.
        with suppress(OSError):
            opened = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)


@contextmanager
def _draft(path: str, content: bytes) -> Iterator[Path]:
    """The content on the disk, in the same folder under a name that nobody reads."""
    draft = Path(f"{path}.{uuid4().hex}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
