"""Tables with a header: an answer a row."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from streams.sources.answers.items import AnswersError, Refused
from streams.sources.answers.making import NAMES

if TYPE_CHECKING:
    import _csv
    from collections.abc import Iterator

    from streams.sources.answers.items import Item
    from streams.sources.answers.making import DocumentMaker

_DELIMITERS = ",;\t"
_MAX_CELL_CHARS = 1_000_000


def read_table(text: str, maker: DocumentMaker) -> Iterator[Item]:
    """An item for each row that is not empty; a row without a question is a page.

    Args:
        text: The file's, its columns parted by commas, semicolons or tabs as its header is.
        maker: Makes documents of rows.

    Raises:
        AnswersError: The header names no answer.
    """
    csv.field_size_limit(_MAX_CELL_CHARS)
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    # Strict, since a quote that is never closed would swallow all rows after it without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise AnswersError(f"{maker.origin}: the header cannot be read: {error}") from error
    if "text" not in {NAMES.get(name.strip().casefold()) for name in header}:
        raise AnswersError(
            f"{maker.origin}: no column is named answer or text; there are {', '.join(header) or '(none)'}: name the "
            "columns in the first line, such as question,answer,intent,topics"
        )
    return _rows(reader, header, maker)


def _rows(reader: _csv.Reader, header: list[str], maker: DocumentMaker) -> Iterator[Item]:
    while True:
        first = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refused(_place(first, reader.line_num), str(error))
            continue
        place = _place(first, reader.line_num)
        if not any(cells):
            continue
        if len(cells) != len(header):
            yield Refused(place, f"{len(cells)} cells where the header has {len(header)}")
            continue
        yield from maker.items(place, dict(zip(header, cells, strict=True)))


def _place(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first}-{last}"
