"""Counts what a text states that its evidence does not: a second opinion, which shares no code with the check.

It works the other way round. The check reads claims sentence by sentence and asks whether the evidence supports each;
this reduces evidence to a bag of exact spellings and asks of every token of a text that could be a fact whether it is
in the bag. It knows nothing of negations and conditions, and rather counts too much: a fact in other words is
unsupported to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SPELLED = (
    "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty ninety "
    "hundred thousand"
)
_CALENDAR = (
    "monday tuesday wednesday thursday friday saturday sunday january february april june july august september "
    "october november december weekend weekends weekday weekdays midnight noon"
)
_WAITS = "hour hours day days week weeks month months year years minute minutes"
_PROMISES = (
    "refund reimburse compensate guarantee free waive discount voucher credit bonus gift replacement warranty "
    "cashback complimentary lifetime unlimited instant instantly immediately overnight today tomorrow tonight 24/7"
)
_WORD_GROUPS = {
    "number word": frozenset(_SPELLED.split()),
    "date": frozenset(_CALENDAR.split()),
    "time span": frozenset(_WAITS.split()),
}
_STEMS = {"promise": tuple(word[:6] for word in _PROMISES.split())}
_SHAPES = (
    ("placeholder", re.compile(r"\{\{.*?\}\}|\[[A-Za-z][^\]\n]{0,40}\]|<[A-Za-z][^>\n]{0,40}>")),
    ("e-mail", re.compile(r"\S+@\S+\.\w+")),
    ("link", re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|org|net|io|co|example)\b\S*", re.IGNORECASE)),
    ("amount", re.compile(r"[$€£¥]\s?\d[\d.,]*|\d[\d.,]*\s?(?:%|percent|dollars?|euros?|pounds?)", re.IGNORECASE)),
    ("telephone", re.compile(r"\+?\d[\d ()-]{6,}\d")),
    ("number", re.compile(r"\d[\d.,:/-]*\d|\d")),
)
_STEP = re.compile(r"(?<!\S)(\d{1,2})[.)](?=\s)")
_DONE = re.compile(
    r"\b(?:i|we)(?:'ve| have)(?: now| already| just| successfully)* ([a-z]+(?:ed|nt|pt))\b"
    r"|\byour [a-z ]{2,30} (?:has|have) been ([a-z]+(?:ed|nt|pt))\b"
)
# What makes a rule of a customer's own thing: "your transfer takes 5 days".
_RULES = "is|are|has|have|gets?|takes?|costs?|brings?|refunds?|allows?|clears?|works?|needs?|applies|limit|earns?|wins?"
_OWN_BEFORE = re.compile(
    r"\b(?:your|you|order|invoice|account|number|for|mr|mrs|dear|hello|hi)\W+"
    rf"(?:(?!(?:{_RULES})\b)\w+\W+){{0,3}}\Z"
)


class Count(NamedTuple):
    """What was found in one text."""

    unsupported: list[tuple[str, str]]
    """Kind and spelling of what is in no evidence."""
    echoed: int
    """What is in no evidence but is the customer's own, given back as theirs."""
    facts: int
    """Everything that could be a fact."""


def count(text: str, evidence: Sequence[str], message: str) -> Count:
    """Look at one text.

    Args:
        text: A reply.
        evidence: What it was drawn from.
        message: What the customer wrote.
    """
    known = {fact for one in evidence for fact in _facts(one)}
    own = {fact[1] for fact in _facts(message)}
    found = list(_placed(text))
    missing = [(fact, before) for fact, before in found if fact not in known]
    echoed = [fact for fact, before in missing if fact[1] in own and _OWN_BEFORE.search(before)]
    return Count([fact for fact, _ in missing if fact not in echoed], len(echoed), len(found))


def _facts(text: str) -> Iterator[tuple[str, str]]:
    return (fact for fact, _ in _placed(text))


def _placed(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Kind and spelling of everything that could be a fact, with the text before it."""
    low = _without_steps(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    left = low
    for kind, shape in _SHAPES:
        for match in shape.finditer(left):
            yield (kind, match.group().strip(".,:/- ")), low[: match.start()]
        # Of the same length, so that places stay.
        left = shape.sub(lambda match: " " * len(match.group()), left)
    for match in re.finditer(r"[a-z]+(?:/\d)?|24/7", left):
        word = match.group()
        for kind, words in _WORD_GROUPS.items():
            if word in words:
                yield (kind, word.removesuffix("s") if kind == "time span" else word), low[: match.start()]
        for kind, stems in _STEMS.items():
            stem = next((stem for stem in stems if word.startswith(stem)), None)
            if stem is not None:
                yield (kind, stem), low[: match.start()]
    for match in _DONE.finditer(low):
        yield ("done", match.group(1) or match.group(2)), low[: match.start()]


def _without_steps(text: str) -> str:
    """A text without the numbers that count its steps, one after another from 1: they state nothing."""
    step = 0

    def drop(match: re.Match[str]) -> str:
        nonlocal step
        number = int(match.group(1))
        if number not in (1, step + 1):
            return match.group()
        step = number
        return " " * len(match.group())

    return _STEP.sub(drop, text)
