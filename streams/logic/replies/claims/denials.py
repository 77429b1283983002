"""Denials and duties: what a text says cannot be done or need not be, and what it says somebody else has to do.

They hold no figure and promise nothing, and yet a customer acts on them: "no passport is needed", "the other bank must
return it".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.logic.replies.claims.claim import Span


class Denial(NamedTuple):
    """One of them where it stands in its phrase."""

    key: str
    """cannot, needless or duty."""
    span: Span


_CANNOT = re.compile(
    r"\b(?:cannot|can not|can't|cant|may not(?! be\b)|must not|mustn't|unable to|not able to|not possible|impossible|"
    r"not (?:allowed|permitted|available|supported|accepted)|isn't possible|aren't allowed|isn't available)\b"
)
_NEEDLESS = re.compile(
    r"\bno (?:[\w-]+ ){1,4}?(?:is|are|will be) (?:needed|required|necessary|asked for)\b|"
    r"\b(?:do not|don't|does not|doesn't|will not|won't) (?:need|have to)\b|\bneedn't\b|\bneed not\b|"
    r"\b(?:is|are) not (?:needed|required|necessary|mandatory)\b|\b(?:isn't|aren't) (?:needed|required|necessary)\b|"
    r"\bno need (?:to|for)\b"
)
_DUTY = re.compile(r"\b(?:must|has to|have to|ought to|is obliged to|are obliged to|is bound to)\b(?! (?:be|not)\b)")
# "You must" tells what to do, which the evidence tells as a bidding; of ourselves the actions know.
_WHOSE = re.compile(r"\b(?:you|customers?|we|i|they|it|who|which|and|or|please)\s*(?:also|only|always|then|just)?\s*\Z")
_SUPPOSED = re.compile(
    r"\b(?:if|when|once|in case|whether|unless|should|where|why|how|who|which|until|sorry|understand|"
    r"see|hear)\b(?: [\w'%-]+){0,5} ?\Z"
)
# "We cannot apologise enough", "I can't imagine how that feels": no denial of anything.
_OF_FEELING = re.compile(r" (?:apologi[sz]e|imagine|thank|stress|wait|believe|express)\b")


def denials(low: str) -> Iterator[Denial]:
    """Denials and duties in a phrase, in lower case."""
    for key, pattern in (("cannot", _CANNOT), ("needless", _NEEDLESS), ("duty", _DUTY)):
        for match in pattern.finditer(low):
            before = low[: match.start()]
            if _SUPPOSED.search(before) or _OF_FEELING.match(low, match.end()):
                continue
            if key == "duty" and (not before.strip() or _WHOSE.search(before)):
                continue
            yield Denial(key, match.span())
