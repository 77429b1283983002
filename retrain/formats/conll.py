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
_SPACES = re.compile(" +")
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
    for lines in _blocks(text):
        first, last = lines[0][0], lines[-1][0]
        place = f"lines {first}-{last}"
        wrong = next((number for number, cells in lines if not _is_token(cells)), None)
        if wrong is not None:
            yield Refused(place, f"line {wrong} is no token with a tag such as B-ORG or O in its last column")
            continue
        tokens = [cells[0] for _, cells in lines]
        entities = _entities(tokens, [cells[-1] for _, cells in lines])
        yield maker.item(place, {maker.name_of("text"): " ".join(tokens)}, {maker.name_of("entities"): entities})


def _blocks(text: str) -> Iterator[list[tuple[int, list[str]]]]:
    """Each text's lines, as numbers and cells: a blank line ends one, and so does the mark of a document."""
    lines: list[tuple[int, list[str]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        cells = _cells(line)
        if line.strip() and cells[0] != _DOCUMENT:
            lines.append((number, cells))
        elif lines:
            yield lines
            lines = []
    if lines:
        yield lines


def _cells(line: str) -> list[str]:
    """What stands in the columns; a token may hold any other space, such as the one in "10\u00a0000"."""
    line = line.rstrip(" \t\r")
    return [cell.strip(" ") for cell in line.split("\t")] if "\t" in line else _SPACES.split(line.lstrip(" "))


def _is_token(cells: list[str]) -> bool:
    return len(cells) >= _MIN_COLUMNS and cells[0] != "" and _TAG.fullmatch(cells[-1]) is not None


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
