from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from streams.sources.files import FileOptions, Format, guess_format, open_source, read_items
from streams.sources.items import Outgoing, SourceError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl", "jsonl"),
        ("A.NDJSON", "jsonl"),
        ("b/c.csv", "csv"),
        ("c.tsv", "tsv"),
        ("d.txt", "lines"),
        ("-", "jsonl"),
    ],
)
def test_formats_are_told_by_the_extension(name: str, expected: Format) -> None:
    assert guess_format(name) == expected


@pytest.mark.parametrize("name", ["messages", "messages.parquet", "messages.json"])
def test_an_unknown_extension_asks_for_the_format(name: str) -> None:
    with pytest.raises(SourceError, match="give --format"):
        guess_format(name)


def test_a_file_tells_its_size_and_how_far_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "posts.txt"
    path.write_bytes(b"one\ntwo\n" * 10_000)
    with open_source(str(path)) as source:
        items = read_items(source.stream, str(path), FileOptions("lines", "posts"))
        assert source.position() == 0
        next(items)
        assert source.size is not None
        assert 0 < source.position() < source.size
        assert sum(1 for _ in items) == 19_999
        assert source.position() == source.size


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(SourceError, match=str(path)), open_source(str(path)):
            pass


def test_standard_input_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b'{"text": "x"}\n'))
    monkeypatch.setattr(sys, "stdin", stdin)
    with open_source("-") as source:
        (item,) = read_items(source.stream, "-", FileOptions("jsonl", "stdin"))
        assert source.size is None
    assert isinstance(item, Outgoing)
    assert not stdin.buffer.closed


def test_a_moved_file_keeps_its_ids(tmp_path: Path) -> None:
    def ids(folder: Path) -> list[str]:
        folder.mkdir()
        path = folder / "posts.txt"
        path.write_text("one\ntwo\n")
        with open_source(str(path)) as source:
            items = read_items(source.stream, str(path), FileOptions("lines", "posts"))
            return [item.key for item in items if isinstance(item, Outgoing)]

    assert ids(tmp_path / "a") == ids(tmp_path / "b")
