"""Tables (CSV, TSV and their kin): one record a row, its fields from columns named or numbered."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streams.contract.incoming import parse_time
from streams.sources.items import Item, Outgoing, Skipped, SourceError, as_it_stands, from_fields, stable_id
from streams.sources.lines import is_sound
from streams.sources.shapes import MESSAGE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from streams.sources.lines import Line
    from streams.sources.shapes import Shape


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How a table is to be read."""

    text: tuple[str, ...] = ("text",)
    """Columns of the text, by name or by number from 1; several are joined by a line break."""
    columns: dict[str, str] = field(default_factory=dict)
    """Columns of other fields, by field; a field that is not here is taken from a column of its own name."""
    delimiter: str = ","
    header: bool = True
    """Whether the first row names the columns."""
    quotes: bool = True
    """Whether double quotes enclose cells; without, they are characters like any other."""
    time_format: str | None = None
    """``strptime``'s format of the times; ISO 8601 or epoch where absent. UTC where it names no zone."""


@dataclass(frozen=True, slots=True)
class _Layout:
    text: tuple[int, ...]
    others: dict[str, int]
    width: int | None
    shape: Shape

    @property
    def last_needed(self) -> int:
        """The column without which a row is no record, that stands furthest to the right."""
        return max([*self.text, *(self.others[name] for name in self.shape.needed if name != "text")])


class _RowTooLongError(Exception):
    """A row that no broker would take, or a quote that is never closed."""


class _RowLines:
    """The lines that ``csv.reader`` asks for, and what of them makes the row under way."""

    def __init__(self, lines: Iterator[Line], max_chars: int) -> None:
        self._lines = lines
        self._max_chars = max_chars
        self._taken: list[str] = []
        self._length = 0
        self.first = 1
        self.broken_off = False

    def __iter__(self) -> _RowLines:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            # Asked for more in the middle of a row: a quote was opened and never closed.
            self.broken_off = bool(self._taken)
            raise StopIteration
        if not self._taken:
            self.first = line.number
        self._length += len(line.text or "")
        if line.text is None or self._length > self._max_chars:
            raise _RowTooLongError
        self._taken.append(line.text)
        return line.text

    def take(self) -> tuple[str, str]:
        """Place and raw text of the row that was just read; the next one starts."""
        raw = "".join(self._taken)
        self._taken.clear()
        self._length = 0
        return f"line {self.first}", raw


def read_table(
    lines: Iterator[Line],
    options: TableOptions,
    *,
    origin: str,
    source: str,
    max_chars: int,
    shape: Shape = MESSAGE,
) -> Generator[Item, None, None]:
    """Records of a table's rows.

    A row without a column that is needed, with more cells than the header, with bytes that are not of the encoding, or
    in an open quote at the end is sent as it stands, to come out as a dead letter. Empty cells are absent fields.

    Args:
        lines: From ``read_lines`` with ``newline=""``.
        options: How the table is to be read.
        origin: Name of the file, a part of each id that is made.
        source: Source of rows that name none.
        max_chars: A row with more characters is skipped.
        shape: Kind of record.

    Raises:
        SourceError: A column that was asked for is not there.
    """
    csv.field_size_limit(max_chars)  # the module's own limit, 131,072, is less than a text may have
    rows = _RowLines(lines, max_chars)
    reader = csv.reader(
        rows, delimiter=options.delimiter, quoting=csv.QUOTE_MINIMAL if options.quotes else csv.QUOTE_NONE
    )
    layout = _layout(_header(reader, rows, origin) if options.header else None, options, origin, shape)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_RowTooLongError, csv.Error):
            place, _ = rows.take()
            yield Skipped(place, "too_long")
            continue
        place, raw = rows.take()
        key = stable_id(origin, place, raw)
        if not cells:
            yield Skipped(place, "blank")
        elif rows.broken_off or not is_sound(raw) or not _fits(cells, layout):
            yield as_it_stands(place, key, raw.rstrip("\r\n"))
        else:
            yield _record(place, cells, layout, options, {"id": key, "source": source})


def _header(reader: Iterator[list[str]], rows: _RowLines, origin: str) -> list[str]:
    try:
        names = next(reader, [])
    except (_RowTooLongError, csv.Error):
        raise SourceError(
            f"{origin}: the first row is too long to be a header: is it a table, and --delimiter right?"
        ) from None
    rows.take()
    return [name.strip() for name in names]


def _layout(header: list[str] | None, options: TableOptions, origin: str, shape: Shape) -> _Layout:
    text = options.text if shape.has_text else ()
    needed = {name: name for name in shape.needed if name != "text"}
    # A title is often the beginning of a text, and a title all the same.
    free = [name for name in shape.optional if name == "title" or name not in text]
    own_names = {name: name for name in free if header and name in header}
    given = {name: column for name, column in options.columns.items() if name in (*shape.needed, *shape.optional)}
    others = {**needed, **own_names, **given}
    return _Layout(
        text=tuple(_index(column, "text", header, origin) for column in text),
        others={name: _index(column, name, header, origin) for name, column in others.items()},
        width=None if header is None else len(header),
        shape=shape,
    )


def _index(column: str, name: str, header: list[str] | None, origin: str) -> int:
    if header is not None and column in header:
        return header.index(column)
    if column.isdecimal() and int(column) >= 1 and (header is None or int(column) <= len(header)):
        return int(column) - 1
    if header is None:
        raise SourceError(f"{origin}: --{name}-column {column!r}: without a header, columns have numbers, from 1")
    raise SourceError(
        f"{origin}: no column {column!r} for the {name}: give --{name}-column one of {', '.join(header) or '(none)'}"
    )


def _fits(cells: list[str], layout: _Layout) -> bool:
    return layout.last_needed < len(cells) and (layout.width is None or len(cells) <= layout.width)


def _record(
    place: str, cells: list[str], layout: _Layout, options: TableOptions, defaults: dict[str, object]
) -> Outgoing:
    shape = layout.shape
    fields = {name: value for name, value in defaults.items() if name in shape.filled}
    if shape.has_text:
        fields["text"] = "\n".join(cells[index] for index in layout.text if cells[index].strip())
    for name, index in layout.others.items():
        if index < len(cells) and (cell := cells[index].strip()):
            fields[name] = _value(cell, name, shape)
        elif name in shape.needed:
            fields[name] = ""  # The worker says what is wrong with it.
    time = None
    if "time" in fields:
        try:
            time = _parse_time(str(fields["time"]), options.time_format)
            fields["time"] = time
        except (ValueError, OverflowError):  # it travels as it stands, and the worker says what is wrong with it
            time = None
    return from_fields(place, fields, time=time, shape=shape)


def _value(cell: str, name: str, shape: Shape) -> object:
    """What a cell says; a number that is none travels as it stands."""
    if name in shape.lists:
        return [part for each in cell.split("|") if (part := each.strip())]
    if name in shape.numbers:
        try:
            number = float(cell)
        except ValueError:
            return cell
        return number if math.isfinite(number) else cell
    return cell


def _parse_time(cell: str, time_format: str | None) -> datetime:
    if time_format is not None:
        time = datetime.strptime(cell, time_format)  # noqa: DTZ007  the zone is set in the next line
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    return parse_time(cell)
