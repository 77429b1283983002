"""An answer index in a folder: documents as JSON Lines, vectors as NPY, and what ties them together, written last."""

from __future__ import annotations

import io
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import numpy as np
from fsspec.implementations.local import LocalFileSystem

from models import atomic
from streams.contract.replies import Document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

INDEX = "index.json"
_DIMENSIONS = 2

_documents = msgspec.json.Decoder(Document)


class StoredAnswersError(Exception):
    """A stored answer index is missing or corrupt; the message names the file."""


class Stored(NamedTuple):
    """What was saved."""

    embedder: str
    """SHA-256 of the graph that embedded."""
    documents: list[Document]
    texts: str
    """SHA-256 of the texts that were embedded, in order."""
    vectors: Matrix
    """Of these texts: float32 [texts, width]."""

    def is_of(self, embedder: str, texts: Sequence[str]) -> bool:
        """Whether the vectors are this encoder's of these texts."""
        return (self.embedder, self.texts) == (embedder, _digest(texts)) and len(texts) == len(self.vectors)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    sha256: str


class _Index(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    form: Literal[1] = 1
    embedder: str
    texts: str
    documents: _File
    vectors: _File


def write_stored(
    folder: Path,
    embedder: str,
    documents: Sequence[Document],
    texts: Sequence[str],
    vectors: Sequence[Matrix | None],
) -> None:
    """Write an index; one that is read meanwhile, or after a crash, is the one before or this one.

    Args:
        folder: Made where there is none.
        embedder: SHA-256 of the graph that embedded.
        documents: In order.
        texts: Embedded texts of all their entries, in order.
        vectors: Of each document's entries, float32 [entries, width]; None where it has none.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = [rows for rows in vectors if rows is not None]
    array = io.BytesIO()
    np.save(array, np.concatenate(held) if held else np.zeros((0, 0), np.float32), allow_pickle=False)
    encoder = msgspec.json.Encoder()
    index = _Index(
        embedder=embedder,
        texts=_digest(texts),
        documents=_put(folder, "documents", "jsonl", encoder.encode_lines(documents)),
        vectors=_put(folder, "vectors", "npy", array.getvalue()),
    )
    atomic.write(LocalFileSystem(), str(folder / INDEX), msgspec.json.encode(index))
    for path in (*folder.glob("documents-*.jsonl"), *folder.glob("vectors-*.npy")):
        if path.name not in {index.documents.name, index.vectors.name}:
            path.unlink(missing_ok=True)


def read_stored(folder: Path) -> Stored:
    """Read an index.

    Raises:
        StoredAnswersError: A file is missing, corrupt or of another form.
    """
    try:
        index = msgspec.json.decode((folder / INDEX).read_bytes(), type=_Index)
        documents = [_documents.decode(line) for line in _get(folder, index.documents).splitlines()]
        vectors = np.load(io.BytesIO(_get(folder, index.vectors)), allow_pickle=False)
    except OSError as error:
        raise StoredAnswersError(f"{error.filename or folder}: {error.strerror}") from error
    except ValueError as error:  # msgspec's are ValueErrors, and numpy's
        raise StoredAnswersError(f"{folder}: {error}") from error
    if vectors.ndim != _DIMENSIONS or vectors.dtype != np.float32:
        raise StoredAnswersError(f"{folder / index.vectors.name}: no table of 32-bit numbers")
    return Stored(index.embedder, documents, index.texts, vectors)


def _digest(texts: Sequence[str]) -> str:
    return sha256(msgspec.json.encode(list(texts))).hexdigest()


def _put(folder: Path, name: str, extension: str, content: bytes) -> _File:
    digest = sha256(content).hexdigest()
    file = _File(f"{name}-{digest[:16]}.{extension}", digest)
    atomic.write(LocalFileSystem(), str(folder / file.name), content)
    return file


def _get(folder: Path, file: _File) -> bytes:
    path = folder / file.name
    content = path.read_bytes()
    if sha256(content).hexdigest() != file.sha256:
        raise StoredAnswersError(f"{path} is corrupt: its SHA-256 is not the one in {INDEX}")
    return content
