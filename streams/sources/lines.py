"""Lines of a stream of any size, in bounded memory, and the reader of plain lines."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streams.sources.items import Item, Outgoing, Skipped, SourceError, as_it_stands, from_fields, stable_id
from streams.sources.shapes import MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from typing import BinaryIO

    from streams.sources.shapes import Shape

_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text."""

    number: int
    """Counted from 1."""
    text: str | None
    """With its line ending; bytes that are not of the encoding stand as surrogates. None where it is too long."""

    @property
    def place(self) -> str:
        """For people: ``line 7``."""
        return f"line {self.number}"


def read_lines(stream: BinaryIO, *, encoding: str, max_chars: int, newline: Literal["", "\n"] = "\n") -> Iterator[Line]:
    """Lines of a binary stream, one at a time.

    Bytes that do not belong to the encoding are kept as surrogates (PEP 383), so that a bad line can be sent in the
    very bytes in which it stood and spoils no other. A byte-order mark of UTF-8 at the start is dropped.

    Args:
        stream: Left open.
        encoding: Any that Python knows, such as ``utf-8`` or ``latin-1``.
        max_chars: A longer line is told as too long and never held whole.
        newline: A line feed alone, or (empty) a carriage return too, as CSV wants.

    Raises:
        SourceError: The encoding is unknown, or (UTF-16 and the like) the stream does not hold to it.
    """
    try:
        name = codecs.lookup(encoding).name
        text = io.TextIOWrapper(stream, encoding=name, errors="surrogateescape", newline=newline)
    except LookupError:  # the second, where it is one of bytes to bytes, such as hex
        raise SourceError(
            f"unknown encoding {encoding!r}: give one that Python knows, such as utf-8 or latin-1"
        ) from None
    try:
        number = 0
        # Python's utf-8-sig would lose a stream that is the beginning of a mark and nothing else.
        line = _without_mark(text, max_chars) if name == "utf-8" else text.readline(max_chars + 1)
        while line:
            number += 1
            yield Line(number, None if _is_too_long(line, text, max_chars) else line)
            line = text.readline(max_chars + 1)
    except UnicodeError as error:
        raise SourceError(f"after line {number}: not {encoding}: give the right --encoding") from error
    finally:
        text.detach()


def _without_mark(text: io.TextIOWrapper, max_chars: int) -> str:
    """The first line, without the mark that may stand before it."""
    line = text.readline(max_chars + 2)
    return line[1:] if line.startswith(_MARK) else line


def _is_too_long(line: str, text: io.TextIOWrapper, max_chars: int) -> bool:
    """Whether a line has more characters than are wanted; what is left of it is read past."""
    if len(line.rstrip("\r\n")) <= max_chars:
        return False
    while not line.endswith(("\n", "\r")) and (line := text.readline(max_chars)):
        pass
    return True


def records_of(
    lines: Iterable[Line], origin: str, record: Callable[[str, str, str], Outgoing]
) -> Generator[Item, None, None]:
    """A record of each line; those that are blank or too long are told as such.

    Args:
        lines: From ``read_lines``.
        origin: Name of the file, a part of each line's id.
        record: Makes it of the line's place, an id that is its own at every reading, and its text without the ending.
    """
    for line in lines:
        text = None if line.text is None else line.text.rstrip("\r\n")
        if text is None:
            yield Skipped(line.place, "too_long")
        elif not text.strip():
            yield Skipped(line.place, "blank")
        else:
            yield record(line.place, stable_id(origin, str(line.number), text), text)


def read_plain(
    lines: Iterable[Line], *, origin: str, source: str, shape: Shape = MESSAGE
) -> Generator[Item, None, None]:
    """Each line that is not blank as the text of one message or item.

    Args:
        lines: From ``read_lines``.
        origin: Name of the file, a part of each id.
        source: The records' source.
        shape: Kind of record, of which a text is all that is needed.
    """

    def record(place: str, key: str, text: str) -> Outgoing:
        if is_sound(text):
            return from_fields(place, {"id": key, "text": text, "source": source}, time=None, shape=shape)
        return as_it_stands(place, key, text)

    return records_of(lines, origin, record)


def is_sound(text: str) -> bool:
    """Whether a text holds no bytes that were not of its encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
