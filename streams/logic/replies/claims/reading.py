"""A text as sentences with their claims."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from streams.logic.replies.claims import contacts, figures, times
from streams.logic.replies.claims.actions import actions
from streams.logic.replies.claims.claim import Claim, Sentence
from streams.logic.replies.claims.denials import denials
from streams.logic.replies.claims.names import take_names
from streams.logic.replies.claims.numerals import with_digits
from streams.logic.replies.claims.promises import promises
from streams.logic.replies.claims.taking import Taking
from streams.logic.replies.claims.wording import (
    TELLS_NOTHING,
    around,
    clauses,
    is_denied,
    phrases,
    plain,
    polarity,
    sentences,
    stem,
    stems,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from streams.logic.replies.claims.claim import Kind, Span
    from streams.logic.replies.claims.denials import Denial

_WEAK = re.compile(
    r"\b(?:may|might|can|could|possibly|perhaps|usually|normally|typically|generally|often|sometimes|"
    r"in (?:some|most|many|certain) cases|"
    r"possible|possibly|option|depending|depends|subject to|should|would|aim to|try to|expect\w*|likely)\b"
)
_USUALLY = re.compile(
    r"\b(?:usually|normally|typically|generally|often|sometimes|on average|in most cases|may|might|could|should)\b"
)
_SUPPOSED = re.compile(
    r"\b(?:if|when|once|after|until|unless|in case|whether|as soon as|before|where|in the event|should you|"
    r"that|which|who|how|why)\b"
    r"(?: [\w'%-]+){0,5} ?\Z"
)
_CONDITION = re.compile(
    r"\b(?:if|unless|only|except|provided|as long as|once|when|until|after|before|subject to|depending on|"
    r"where|in the event|within|in case|up to)\b"
    r""
    # What "if you cannot" or "if that fails" begins tells when something else does not serve, not when this does.
    r"(?! (?:you|this|that|it) (?:can't|cannot|can not|do not|don't|does not|doesn't|fails?)\b)(?! (?:so|not)\b)"
    r"((?:(?![,;:.!?()]).|"
    r"(?<=\d)[,.:](?=\d))+)"
)
# For whom, and where, when and by what way: "free by post" is no word on the courier.
_TO = r" (?:for|to|with|on|over|under|during|from|in|at|within|inside|outside|across|by|through|via)"
_FOR = re.compile(rf"{_TO} ((?:(?![,;:.!?()]| and | but ).)+)")
_ONLY_BEHIND = re.compile(rf"{_TO} ((?:(?!{_TO} |[,;:.!?()]| and | but ).)+?) (?:only|alone)\b")
_BOUND_TO_FOR = frozenset(("free", "waive", "discount", "unlimited"))
PRONOUN = re.compile(r"\b(?:it|they|them|this|these|those|he|she|one|another)\b")
# Conditions that everybody meets.
_EVERYBODY = frozenset(
    map(stem, ("customer", "everyone", "everybody", "client", "charge", "cost", "extra", "time", "person"))
)
_QUESTION_FIRST = re.compile(r"\W*(?:have|has|had|is|are|was|were|do|does|did|will|can|could|may|would|shall|should)\b")


def read(text: str, known: Collection[str] | None = None) -> tuple[Sentence, ...]:
    """Sentences of a text and what each claims, in order.

    Args:
        text: As it came.
        known: Words, and their stems, that no name is made of; None leaves names alone.
    """
    found = [_sentence(part, known) for part in sentences(plain(text))]
    before: frozenset[str] = frozenset()
    placed = []
    for sentence in found:
        placed.append(replace(sentence, before=before))
        # Where a pronoun stands for what is spoken of, that was said further before.
        before = sentence.stems | before if PRONOUN.search(sentence.low) else sentence.stems
    return tuple(placed)


@lru_cache(maxsize=512)
def read_evidence(text: str) -> tuple[Sentence, ...]:
    """Like ``read``, without names; kept, since the same documents answer again and again."""
    return read(text)


def _sentence(part: str, known: Collection[str] | None) -> Sentence:
    taking = Taking(with_digits(part))
    contacts.take_addresses(taking)
    times.take_times(taking)
    figures.take_shares(taking)
    figures.take_money(taking)
    figures.take_lengths(taking)
    contacts.take_runs(taking)
    figures.take_ordinals(taking)
    contacts.take_codes(taking)
    figures.take_numbers(taking)
    if known is not None:
        take_names(taking, known)
    low = taking.low
    parts = clauses(low)
    whole = phrases(low)
    claims = [
        replace(
            claim,
            context=_beside(low, around(parts, claim.start), claim),
            weak=_USUALLY.search(low[slice(*around(whole, claim.start))]) is not None,
        )
        for claim in taking.claims
    ]
    claims += _word_claims(low)
    spans = sorted({*parts, *whole})
    said = tuple((stems(low[start:end]), polarity(low[start:end])) for start, end in spans)
    return Sentence(
        text=taking.text,
        low=low,
        stems=stems(low),
        claims=tuple(claims),
        clauses=said,
        # A sentence that says yes and no has no polarity of its own.
        whole=(stems(low), polarity(low)) if len({turn for _, turn in said}) <= 1 else None,
    )


def _word_claims(low: str) -> Iterator[Claim]:
    asked = low.rstrip("\"') ").endswith("?")
    conditions = tuple(
        limit
        for pattern in (_CONDITION, _ONLY_BEHIND)
        for match in pattern.finditer(low)
        if (limit := stems(match[1]) - _EVERYBODY - TELLS_NOTHING)
    )
    for span in phrases(low):
        phrase = low[slice(*span)]
        for promise in promises(phrase):
            start, end = promise.span
            supposed = asked or _SUPPOSED.search(phrase[:start]) is not None
            if promise.key == "secret" and polarity(phrase)[0]:
                continue
            yield _claim(
                Claim(
                    "promise",
                    (promise.key,),
                    span[0] + start,
                    span[0] + end,
                    asserted=promise.asserted and not supposed,
                    limits=(*conditions, *_for_whom(low, span[0] + end, promise.key)),
                ),
                low,
                span,
            )
        if not asked:
            yield from (_claim(_denial(found, span, conditions), low, span) for found in denials(phrase))
        for action in actions(phrase):
            start, end = action.span
            supposed = _SUPPOSED.search(phrase[:start]) is not None
            if action.form in ("done", "is") and (supposed or (asked and _QUESTION_FIRST.match(phrase))):
                continue
            claim = Claim(
                "action",
                (action.form, action.verb, "ours" if action.ours else ""),
                span[0] + start,
                span[0] + end,
                checked=action.is_claim and not supposed,
                limits=conditions,
            )
            yield replace(_claim(claim, low, span), weak=action.weak or asked or _WEAK.search(phrase) is not None)


def _denial(found: Denial, span: Span, conditions: tuple[frozenset[str], ...]) -> Claim:
    kind: Kind = "duty" if found.key == "duty" else "denial"
    return Claim(kind, (found.key,), span[0] + found.span[0], span[0] + found.span[1], limits=conditions)


def _claim(claim: Claim, low: str, span: Span) -> Claim:
    """A claim of words with what its phrase says around it."""
    around_it = f"{low[span[0] : claim.start]} {low[claim.end : span[1]]}"
    return replace(
        claim,
        negated=is_denied(low[span[0] : claim.start], low[claim.end : span[1]]),
        weak=_WEAK.search(around_it) is not None,
        context=_beside(low, around(clauses(low), claim.start), claim),
    )


def _beside(low: str, span: Span, claim: Claim) -> frozenset[str]:
    start, end = span
    return stems(f"{low[start : max(start, claim.start)]} {low[min(end, claim.end) : end]}")


def _for_whom(low: str, end: int, key: str) -> tuple[frozenset[str], ...]:
    if key not in _BOUND_TO_FOR:
        return ()
    match = _FOR.match(low, end)
    limit = stems(match[1]) - _EVERYBODY if match is not None else frozenset()
    return (limit,) if limit else ()
