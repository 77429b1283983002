"""Signs in a customer's message: anger, law, safety, the wish for a person, a courtesy, a machine's answer."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.contract.reply_rules import ReplyRules, Words

_SHOUTED = re.compile(r"\b[A-Z]{4,}\b")
_LEAST_SHOUTED = 3
_EXCLAMATIONS = re.compile(r"!\s*!|\?!|!\?")
_MANY_EXCLAMATIONS = 3
_WORDS = re.compile(r"\w+")
_BLANKS = re.compile(r"\s+")
# What a machine answers with in whatever language it speaks: no word of a domain.
_ADDRESSES = re.compile(r"mailer-daemon|postmaster@|no-?reply@|do-?not-?reply@", re.IGNORECASE)
_AUTOMATIC_WITHIN = 300
# A greeting may bring a name ("Hi Ann").
_NAMES_BESIDE = 1

Said = Literal["courtesy", "praise", "complaint"]
"""What a message is that asks nothing."""


class Signs:
    """Looks for the words that a domain names, in all its languages.

    Args:
        rules: The domain's table ``[replies]``.
    """

    def __init__(self, rules: ReplyRules) -> None:
        spoken = rules.words.values()
        self._anger = _pattern(spoken, "anger")
        self._legal = _pattern(spoken, "legal")
        self._safety = _pattern(spoken, "safety")
        self._person = _pattern(spoken, "person")
        self._automatic = _pattern(spoken, "automatic")
        self._courtesy = _pattern(spoken, "courtesy", "thanks")
        self._thanks = _pattern(spoken, "thanks")
        self._praise = _pattern(spoken, "praise")
        self._complaint = _pattern(spoken, "complaint")
        self._asking = _pattern(spoken, "asking")
        self._knows_asking = any(words.asking for words in spoken)

    def anger(self, text: str) -> int:
        """How many signs of anger there are, apart from the sentiment: words, shouting, exclamations."""
        words = len(set(self._anger.findall(plain(text))))
        shouted = len(_SHOUTED.findall(text)) >= _LEAST_SHOUTED
        exclaimed = bool(_EXCLAMATIONS.search(text)) or text.count("!") >= _MANY_EXCLAMATIONS
        return words + shouted + exclaimed

    def legal(self, text: str) -> bool:
        """Whether a lawyer, a court or an authority is named."""
        return self._legal.search(plain(text)) is not None

    def safety(self, text: str) -> bool:
        """Whether somebody may be in danger, or robbed at this moment."""
        return self._safety.search(plain(text)) is not None

    def person(self, text: str) -> bool:
        """Whether the customer asks for a person."""
        return self._person.search(plain(text)) is not None

    def automatic(self, text: str) -> bool:
        """Whether a machine wrote it: such an answer says so at its head."""
        head = text[:_AUTOMATIC_WITHIN]
        return self._automatic.search(plain(head)) is not None or _ADDRESSES.search(head) is not None

    def only_said(self, text: str) -> Said | None:
        """What a message is in which nothing is asked, wished or reported; None where something may be."""
        if "?" in text:
            return None
        low = plain(text)
        words, left = _WORDS.findall(low), _WORDS.findall(self._courtesy.sub(" ", low))
        if not words or (len(left) < len(words) and len(left) <= _NAMES_BESIDE):
            return "courtesy"
        # Where there are several the first counts: "great, the worst service ever" is no praise.
        kinds: tuple[tuple[Said, re.Pattern[str]], ...] = (
            ("complaint", self._complaint),
            ("praise", self._praise),
            ("courtesy", self._thanks),
        )
        rest = low
        for pattern in (self._complaint, self._praise, self._courtesy):
            # Without them: "I can't thank you enough" is no trouble.
            rest = pattern.sub(" ", rest)
        if not self._knows_asking or self._asking.search(rest) is not None:
            return None
        return next((kind for kind, pattern in kinds if pattern.search(low)), None)


@lru_cache(maxsize=64)
def plain(text: str) -> str:
    """A text as its words are looked for: compatibility forms and case folded, nothing invisible, one blank each."""
    folded = unicodedata.normalize("NFKC", text).replace("\u2019", "'").replace("\u2018", "'").casefold()
    visible = "".join(char for char in folded if unicodedata.category(char) not in ("Cf", "Mn", "Me"))
    return _BLANKS.sub(" ", visible)


def _pattern(spoken: Iterable[Words], *fields: str) -> re.Pattern[str]:
    phrases = {phrase for words in spoken for field in fields for phrase in getattr(words, field)}
    # Without a phrase nothing is found.
    return re.compile("|".join(map(_whole, sorted(phrases, key=len, reverse=True))) or r"(?!)")


def _whole(phrase: str) -> str:
    stem = plain(phrase.rstrip("*"))
    # Scripts without letter case part no words, so that a phrase may stand between others without a blank.
    parts_words = stem[-1].lower() != stem[-1].upper() or stem[-1].isdigit()
    if not parts_words:
        return re.escape(stem)
    return rf"(?<!\w){re.escape(stem)}" + (r"\w*" if phrase.endswith("*") else r"(?!\w)")
