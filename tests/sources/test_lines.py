from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.items import Outgoing, Skipped, SourceError
from streams.sources.jsonl import read_jsonl
from streams.sources.lines import read_lines, read_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streams.sources.items import Item


def _lines(content: bytes, encoding: str = "utf-8", max_chars: int = 100) -> list[tuple[int, str | None]]:
    return [
        (line.number, line.text) for line in read_lines(io.BytesIO(content), encoding=encoding, max_chars=max_chars)
    ]


@given(st.binary(max_size=400))
def test_every_byte_of_every_line_is_kept_whatever_it_is(content: bytes) -> None:
    texts = [text or "" for _, text in _lines(content, max_chars=1000)]
    assert "".join(texts).encode("utf-8", "surrogateescape") == content.removeprefix(b"\xef\xbb\xbf")


@pytest.mark.parametrize("content", [b"\xef", b"\xef\xbb", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b"\xef\xbb\xbfx"])
def test_a_mark_is_dropped_and_a_part_of_one_is_not(content: bytes) -> None:
    texts = [text or "" for _, text in _lines(content, max_chars=1000)]
    assert "".join(texts).encode("utf-8", "surrogateescape") == content.removeprefix(b"\xef\xbb\xbf")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("length", [9, 10, 11, 12])
def test_the_first_line_may_be_as_long_as_any_other(mark: bytes, length: int) -> None:
    content = mark + b"x" * length + b"\ny\n"
    first = None if length > 10 else "x" * length + "\n"
    assert _lines(content, max_chars=10) == [(1, first), (2, "y\n")]


@given(st.lists(st.integers(min_value=0, max_value=40), max_size=12), st.booleans())
def test_too_long_lines_are_told_and_the_others_stand(lengths: list[int], ends: bool) -> None:
    content = "\n".join("x" * length for length in lengths) + ("\n" if ends else "")
    expected = content.split("\n")
    if not expected[-1]:
        expected.pop()
    found = _lines(content.encode(), max_chars=10)
    assert [number for number, _ in found] == list(range(1, len(expected) + 1))
    assert [text is None for _, text in found] == [len(line) > 10 for line in expected]


def test_a_huge_line_is_never_held_whole() -> None:
    class Endless(io.RawIOBase):
        left = 50_000_000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            count = min(len(buffer), self.left)
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    stream = Endless()
    first = next(read_lines(io.BufferedReader(stream), encoding="utf-8", max_chars=1000))
    assert (first.text, stream.left) == (None, 0)


def test_latin_1_becomes_utf_8() -> None:
    assert _lines("Länsförsäkringar\n".encode("latin-1"), "latin-1") == [(1, "Länsförsäkringar\n")]


@pytest.mark.parametrize("encoding", ["utf-88", "hex"])
def test_an_unknown_encoding_is_named(encoding: str) -> None:
    with pytest.raises(SourceError, match=f"unknown encoding '{encoding}'"):
        _lines(b"", encoding)


def test_a_broken_utf_16_stream_names_the_line() -> None:
    with pytest.raises(SourceError, match="after line 0: not utf-16"):
        _lines("one".encode("utf-16-le")[:-1], "utf-16-le")


def test_plain_lines_are_texts() -> None:
    content = "Ferry firm halts sailings\n\n  \nRates held 🙂\r\n".encode() + b"caf\xe9\n" + b"y" * 60
    lines = read_lines(io.BytesIO(content), encoding="utf-8", max_chars=50)
    first, blank, spaces, second, broken, long = read_plain(lines, origin="wire.txt", source="wire")
    assert isinstance(first, Outgoing)
    assert b'"text":"Ferry firm halts sailings"' in first.value
    assert b'"source":"wire"' in first.value
    assert (blank, spaces) == (Skipped("line 2", "blank"), Skipped("line 3", "blank"))
    assert isinstance(second, Outgoing)
    assert '"text":"Rates held 🙂"'.encode() in second.value
    assert isinstance(broken, Outgoing)
    assert (broken.malformed, broken.value) == (True, b"caf\xe9")
    assert long == Skipped("line 6", "too_long")


def test_equal_lines_have_ids_of_their_own_and_keep_them() -> None:
    def ids() -> list[str]:
        lines = read_lines(io.BytesIO(b"same\nsame\n"), encoding="utf-8", max_chars=50)
        return [item.key for item in read_plain(lines, origin="a.txt", source="a") if isinstance(item, Outgoing)]

    assert ids() == ids()
    assert len(set(ids())) == 2


def test_every_reader_of_lines_counts_and_names_them_alike() -> None:
    content = b"not json\n \n\n" + b"x" * 60 + b"\r\ncaf\xe9\n"

    def found(reader: Callable[..., Iterable[Item]]) -> list[Item | str]:
        lines = read_lines(io.BytesIO(content), encoding="utf-8", max_chars=50)
        items = reader(lines, origin="a.txt", source="a")
        return [item.key if isinstance(item, Outgoing) else item for item in items]

    assert found(read_jsonl) == found(read_plain)
    assert [item for item in found(read_plain) if isinstance(item, Skipped)] == [
        Skipped("line 2", "blank"),
        Skipped("line 3", "blank"),
        Skipped("line 4", "too_long"),
    ]
