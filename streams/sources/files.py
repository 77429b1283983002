"""Files and standard input: guess the format, open, and read item by item in bounded memory."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal, TypeAlias

from streams.sources.items import Item, SourceError
from streams.sources.jsonl import read_jsonl
from streams.sources.lines import read_lines, read_plain
from streams.sources.shapes import MESSAGE
from streams.sources.table import TableOptions, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import BinaryIO

    from streams.sources.shapes import Shape

Format: TypeAlias = Literal["jsonl", "csv", "tsv", "lines"]

STANDARD_INPUT = "-"
_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "lines",
    ".text": "lines",
}


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How a file is to be read."""

    format: Format
    source: str
    """Source of records that name none."""
    encoding: str = "utf-8"
    max_chars: int = 1_048_576
    """A longer line or row is skipped: no broker would take it."""
    table: TableOptions = field(default_factory=TableOptions)
    shape: Shape = MESSAGE
    """Kind of its records."""


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source that is open."""

    stream: BinaryIO
    size: int | None
    """Bytes in all; None where nobody can know, as of a pipe."""
    position: Callable[[], int]
    """Bytes read so far; 0 where the size is not known."""


def guess_format(name: str) -> Format:
    """Format by the extension; JSON Lines for standard input.

    Raises:
        SourceError: The extension is none that is known.
    """
    if name == STANDARD_INPUT:
        return "jsonl"
    extension = PurePath(name).suffix.lower()
    if extension not in _FORMATS:
        raise SourceError(f"{name}: cannot tell its format by {extension or 'its name'}: give --format")
    return _FORMATS[extension]


@contextmanager
def open_source(name: str) -> Iterator[OpenSource]:
    """Open a file, or ``-`` for standard input.

    Raises:
        SourceError: It cannot be opened.
    """
    if name == STANDARD_INPUT:
        yield OpenSource(sys.stdin.buffer, None, int)
        return
    path = Path(name)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise SourceError(f"{name}: {error.strerror}") from error
    with stream:
        if path.is_file():
            yield OpenSource(stream, path.stat().st_size, stream.raw.tell)
        else:
            yield OpenSource(stream, None, int)


def read_items(stream: BinaryIO, name: str, options: FileOptions) -> Generator[Item, None, None]:
    """Items of an open source.

    Args:
        stream: Open for reading bytes.
        name: As it was given; its last part goes into the ids, so that a moved file keeps them.
        options: How it is to be read.

    Raises:
        SourceError: It cannot be read as it is said to be.
    """
    origin = PurePath(name).name
    is_table = options.format in {"csv", "tsv"}
    lines = read_lines(stream, encoding=options.encoding, max_chars=options.max_chars, newline="" if is_table else "\n")
    if options.format == "jsonl":
        return read_jsonl(lines, origin=origin, source=options.source, shape=options.shape)
    if options.format == "lines":
        if options.shape.needed != ("text",):
            raise SourceError(
                f"{name}: {options.shape.indefinite} needs {', '.join(options.shape.needed)}, and a line is one text: "
                "give JSON Lines or a table"
            )
        return read_plain(lines, origin=origin, source=options.source, shape=options.shape)
    max_chars = options.max_chars
    return read_table(
        lines, options.table, origin=origin, source=options.source, max_chars=max_chars, shape=options.shape
    )
