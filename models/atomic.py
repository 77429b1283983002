"""Writing whole objects or none of them, in a folder and in an object store."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fsspec.implementations.local import LocalFileSystem

if TYPE_CHECKING:
    from collections.abc import Iterator


def write(fs: Any, path: str, content: bytes) -> None:  # noqa: ANN401  fsspec has no types
    """Put an object where there may be one already; an object store's put is whole by itself."""
    if isinstance(fs, LocalFileSystem):
        with _draft(path, content) as draft:
            draft.replace(path)
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
            os.link(draft, path)
    else:
        with fs.open(path, "xb") as file:
            file.write(content)


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
