"""Texts as they also come: mistyped, in other case, of other names, with a sentence that has nothing to say.

What a text's labels say stays true, and its entities are moved with it. Draws are by a hash of the row, so that two
models, and two runs, are asked about the very same texts.

There are no synonyms: a lexicon of them belongs to one language and to no domain. Other names in the place of a text's
own ask the same question, whether the model reads the sentence or recalls the word.
"""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from retrain.rows import Row

    Names = Mapping[str, Sequence[str]]
    """Names by class of entity."""

_LETTERS = re.compile(r"[^\W\d_]{4,}")
_MISTYPED_SHARE = 0.1
_HAN = re.compile("[\u3400-\u9fff]")
_ROWS_OF_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    key: row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
    for row in _ROWS_OF_KEYS
    for place, key in enumerate(row)
}
# They name nobody, praise nobody and ask for nothing.
_DISTRACTORS = (
    "It rained for most of the afternoon.",
    "The meeting takes place on the second floor.",
    "Lunch is served at noon on weekdays.",
    "The clocks go back at the end of the month.",
    "There are three copies of the form.",
)
_CHINESE_DISTRACTORS = (
    "下午下了一阵雨。",
    "会议在二楼举行。",
    "工作日中午十二点开饭。",
    "这份表格一共有三页。",
)


class Edit(NamedTuple):
    """A stretch of a text, and what is to stand there."""

    start: int
    end: int
    text: str


def edited(row: Row, edits: Sequence[Edit]) -> Row:
    """A row with its text edited and its entities moved.

    Args:
        row: The row.
        edits: In order, none overlapping another; what is put in at an entity's very end stays outside of it.
    """
    parts: list[str] = []
    done = 0
    for edit in edits:
        parts += (row.text[done : edit.start], edit.text)
        done = edit.end
    parts.append(row.text[done:])
    entities = row.entities
    if entities is not None:
        entities = tuple(
            msgspec.structs.replace(entity, start=_moved_start(entity.start, edits), end=_moved_end(entity.end, edits))
            for entity in entities
        )
    return msgspec.structs.replace(row, text="".join(parts), entities=entities)


def perturbations(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Every perturbation of rows, by its name.

    Args:
        rows: The rows; names that are put in the place of others are theirs.

    Returns:
        Of each perturbation, the rows that it changes, in their order, changed.
    """
    names = _names(rows)
    kinds: dict[str, Callable[[Row, Random], list[Edit]]] = {
        "typos": _typos,
        "lower case": lambda row, _: _recased(row, str.lower),
        "upper case": lambda row, _: _recased(row, str.upper),
        "other names": lambda row, random: _other_names(row, random, names),
        "a distracting sentence": _distracted,
    }
    changed: dict[str, list[Row]] = {}
    for kind, edits_of in kinds.items():
        edits = ((row, edits_of(row, Random(f"{kind}/{row.id}"))) for row in rows)  # noqa: S311  no secret
        changed[kind] = [edited(row, of_row) for row, of_row in edits if of_row]
    return changed


def _moved_start(place: int, edits: Sequence[Edit]) -> int:
    return place + sum(len(edit.text) - (edit.end - edit.start) for edit in edits if edit.end <= place)


def _moved_end(place: int, edits: Sequence[Edit]) -> int:
    return place + sum(len(edit.text) - (edit.end - edit.start) for edit in edits if edit.start < place)


def _typos(row: Row, random: Random) -> list[Edit]:
    """In a tenth of the longer words, in one at least: neighbours exchanged, a letter lost, doubled or misstruck."""
    words = [match.span() for match in _LETTERS.finditer(row.text)]
    if not words:
        return []
    drawn = sorted(random.sample(words, max(1, round(_MISTYPED_SHARE * len(words)))))
    borders = {border for entity in row.entities or () for border in (entity.start, entity.end)}
    edits = []
    for start, end in drawn:
        place = random.randrange(start, end - 1)
        if place + 1 not in borders:  # letters of two sides are not exchanged
            edits.append(Edit(place, place + 2, _mistyped(row.text[place : place + 2], random)))
    return [edit for edit in edits if edit.text != row.text[edit.start : edit.end]]


def _mistyped(pair: str, random: Random) -> str:
    first, second = pair[0], pair[1]
    neighbours = _NEIGHBOURS.get(first.lower(), first)
    misstruck = random.choice(neighbours)
    return random.choice((second + first, second, first + first + second, misstruck + second))


def _recased(row: Row, change: Callable[[str], str]) -> list[Edit]:
    """The whole text in one case; letters that would become several stay, so that nothing moves."""
    text = "".join(new if len(new := change(letter)) == 1 else letter for letter in row.text)
    return [] if text == row.text else [Edit(place, place + 1, new) for place, new in _differences(row.text, text)]


def _differences(old: str, new: str) -> Iterator[tuple[int, str]]:
    for place, (before, after) in enumerate(zip(old, new, strict=True)):
        if before != after:
            yield place, after


def _other_names(row: Row, random: Random, names: Names) -> list[Edit]:
    """Each name by another of its class; one that stands twice is twice the same."""
    chosen: dict[tuple[str, str], str] = {}
    edits = []
    for entity in row.entities or ():
        own = row.text[entity.start : entity.end]
        others = [name for name in names[entity.type] if name != own]
        if others:
            name = chosen.setdefault((entity.type, own), random.choice(others))
            edits.append(Edit(entity.start, entity.end, name))
    return edits


def _names(rows: Sequence[Row]) -> Names:
    """Names that the rows hold, by class, ascending."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for entity in row.entities or ():
            found.setdefault(entity.type, set()).add(row.text[entity.start : entity.end])
    return {class_: sorted(names) for class_, names in found.items()}


def _distracted(row: Row, random: Random) -> list[Edit]:
    """A sentence before or after the text, in Chinese where the text is."""
    chinese = _HAN.search(row.text) is not None
    sentence = random.choice(_CHINESE_DISTRACTORS if chinese else _DISTRACTORS)
    space = "" if chinese else " "
    if random.random() < 0.5:  # noqa: PLR2004  a coin
        return [Edit(0, 0, sentence + space)]
    return [Edit(len(row.text), len(row.text), space + sentence)]
