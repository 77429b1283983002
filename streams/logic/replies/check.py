"""The check: whether what a text claims stands in the evidence. Code, no model, so that nobody can talk it round.

It knows figures, dates, contacts, promises, claimed actions and names in English, one claim at a time. docs/replies.md
tells what it cannot see.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from streams.logic.replies.claims.echoes import is_echo
from streams.logic.replies.claims.grounding import Ground
from streams.logic.replies.claims.names import COMMON
from streams.logic.replies.claims.reading import read, read_evidence
from streams.logic.replies.claims.rests import placeholders, prompt_rests, unreadable
from streams.logic.replies.claims.support import Support
from streams.logic.replies.claims.wording import plain, stem, words
from streams.logic.replies.restoring import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.logic.replies.claims.claim import Claim, Kind, Sentence

_LONGEST, _LONGEST_MESSAGE = 10_000, 4_000
# A person's own data is given back only as theirs: "your e-mail address [email]".
_THEIRS = re.compile(r"\b(?:your|you (?:gave|wrote|told|mentioned|mention))\b[^.!?\n]{0,40}\Z", re.IGNORECASE)
_NAMED_BY_GREETING = re.compile(r"\b(?:dear|hello|hi|hey|thanks|thank you),? \Z", re.IGNORECASE)
_STAND_IN = "theirs"


class Unsupported(NamedTuple):
    """A claim without evidence."""

    claim: str
    """As it stands in the text."""
    kind: Kind


def check(text: str, *, evidence: Sequence[str], message: str, names: Sequence[str] = ()) -> list[Unsupported]:
    """What a text claims that the evidence does not say; empty where everything is supported.

    Args:
        text: A draft, with the placeholders of a veiled message.
        evidence: Texts of the answers and passages that it may be drawn from. Not the questions: what somebody asks is
            not so.
        message: What the customer wrote, veiled. It supports nothing; it may be given back as theirs.
        names: Names that any text may use, such as the company's own.
    """
    return list(dict.fromkeys(_unsupported(text, evidence, message, names)))


def _unsupported(text: str, evidence: Sequence[str], message: str, names: Sequence[str]) -> Iterator[Unsupported]:
    if len(text) > _LONGEST:
        yield Unsupported(f"{len(text)} characters", "unreadable")
        return
    text = _without_theirs(text, message)
    for found in placeholders(text):
        yield Unsupported(found, "placeholder")
    documents = [read_evidence(document) for document in evidence]
    known_sentences = [sentence for document in documents for sentence in document]
    verbatim = {_bare(sentence.low) for sentence in known_sentences}
    evidence_words = _vocabulary(*evidence)
    own = _vocabulary(*names) | COMMON
    letters = frozenset("".join(evidence))
    asked = read(message[:_LONGEST_MESSAGE])
    support = Support(known_sentences)
    sentences = read(text, evidence_words | _vocabulary(message, *names))
    for place, sentence in enumerate(sentences):
        if _bare(sentence.low) in verbatim:
            continue
        for rest in prompt_rests(sentence.text):
            yield Unsupported(rest, "prompt")
        for unread in unreadable(sentence.text, sentence.low, evidence_words | own, letters):
            yield Unsupported(unread, "unreadable")
        nearby = frozenset().union(*(each.stems for each in sentences[max(0, place - 1) : place + 2]))
        yield from _claims(sentence, nearby, support, asked)
    ground = Ground(known_sentences, _vocabulary(*names) | {stem(_STAND_IN)}, _stems(asked))
    for strange in ground.strange(sentences):
        yield Unsupported(strange, "ungrounded")


def _claims(
    sentence: Sentence, nearby: frozenset[str], support: Support, asked: Sequence[Sentence]
) -> Iterator[Unsupported]:
    message_stems = _stems(asked)
    for claim in sentence.claims:
        if not claim.checked:
            continue
        if claim.kind != "name" and support.holds(claim, sentence, nearby):
            continue
        if _was_said(claim, asked) and is_echo(claim, sentence.low, message_stems):
            continue
        yield Unsupported(sentence.text[claim.start : claim.end].strip(), claim.kind)
    if support.contradicts(sentence):
        yield Unsupported(sentence.text, "contradiction")


def _was_said(claim: Claim, asked: Sequence[Sentence]) -> bool:
    """Whether the customer made this claim, or for an action spoke of it."""
    if claim.kind == "action":
        return any(claim.key[1] in each.stems for each in asked)
    return any(
        said.kind == claim.kind
        and said.key[: 1 if claim.kind == "number" else None] == claim.key[: 1 if claim.kind == "number" else None]
        for each in asked
        for said in each.claims
    )


def _without_theirs(text: str, message: str) -> str:
    """A text in which a person's own data, where it is given back as theirs, is a word like another."""
    given = frozenset(PLACEHOLDER.findall(message))

    def stand_in(match: re.Match[str]) -> str:
        before = text[: match.start()]
        theirs = _THEIRS.search(before) or (match.group().startswith("[author") and _NAMED_BY_GREETING.search(before))
        return _STAND_IN if match.group() in given and theirs else match.group()

    return PLACEHOLDER.sub(stand_in, text)


def _stems(sentences: Sequence[Sentence]) -> frozenset[str]:
    return frozenset().union(*(each.stems for each in sentences))


def _vocabulary(*texts: str) -> frozenset[str]:
    found = {word for text in texts for word in words(plain(text).lower())}
    return frozenset(found | {stem(word) for word in found})


def _bare(low: str) -> str:
    """A sentence but for how it ends."""
    return " ".join(low.split()).strip(" .!?:;\"'")
