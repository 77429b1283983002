"""Reading claims one kind after another: what one reader has taken, the next does not see."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.logic.replies.claims.claim import Claim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.logic.replies.claims.claim import Bound, Kind

_BLANK = "\0"
_MOST = re.compile(
    r"(?:\bup to|\bwithin|\bat (?:the )?(?:most|latest)|\bno (?:more|later|longer) than|\bnot (?:more|later|"
    r"longer) than|"
    r"\bmaximum(?: of)?|\bmax\.?|\bless than|\bfewer than|\bunder|\bbelow|\bby|\bbefore|\buntil|\btill|"
    r"\binside|\bas much as)"
    r"(?: (?:the|a|an|next|another|about|around|our|end of))*\W{0,2}\Z"
)
_LEAST = re.compile(
    r"(?:\bat least|\bminimum(?: of)?|\bmin\.?|\bmore than|\bover|\babove|\bno (?:less|fewer|earlier) than|"
    r"\bnot less than|"
    r"\bstarting (?:at|from)|\bfrom(?: only)?|\bas little as|\bonly)(?: (?:the|a|an|another))*\W{0,2}\Z"
)
_ABOUT = re.compile(
    r"(?:\babout|\baround|\bapproximately|\broughly|\bapprox\.?|\bnearly|\balmost|\bcirca|\bsome|~|"
    r"\b(?:usually|normally|typically|generally)(?: \w+)?|\bon average)\W{0,2}\Z"
)
_AFTER = re.compile(r"(?:\bafter|\bsince|\bstarting|\bonwards)(?: (?:the|a|an))*\W{0,2}\Z")
_EVERY = re.compile(r"\b(?:every|each)(?: \w+)?\W{0,2}\Z")
_IN = re.compile(r"\bin(?: (?:the|a|an|just|only|next|as little as))*\W{0,2}\Z")
_OR_LESS = re.compile(r"\W{0,2}(?:or (?:less|fewer|sooner|under)|at (?:the )?(?:most|latest)|maximum|max)\b")
_OR_MORE = re.compile(r"\W{0,2}(?:or (?:more|over|above|older)|at least|minimum|and (?:over|above)|onwards)\b|\+")
_LOOK_BACK = 40


@dataclass(slots=True)
class Taking:
    """A sentence being read.

    Attributes:
        text: As it is written, number words as digits.
        left: In lower case; blank where something was taken.
    """

    text: str
    left: str = field(init=False)
    low: str = field(init=False)
    claims: list[Claim] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        lowered = self.text.lower()
        self.low = lowered if len(lowered) == len(self.text) else self.text
        self.left = self.low

    def matches(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """What of a pattern is left, in order; what is taken meanwhile is not given again."""
        place = 0
        while (match := pattern.search(self.left, place)) is not None:
            place = max(match.end(), place + 1)
            yield match

    def take(self, kind: Kind, key: tuple[str, ...], start: int, end: int, bound: Bound = "plain") -> None:
        """Note a claim, and blank its place."""
        self.claims.append(Claim(kind, key, start, end, bound=bound))
        self.skip(start, end)

    def skip(self, start: int, end: int) -> None:
        """Blank a place that claims nothing."""
        self.left = self.left[:start] + _BLANK * (end - start) + self.left[end:]

    def bound(self, start: int, end: int, *, in_is_within: bool = False) -> Bound:
        """How the words around a figure bind it."""
        back, forth = self.low[max(0, start - _LOOK_BACK) : start], self.low[end : end + _LOOK_BACK]
        if _OR_LESS.match(forth) or _MOST.search(back):
            return "most"
        if _OR_MORE.match(forth) or _LEAST.search(back):
            return "least"
        if in_is_within and _IN.search(back):
            return "most"
        for pattern, bound in _SIMPLE:
            if pattern.search(back):
                return bound
        return "plain"


_SIMPLE: tuple[tuple[re.Pattern[str], Bound], ...] = ((_ABOUT, "about"), (_AFTER, "after"), (_EVERY, "every"))
