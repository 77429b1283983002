"""Which files a folder holds, how each is read, and ids that survive a second reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.answer_files import documents_of, maker

from streams.sources.answers.items import AnswersError
from streams.sources.answers.reading import files_of, guess_format, read_answers

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_is_read_with_its_folders_by_their_paths_within(tmp_path: Path) -> None:
    for name in ("b.md", "a/c.HTML", "a/d.csv", ".git/e.md", "a/.f.md", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [name for _, name in files_of(tmp_path)] == ["a/c.HTML", "a/d.csv", "b.md"]
    assert files_of(tmp_path / "notes.txt") == [(tmp_path / "notes.txt", "notes.txt")]


def test_what_holds_nothing_to_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(AnswersError, match=r"nowhere: there is no such"):
        files_of(tmp_path / "nowhere")
    with pytest.raises(AnswersError, match=f"{tmp_path}: no file in it ends with"):
        files_of(tmp_path)
    with pytest.raises(AnswersError, match=r"notes\.txt: cannot tell its format by \.txt"):
        guess_format("notes.txt")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "\ufeffquestion,answer\nWhy?,So.\n"),
        ("a.tsv", "question\tanswer\r\nWhy?\tSo.\r\n"),
        ("a.jsonl", '\ufeff{"question": "Why?", "answer": "So."}\n'),
        ("a.md", "# Why?\r\n\r\nSo.\r\n"),
        ("a.html", "<h2>Why?</h2><p>So."),
    ],
)
def test_every_format_gives_the_same_answer_and_the_same_id_at_each_reading(name: str, text: str) -> None:
    (first,) = documents_of(read_answers(guess_format(name), text, maker(name)))
    (again,) = documents_of(read_answers(guess_format(name), text, maker(name)))
    (changed,) = documents_of(read_answers(guess_format(name), text.replace("So.", "Because."), maker(name)))
    (moved,) = documents_of(read_answers(guess_format(name), text, maker(f"folder/{name}")))
    assert (first.question, first.text) == ("Why?", "So.")
    assert first == again
    assert (changed.id, changed.text) == (first.id, "Because.")
    assert moved.id != first.id
