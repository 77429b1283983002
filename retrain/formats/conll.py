"""Entities in columns, as CoNLL-2003 has them: a token a line, its tag last, a blank line between texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seqeval.metrics.sequence_labeling import get_entities

from retrain.formats.items import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.formats.fields import LabelMaker
    from retrain.formats.items import Item

_TAG = re.compile(r"O|[BIESLU]-\S+")
_DOCUMENT = "-DOCSTART-"
# BILOU calls by other letters what BIOES means.
_BIOES = str.maketrans("LU", "ES")
_MIN_COLUMNS = 2


def read_conll(text: str, maker: LabelMaker) -> Iterator[Item]:
    """A label of entities for each text, in any of IOB1, IOB2, BIOES and BILOU.

    The tokens are joined by single spaces, which is how the model will read them: where a text was parted otherwise is
    not in such a file. A text without entities says that there is none.

    Args:
        text: The file's; bytes that were not of its encoding as surrogates.
        maker: Makes labels of texts.
    """
    for first, last, lines in _blocks(text):
        place = f"lines {first}-{last}"
        columns = [line.split() for line in lines]
        if columns[0][0] == _DOCUMENT:
            continue
        wrong = next((number for number, cells in enumerate(columns, first) if not _is_token(cells)), None)
        if wrong is not None:
            yield Refused(place, f"line {wrong} is no token with a tag such as B-ORG or O in its last column")
            continue
        tokens = [cells[0] for cells in columns]
        entities = _entities(tokens, [cells[-1] for cells in columns])
        yield maker.item(place, {maker.name_of("text"): " ".join(tokens)}, {maker.name_of("entities"): entities})


def _blocks(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Numbers of the first and last line of each run of lines that are not blank, and the lines."""
    lines: list[str] = []
    number = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            lines.append(line)
        elif lines:
            yield number - len(lines), number - 1, lines
            lines = []
    if lines:
        yield number - len(lines) + 1, number, lines


def _is_token(cells: list[str]) -> bool:
    return len(cells) >= _MIN_COLUMNS and _TAG.fullmatch(cells[-1]) is not None


def _entities(tokens: list[str], tags: list[str]) -> list[dict[str, object]]:
    starts, length = [], 0
    for token in tokens:
        starts.append(length)
        length += len(token) + 1
    chunks = get_entities([tag[0].translate(_BIOES) + tag[1:] for tag in tags])
    return [
        {"start": starts[first], "end": starts[last] + len(tokens[last]), "type": type_}
        for type_, first, last in chunks
    ]
