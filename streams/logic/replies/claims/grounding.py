"""How much of a text is in the evidence's words at all: what catches a procedure that is made up without any figure.

Words are compared by their stems. It knows nothing of what they mean: it only tells whether a text was drawn from
what was shown, or from somewhere else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.logic.replies.claims.echoes import is_about_them
from streams.logic.replies.claims.wording import listed, stem, stems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.logic.replies.claims.claim import Sentence

# Of the words of the whole text that say something, and of a sentence's. Of the drafts to Bitext's test questions with
# evidence (71) these refuse 3 of the fine-tuned generator's, and 44 of the untuned one's.
MOST_OF_TEXT, MOST_OF_SENTENCE = 0.25, 0.5
# A text of few words is a sentence or two, and judged as such.
_LEAST_OF_TEXT = 12
# "Deliver" and "delivery", "assist" and "assistance": a longer word that begins alike is the same.
_ALIKE = 5
_NUMBER = re.compile(r"\d")

_COURTESY = frozenset(
    stem(word)
    for word in listed(
        "absolutely additional additionally address afraid again answer anything apologies apologise apologize "
        "apology appreciate arise ask assist assistance assure assured available aware away bad best better "
        "bring cause caused certainly clarification clarify clear client come concern concerns confuse confusion "
        "contact convenience course customer day delay delighted describe detail details difficult difficulty "
        "disappoint disappointing discuss e else email encounter ensure enthusiasm everything exact exactly "
        "experience explain express face fact feel find fine first follow forward free frustrate frustrating "
        "frustration further get give glad go good grateful great guidance guide hand happen happily happy hard "
        "hear help helpful hesitate hope however imagine important inconvenience indeed inform information "
        "instead interest issue join kindly know later learn let like listen little look loss lovely mail make "
        "matter mean mention message might mind misunderstanding moment nice note okay part patience patient "
        "perfectly person pleased pleasure point problem provide query question reach read ready really reason "
        "reassure receive regard regarding relevant request requirement resolve right say seamless see sense "
        "service share short simple simply situation smooth smoothly someone something soon specific start step "
        "steps story stress stressful support sure talk team tell thing think through time today together touch "
        "trouble try trying understand understandable understanding unfortunate unfortunately upset useful "
        "valued wait want way welcome well whatever whenever whether wish wonder word work worry write writing "
        "wrong yes yourself"
    )
)
"""What is said in courtesy, or to hold a text together: it states nothing, and need stand nowhere."""


class Ground:
    """The words that a text may be made of.

    Args:
        evidence: Sentences of all documents that were retrieved.
        own: Stems and words that any text may use: the company's name.
        message: Stems of the customer's words. They may be given back, but instruct nobody.
    """

    def __init__(self, evidence: Sequence[Sentence], own: frozenset[str], message: frozenset[str]) -> None:
        self._known = frozenset().union(*(sentence.stems for sentence in evidence)) | own | _COURTESY
        self._beginnings = frozenset(word[:_ALIKE] for word in self._known - _COURTESY if len(word) >= _ALIKE)
        self._message = message

    def strange(self, sentences: Sequence[Sentence]) -> Iterator[str]:
        """Sentences that are mostly in other words; else such words of the text, where it has too many of them.

        Args:
            sentences: Of the text.
        """
        said, absent, is_told = 0, [], False
        for sentence in sentences:
            words = _words(sentence)
            missing = [word for word in words if not self._is_known(word, sentence)]
            said += len(words)
            absent += missing
            if len(missing) > MOST_OF_SENTENCE * len(words):
                is_told = True
                yield sentence.text
        if not is_told and said >= _LEAST_OF_TEXT and len(absent) > MOST_OF_TEXT * said:
            yield ", ".join(dict.fromkeys(absent))

    def _is_known(self, word: str, sentence: Sentence) -> bool:
        if word in self._known or (len(word) > _ALIKE and word[:_ALIKE] in self._beginnings):
            return True
        return word in self._message and is_about_them(sentence.low)


def _words(sentence: Sentence) -> list[str]:
    """Stems of the words that say something, but for claims: those are looked at one by one."""
    low = sentence.low
    for claim in sentence.claims:
        low = low[: claim.start] + " " * (claim.end - claim.start) + low[claim.end :]
    return sorted(word for word in stems(low) - _COURTESY if not _NUMBER.search(word))
