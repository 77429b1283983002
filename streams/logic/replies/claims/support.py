"""Whether a claim stands in the evidence: the same thing, bound as tightly, under the same conditions, of the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.logic.replies.claims.actions import one_of
from streams.logic.replies.claims.reading import PRONOUN
from streams.logic.replies.claims.wording import TELLS_NOTHING, phrases, polarity, stems

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.logic.replies.claims.claim import Bound, Claim, Clause, Kind, Sentence

_WITH_UNIT: frozenset[Kind] = frozenset(("amount", "percentage", "duration", "number"))
# An amount means nothing without what it is for.
_OF_SOMETHING: frozenset[Kind] = frozenset(("amount", "percentage"))
# Of a clause's words, and of the length of what it is held against.
_ENOUGH, _LIKE_LENGTH = 0.8, 0.4
_LEAST_STEMS = 2

# Bounds of a text that follow from the evidence's.
_IMPLIED: frozenset[tuple[Bound, Bound]] = frozenset((("most", "high"), ("least", "low"), ("about", "plain")))
_OF_NUMBERS: frozenset[Bound] = frozenset(("most", "least", "low", "high"))

# What of the evidence may stand behind each form of an action.
_FORMS = {
    "done": ("done",),
    "is": ("done", "is"),
    "will": ("will", "passive", "done", "is"),
    "passive": ("will", "passive", "done", "is"),
}

# Promises that say how, not for what.
_OF_EVERYTHING = frozenset(("always", "never", "instant", "priority"))

_ONLY = re.compile(r"\bonly\b")
# "Without any fee" denies the fee, and nothing of what may be done without it.
_DENIED = re.compile(r"\b(?:not|cannot|no|never|none|neither|nor|unable|impossible)\b|n't\b")

Said = tuple["Claim", "Sentence"]
Turn = tuple[bool, bool]


class Support:
    """What the evidence says.

    Args:
        sentences: Of all documents that were retrieved.
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self._sentences = sentences
        self._stems = frozenset().union(*(sentence.stems for sentence in sentences))
        self._said: list[Said] = [(claim, sentence) for sentence in sentences for claim in sentence.claims]

    def holds(self, claim: Claim, sentence: Sentence, nearby: frozenset[str]) -> bool:
        """Whether a claim of a text is supported.

        Args:
            claim: Of the text.
            sentence: Where it stands.
            nearby: Stems of this sentence and those beside it: where a condition may be told too.
        """
        if claim.kind == "promise":
            return self._holds_promise(claim, sentence, nearby)
        if claim.kind == "action":
            return self._holds_action(claim, sentence, nearby)
        if claim.kind in ("denial", "duty"):
            return self._holds_denial(claim, sentence, nearby)
        return self._holds_figure(claim, sentence)

    def contradicts(self, sentence: Sentence) -> bool:
        """Whether the evidence says the opposite of a clause of a text in much the same words, and nowhere the same."""
        said = [
            (words, turn, words | known.before if PRONOUN.search(known.low) else words)
            for known in self._sentences
            for words, turn in _all(known)
        ]
        return any(
            len(words) >= _LEAST_STEMS and _contradicted(words, turned, said) for words, turned in _all(sentence)
        )

    def _holds_figure(self, claim: Claim, sentence: Sentence) -> bool:
        supporters = [
            (known, where)
            for known, where in self._said
            if known.kind == claim.kind and _same_figure(claim, known, where) and _as_tight(claim, known)
        ]
        if claim.kind in _OF_SOMETHING:
            supporters = [each for each in supporters if _of_the_same(claim, sentence, *each)]
        if not supporters:
            return False
        if claim.kind not in _WITH_UNIT:
            return True
        rivals = [
            (known, where) for known, where in self._said if known.kind == claim.kind and known.key[:2] != claim.key[:2]
        ]
        return _nearest(claim, supporters) >= _nearest(claim, rivals)

    def _holds_promise(self, claim: Claim, sentence: Sentence, nearby: frozenset[str]) -> bool:
        same = [(known, where) for known, where in self._said if known.kind == "promise" and known.key == claim.key]
        if not claim.asserted:
            return bool(same)
        supporters = [
            (known, where)
            for known, where in same
            if known.asserted
            and known.negated == claim.negated
            and (claim.weak or not known.weak)
            and (claim.negated or (_keeps(known, nearby) and _is_as_narrow(known, nearby)))
            and _of_the_same(claim, sentence, known, where)
            and self._says_no_more(claim, where)
        ]
        return bool(supporters) and _nearest(claim, supporters) >= self._nearest_phrase(claim)

    def _says_no_more(self, claim: Claim, where: Sentence) -> bool:
        """Whether most of what a promise is about is spoken of where it is made: euros are no dollars."""
        ours = _named(claim.context)
        strange = ours - where.stems - where.before
        # A word of another sentence counts for half of one that nobody says.
        return len(strange) + len(strange - self._stems) < max(len(ours), 1)

    def _nearest_phrase(self, claim: Claim) -> int:
        """Words that a claim's phrase has in common with any phrase of the evidence: what is said of that counts."""
        ours = claim.context - TELLS_NOTHING
        return max((len(ours & words) for where in self._sentences for words, _ in where.clauses), default=0)

    def _holds_action(self, claim: Claim, sentence: Sentence, nearby: frozenset[str]) -> bool:
        form, verb, ours = claim.key
        forms = _FORMS[form]
        if form == "is" and claim.limits:
            # "Your account is locked" claims what has happened; "after three wrong codes" makes it what would.
            forms = (*forms, "passive")
        said = any(
            known.kind == "action"
            and known.key[1] == verb
            and known.key[0] in forms
            and known.negated == claim.negated
            and (claim.weak or not known.weak)
            and (claim.negated or _keeps(known, nearby))
            and _of_the_same(claim, sentence, known, where)
            for known, where in self._said
        )
        return said or ((form == "passive" or (form == "will" and not ours)) and self._happens(verb, claim))

    def _holds_denial(self, claim: Claim, sentence: Sentence, nearby: frozenset[str]) -> bool:
        """Whether the evidence denies most of the same on the same conditions, or "only" does; a duty stands as one."""
        ours = claim.context or sentence.stems
        if claim.kind == "duty":
            said = [known.context for known, _ in self._said if known.kind == "duty"]
        else:
            said = [
                words | where.before if PRONOUN.search(where.low) else words
                for where in self._sentences
                if all(_keeps(known, nearby) for known in where.claims if known.kind == "denial")
                for words, turn in _all(where)
                # What a pronoun stands for is not enough: something must be said of it.
                if ours & words and (_ONLY.search(where.low) or (turn[0] and _DENIED.search(where.low)))
            ]
        return not ours or any(2 * len(ours & words) >= len(ours) for words in said)

    def _happens(self, verb: str, claim: Claim) -> bool:
        """Whether it is said of the same, whoever does it: cards arrive, accounts can be closed."""
        about = _named(claim.context)
        return any(
            verb in map(one_of, stems(where.low[start:end])) and polarity(where.low[start:end])[0] == claim.negated
            for where in self._sentences
            if verb in map(one_of, where.stems) and (not about or about & (where.stems | where.before))
            for start, end in phrases(where.low)
        )


def _all(sentence: Sentence) -> tuple[Clause, ...]:
    return sentence.clauses if sentence.whole is None else (*sentence.clauses, sentence.whole)


def _same_figure(claim: Claim, known: Claim, where: Sentence) -> bool:
    if claim.kind != "number" or known.key[1:] == ("ordinal",) or claim.key[1:] in (("ordinal",), ("multiple",)):
        return claim.key == known.key
    noun, other = claim.key[1], known.key[1]
    return claim.key[0] == known.key[0] and (noun == other or not noun or not other or noun in where.stems)


def _as_tight(claim: Claim, known: Claim) -> bool:
    """Whether a figure is bound no otherwise than the evidence binds it: "up to 5" says less than "5"."""
    if claim.kind == "duration" and known.weak and not claim.weak:
        return False
    ours, theirs = claim.bound, known.bound
    if claim.kind == "number":
        ours, theirs = (bound if bound in _OF_NUMBERS else "plain" for bound in (ours, theirs))
    if ours == theirs or claim.kind not in (*_WITH_UNIT, "date", "time"):
        return True
    if claim.kind in ("date", "time"):
        return {ours, theirs} != {"most", "after"}
    return (ours, theirs) in _IMPLIED or (claim.kind == "duration" and (ours, theirs) == ("most", "plain"))


def _keeps(known: Claim, nearby: frozenset[str]) -> bool:
    """Whether a text tells each condition that the evidence ties a promise to."""
    return all(limit & nearby for limit in known.limits)


def _is_as_narrow(known: Claim, nearby: frozenset[str]) -> bool:
    """Whether a text names most of what the evidence promises something for: payments in euros are not payments."""
    about = _named(known.context)
    return known.key[0] in _OF_EVERYTHING or len(about) < 2 or 2 * len(about & nearby) > len(about)  # noqa: PLR2004


def _of_the_same(claim: Claim, sentence: Sentence, known: Claim, where: Sentence) -> bool:
    """Whether both speak of the same: "transfers are free" is no word on withdrawals."""
    ours, theirs = _named(claim.context), _named(_context(known, where))
    if not ours or not theirs:
        # Where a clause names nothing, the sentence around it does.
        ours, theirs = ours or _named(sentence.stems), theirs | _named(where.stems) | where.before
    return not ours or not theirs or bool(ours & theirs)


def _named(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if not word[0].isdigit()) - TELLS_NOTHING


def _nearest(claim: Claim, said: Iterable[Said]) -> int:
    ours = claim.context - TELLS_NOTHING
    return max((len(ours & _context(known, where)) for known, where in said), default=-1)


def _context(known: Claim, where: Sentence) -> frozenset[str]:
    """What a claim of the evidence is about; where a pronoun stands for it, the sentence before tells."""
    return known.context | where.before if PRONOUN.search(where.low) else known.context


def _contradicted(
    words: frozenset[str], turned: Turn, said: Iterable[tuple[frozenset[str], Turn, frozenset[str]]]
) -> bool:
    same = opposite = 0
    for known, turn, meant in said:
        common = len(meant & words)
        if turn == turned:
            same = max(same, common)
        elif turn[0] != turned[0] and known & words and len(words) >= _LIKE_LENGTH * len(known):
            opposite = max(opposite, common)
    return opposite >= _ENOUGH * len(words) and opposite > same
