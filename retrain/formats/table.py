"""Tables with a header: CSV, or parted by tabs or semicolons."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from retrain.formats.fields import LABELLED
from retrain.formats.items import FormatError, Refused

if TYPE_CHECKING:
    import _csv
    from collections.abc import Iterator

    from retrain.formats.fields import LabelMaker
    from retrain.formats.items import Item

_DELIMITERS = ",;\t"
_MAX_CELL_CHARS = 10_000_000


def read_table(text: str, maker: LabelMaker) -> Iterator[Item]:
    """An item for each row; an empty cell says nothing.

    ``topics`` are parted by commas, semicolons or bars, and ``-`` says that there is none. ``entities`` are a JSON list
    of objects with ``start``, ``end``, ``type`` and perhaps ``sentiment``. A column ``marked`` instead of ``text``
    holds the text with its entities in the mark-up of the seed examples.

    Args:
        text: The file's; bytes that were not of its encoding as surrogates.
        maker: Makes labels of rows.

    Raises:
        FormatError: The header names no text, or nothing that is a label.
    """
    csv.field_size_limit(_MAX_CELL_CHARS)  # the module's own limit is about the longest text that a label may have
    header_line = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header_line.count)
    # Strict, since a quote that is never closed would swallow all rows after it without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise FormatError(f"the header cannot be read: {error}") from error
    _check(header, maker)
    return _rows(reader, header, maker)


def _check(header: list[str], maker: LabelMaker) -> None:
    fields = {maker.field_of(name) for name in header}
    columns = ", ".join(header) or "(none)"
    for name, written in maker.renamed.items():
        if name not in fields:
            raise FormatError(f"no column is named {written}, as --map {name}={written} has it; there are {columns}")
    if not fields & {"text", "marked"}:
        raise FormatError(f"no column is named text; there are {columns}: say such as --map text=COLUMN")
    if not fields & {"marked", *LABELLED}:
        raise FormatError(
            f"no column is named {', '.join(LABELLED)}; there are {columns}: say such as --map sentiment=COLUMN"
        )
    if doubled := {name for name in header if header.count(name) > 1}:
        raise FormatError(f"columns named twice: {', '.join(sorted(doubled))}")


def _rows(reader: _csv.Reader, header: list[str], maker: LabelMaker) -> Iterator[Item]:
    while True:
        first = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refused(_place(first, reader.line_num), str(error))
            continue
        if not any(cells):
            continue
        place = _place(first, reader.line_num)
        if len(cells) != len(header):
            yield Refused(place, f"{len(cells)} cells where the header has {len(header)}")
            continue
        fields = dict(zip(header, cells, strict=True))
        yield maker.item(place, fields, fields)


def _place(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first}-{last}"
