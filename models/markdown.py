"""Tables in Markdown, for reports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A source's or a label's name is nobody's mark-up: it opens no link, no picture and no cell.
_MARKUP = re.compile(r"[\\`*\[\]|<&]")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a table; figures are given three digits, yes and no are said."""
    lines = [header, ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def plain(text: str) -> str:
    """A text that says nothing to a reader of Markdown but itself, on one line."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}" if isinstance(value, float) else plain(str(value))
