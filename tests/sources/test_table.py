from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.items import Item, Outgoing, Skipped, SourceError
from streams.sources.lines import read_lines
from streams.sources.table import TableOptions, read_table


def _items(
    content: str | bytes, options: TableOptions | None = None, max_chars: int = 10_000, encoding: str = "utf-8"
) -> list[Item]:
    raw = content.encode() if isinstance(content, str) else content
    lines = read_lines(io.BytesIO(raw), encoding=encoding, max_chars=max_chars, newline="")
    return list(read_table(lines, options or TableOptions(), origin="posts.csv", source="posts", max_chars=max_chars))


def _fields(item: Item) -> dict[str, Any]:
    assert isinstance(item, Outgoing)
    assert not item.malformed
    return msgspec.json.decode(item.value, type=dict[str, Any])


def test_columns_of_the_fields_own_names_are_found() -> None:
    (item,) = _items("text,author,id,time,ignored\nParcel lost again,@quayside,p-1,2026-03-02T09:00:00+01:00,x\n")
    fields = _fields(item)
    assert {name: fields[name] for name in ("id", "text", "author", "source", "time")} == {
        "id": "p-1",
        "text": "Parcel lost again",
        "author": "@quayside",
        "source": "posts",
        "time": "2026-03-02T08:00:00Z",
    }
    assert "ignored" not in fields
    assert isinstance(item, Outgoing)
    assert (item.key, item.time) == ("p-1", datetime(2026, 3, 2, 8, tzinfo=UTC))


def test_columns_can_be_named_and_numbered_and_texts_joined() -> None:
    options = TableOptions(text=("headline", "3"), columns={"source": "outlet", "channel": "4"})
    (item,) = _items("outlet,headline,standfirst,desk\nQuay Times,Ferry sunk,All safe,shipping\n", options)
    fields = _fields(item)
    assert (fields["text"], fields["source"], fields["channel"]) == ("Ferry sunk\nAll safe", "Quay Times", "shipping")


def test_without_a_header_columns_have_numbers() -> None:
    options = TableOptions(text=("2",), columns={"author": "1"}, header=False)
    first, second = _items("@a,one\n@b,two\n", options)
    assert [(_fields(item)["author"], _fields(item)["text"]) for item in (first, second)] == [
        ("@a", "one"),
        ("@b", "two"),
    ]


def test_a_quoted_cell_may_hold_lines_quotes_and_delimiters() -> None:
    first, second = _items('text,id\n"Dear bank,\r\nmy ""card"" is gone.\n",a\nplain,b\n')
    assert _fields(first)["text"] == 'Dear bank,\r\nmy "card" is gone.\n'
    assert (first.place, second.place) == ("line 2", "line 5")


def test_tabs_without_quotes() -> None:
    options = TableOptions(delimiter="\t", quotes=False)
    (item,) = _items('id\ttext\n1\t6" pipe, "cheap\n', options)
    assert _fields(item)["text"] == '6" pipe, "cheap'


@pytest.mark.parametrize(
    ("cell", "time_format", "expected"),
    [
        ("1772438400", None, "2026-03-02T08:00:00Z"),
        ("1772438400000", None, "2026-03-02T08:00:00Z"),
        ("2026-03-02", None, "2026-03-02T00:00:00Z"),
        ("20260302", None, "2026-03-02T00:00:00Z"),
        ("1772438400.5", None, "2026-03-02T08:00:00.500000Z"),
        ("2026-03-02 08:00:00 +0100", None, "2026-03-02T07:00:00Z"),
        ("02-Mar-26", "%d-%b-%y", "2026-03-02T00:00:00Z"),
        ("2026/03/02 08:00 +0200", "%Y/%m/%d %H:%M %z", "2026-03-02T06:00:00Z"),
        ("yesterday", None, "yesterday"),
        ("yesterday", "%d-%b-%y", "yesterday"),
        ("0001-01-01 +1400", "%Y-%m-%d %z", "0001-01-01 +1400"),
        ("9999-12-31 23 -1400", "%Y-%m-%d %H %z", "9999-12-31 23 -1400"),
    ],
)
def test_times(cell: str, time_format: str | None, expected: str) -> None:
    (item,) = _items(f"text,time\nx,{cell}\n", TableOptions(time_format=time_format))
    assert _fields(item)["time"] == expected


def test_rows_that_are_no_messages_are_sent_as_they_stand() -> None:
    short, wide, blank, broken, good, unclosed = _items(
        b'id,text\nalone\n1,two,three\n\n2,caf\xe9\n3,fine\n4,"open and\nnever closed\n'
    )
    assert blank == Skipped("line 4", "blank")
    assert _fields(good)["text"] == "fine"
    for item, raw in (
        (short, b"alone"),
        (wide, b"1,two,three"),
        (broken, b"2,caf\xe9"),
        (unclosed, b'4,"open and\nnever closed'),
    ):
        assert isinstance(item, Outgoing)
        assert (item.malformed, item.value) == (True, raw)


def test_a_row_may_lack_what_is_not_its_text() -> None:
    (item,) = _items("text,author,url\njust this\n")
    assert "author" not in _fields(item)


def test_a_row_that_no_broker_takes_is_told_and_the_rest_is_read() -> None:
    content = "text\nshort\n" + "x" * 60 + '\n"' + "line\n" * 20 + '"\nlast\n'
    items = _items(content, max_chars=50)
    assert items[1] == Skipped("line 3", "too_long")
    assert items[2] == Skipped("line 4", "too_long")
    assert isinstance(items[-1], Outgoing)


def test_latin_1() -> None:
    options = TableOptions(text=("1",), delimiter="@", header=False, quotes=False)
    (item,) = _items("Käyttö kasvoi .@positive\n".encode("latin-1"), options, encoding="latin-1")
    assert _fields(item)["text"] == "Käyttö kasvoi ."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (TableOptions(), r"no column 'text' for the text: give --text-column one of id, body"),
        (TableOptions(text=("3",)), r"no column '3'"),
        (
            TableOptions(text=("body",), columns={"author": "who"}),
            r"no column 'who' for the author: give --author-column",
        ),
        (TableOptions(text=("body",), header=False), r"without a header, columns have numbers, from 1"),
        (TableOptions(text=("0",), header=False), r"without a header"),
    ],
)
def test_a_column_that_is_not_there_is_named(options: TableOptions, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        _items("id,body\n1,x\n", options)


def test_an_empty_file_has_no_columns() -> None:
    with pytest.raises(SourceError, match="no column 'text'"):
        _items("")


# A carriage return or line feed alone ends a row outside quotes only; csv.writer quotes them.
_cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(_cells, _cells, _cells), max_size=15), st.sampled_from([",", ";", "\t", "|"]))
def test_what_a_csv_writer_wrote_is_read_back(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("key", "text", "note"), *rows])
    items = _items(buffer.getvalue(), TableOptions(delimiter=delimiter))
    assert len(items) == len(rows)
    for item, (_, text, _) in zip(items, rows, strict=True):
        assert _fields(item)["text"] == (text if text.strip() else "")


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    items = _items(content, TableOptions(text=("1",), header=False), max_chars=50)
    assert all(isinstance(item, (Outgoing, Skipped)) for item in items)
