"""Subjects: what a surge can be about. A topic, an entity, or an entity within a topic.

A subject's key partitions signals and names its state, so it must be the same however an entity is written: case,
punctuation, legal suffixes, tickers and aliases make no difference.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from streams.contract.domain import Entities

SubjectKind = Literal["topic", "entity", "entity_topic"]

_TOPIC = "topic/"
_ENTITY = "entity/"
# Between an entity and a topic; no topic's name holds a blank, and no entity's a slash.
_WITHIN = "/topic/"
_LONGEST_NAME = 80
# What people put before a name: mentions, tags, tickers.
_MARKS = "@#$"
_POSSESSIVE = re.compile(r"'s?$")
_NOT_NAME = re.compile(r"[^\w&+.']+")
# Marks that are letters of their script, as vowel signs are in India and Thailand: not those that may as well be left
# out, as in Hebrew and Arabic, nor those of looks alone (https://www.unicode.org/reports/tr44/#Canonical_Combining_Class_Values).
_LETTERS_CLASSES = frozenset({0, 7, 8, 9, *range(84, 133)})
_LOOKS = re.compile("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Of a retweet, a mention, a direct message, a forwarded one; of HTML; of an address. None of them names anything.
_NO_NAMES = frozenset(
    {
        *("rt", "mt", "qt", "via", "cc", "bcc", "ht", "h t", "dm", "fw", "fwd"),
        *("&", "amp", "quot", "nbsp", "lt", "gt", "http", "https", "www"),
        *("t.co", "bit.ly", "ow.ly", "goo.gl", "tinyurl.com", "dlvr.it", "fb.me", "youtu.be", "pic.twitter.com"),
    }
)
_ADDRESS = re.compile(r"(?:https?:|www\.|(?:t\.co|bit\.ly|ow\.ly|goo\.gl|pic\.twitter\.com)/)")
# Before the handle that is the name; a blank may be missing.
_PASSED_ON = re.compile(r"(?:rt|mt|qt|via|cc|ht|h/t)\b[\s:.]*(?=@)")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a signal, a trend or an alert is about."""

    entity: str | None = None
    """Normalised name; None for a topic as a whole."""
    topic: str | None = None
    """Name of a topic of the domain; None for an entity as a whole."""

    def __post_init__(self) -> None:
        if self.entity is None and self.topic is None:
            raise ValueError("a subject is a topic, an entity, or an entity within a topic")

    @property
    def kind(self) -> SubjectKind:
        """Which of the three it is."""
        if self.entity is None:
            return "topic"
        return "entity" if self.topic is None else "entity_topic"

    @property
    def key(self) -> str:
        """``topic/fraud``, ``entity/larkmoor`` or ``entity/larkmoor/topic/fraud``."""
        if self.entity is None:
            return f"{_TOPIC}{self.topic}"
        return f"{_ENTITY}{self.entity}" + (f"{_WITHIN}{self.topic}" if self.topic else "")

    @property
    def labels(self) -> dict[str, str]:
        """Labels of an alert on it: ``subject``, ``subject_kind``, and whichever of ``entity`` and ``topic`` it has."""
        labels = {"subject": self.key, "subject_kind": self.kind}
        if self.entity is not None:
            labels["entity"] = self.entity
        if self.topic is not None:
            labels["topic"] = self.topic
        return labels

    def __str__(self) -> str:
        if self.entity is None:
            return f"topic {self.topic}"
        return self.entity + (f" in {self.topic}" if self.topic else "")


def parse_subject(key: str) -> Subject:
    """The subject that has this key.

    Raises:
        ValueError: It is no subject's key; the message says what one looks like.
    """
    if key.startswith(_TOPIC) and len(key) > len(_TOPIC):
        return Subject(topic=key.removeprefix(_TOPIC))
    if key.startswith(_ENTITY):
        entity, _, topic = key.removeprefix(_ENTITY).partition(_WITHIN)
        if entity:
            return Subject(entity=entity, topic=topic or None)
    raise ValueError(
        f"{key!r} is no subject: write topic/NAME, entity/NAME or entity/NAME/topic/NAME, such as entity/larkmoor"
    )


def is_name(text: str) -> bool:
    """Whether anything is left of a name, by which an entity can be counted, once marks and punctuation are dropped."""
    return bool(_plain(text))


class EntityNames:
    """Gives each entity one name.

    Args:
        entities: What the domain knows of its entities: legal suffixes, and aliases with tickers.
    """

    def __init__(self, entities: Entities) -> None:
        self._suffixes = frozenset(_plain(suffix).rstrip(".") for suffix in entities.legal_suffixes)
        self._canonical: dict[str, str] = {}
        for canonical, aliases in entities.aliases.items():
            name = self._without_suffixes(_plain(canonical))
            for alias in (canonical, *aliases):
                # An empty one would take in every mention of which nothing is left.
                if is_name(alias):
                    self._canonical[self._without_suffixes(_plain(alias))] = name

    def normalise(self, text: str) -> str | None:
        """The name under which an entity is counted.

        Compatibility forms and case are folded (NFKC, casefold), marks (@, #, $), possessives, punctuation and legal
        suffixes dropped, blanks made one, and aliases exchanged for their canonical name.

        Returns:
            The name; None where nothing is left of it, or nothing but the mark of a retweet (``RT``, ``via``), of HTML
            (``&amp;``) or of an address (``http``), unless the domain knows something of that name.
        """
        name = self._without_suffixes(_plain(text))
        known = self._canonical.get(name)
        if known is not None:
            return known
        # A cash tag is a ticker, whatever it is called.
        if not text.startswith("$") and (name in _NO_NAMES or _ADDRESS.match(text.casefold().strip())):
            return None
        return name or None

    def _without_suffixes(self, name: str) -> str:
        words = name.split()
        # A name that is nothing but suffixes ("Holdings") keeps its first word.
        while len(words) > 1 and words[-1].rstrip(".") in self._suffixes:
            words.pop()
        return " ".join(words)[:_LONGEST_NAME].strip()


def _plain(text: str) -> str:
    text = html.unescape(text) if "&" in text else text
    folded = unicodedata.normalize("NFKC", text).replace("\u2019", "'").casefold().strip()
    if not folded.isascii():
        folded = "".join(filter(_is_written, _LOOKS.sub("", folded)))
    folded = _PASSED_ON.sub("", folded, count=1) if folded[:1] in "rmqvch" else folded
    folded = folded.lstrip(_MARKS)
    folded = _NOT_NAME.sub(_without_signs, _POSSESSIVE.sub("", folded))
    words = (word.strip(".") if word.count(".") == 1 else word for word in folded.split())
    return " ".join(word for word in words if word)


def _is_written(character: str) -> bool:
    """Whether a character makes a difference to a name: hyphens that are not shown, joiners and such do not."""
    category = unicodedata.category(character)
    return category not in ("Cf", "Me") and (category != "Mn" or unicodedata.combining(character) in _LETTERS_CLASSES)


def _without_signs(match: re.Match[str]) -> str:
    # Of marks, the expressions of Python do not know that they belong to words.
    return "".join(each if unicodedata.category(each)[0] == "M" else " " for each in match[0])
