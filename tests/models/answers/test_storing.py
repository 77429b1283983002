"""A stored index is the last whole one, and a corrupt one is told by its file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.answers import make_document

from models.answers.storing import INDEX, StoredAnswersError, read_stored, write_stored

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [make_document("a", "One?"), make_document("b", "Two?"), make_document("none", None, "# Empty")]
VECTORS = [np.eye(3, dtype=np.float32)[:1], np.eye(3, dtype=np.float32)[1:2], None]


def write(folder: Path) -> None:
    write_stored(folder, "sha", DOCUMENTS, ["One?", "Two?"], VECTORS)


def test_documents_and_vectors_come_back_in_order(tmp_path: Path) -> None:
    write(tmp_path / "new" / "folder")
    stored = read_stored(tmp_path / "new" / "folder")
    assert stored.documents == DOCUMENTS
    assert np.array_equal(stored.vectors, np.eye(3, dtype=np.float32)[:2])
    assert stored.is_of("sha", ["One?", "Two?"])
    assert not stored.is_of("other", ["One?", "Two?"])
    assert not stored.is_of("sha", ["One?", "Too?"])


def test_an_index_of_nothing_is_one(tmp_path: Path) -> None:
    write_stored(tmp_path, "sha", [], [], [])
    stored = read_stored(tmp_path)
    assert (stored.documents, len(stored.vectors), stored.is_of("sha", [])) == ([], 0, True)


def test_what_was_saved_before_goes(tmp_path: Path) -> None:
    write(tmp_path)
    write_stored(tmp_path, "sha", DOCUMENTS[:1], ["One?"], VECTORS[:1])
    assert len(list(tmp_path.iterdir())) == 3
    assert read_stored(tmp_path).documents == DOCUMENTS[:1]


@pytest.mark.parametrize("pattern", [INDEX, "documents-*.jsonl", "vectors-*.npy"])
@pytest.mark.parametrize("fault", ["missing", "corrupt"])
def test_a_missing_or_corrupt_file_is_told_by_its_folder_or_name(tmp_path: Path, pattern: str, fault: str) -> None:
    write(tmp_path)
    (file,) = tmp_path.glob(pattern)
    if fault == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-9] + b"corrupted")
    with pytest.raises(StoredAnswersError, match=str(tmp_path)):
        read_stored(tmp_path)


def test_another_form_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    index = json.loads((tmp_path / INDEX).read_text())
    (tmp_path / INDEX).write_text(json.dumps({**index, "form": 2}))
    with pytest.raises(StoredAnswersError, match="form"):
        read_stored(tmp_path)
