"""The names that labels may use, and how people write them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, get_args

from streams.contract.records import EntityType, Sentiment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.contract.domain import Domain
    from streams.contract.domain import Label as DomainLabel

Kind = Literal["topic", "intent"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SEPARATORS = re.compile(r"[,;|]")
_NOTHING = "-"
_OF_A_BACKUP = "; labels that `tocsin labels export` wrote are put back with --restore"
# A column that was taken for another may hold a whole message.
_QUOTED_CHARS = 40

# As spaCy, OntoNotes and the templates of labelling tools call CoNLL-2003's classes.
_ENTITY_NAMES: dict[str, EntityType] = {
    "person": "PER",
    "organization": "ORG",
    "organisation": "ORG",
    "company": "ORG",
    "location": "LOC",
    "gpe": "LOC",
    "miscellaneous": "MISC",
    **{type_.casefold(): type_ for type_ in get_args(EntityType)},
}


class Vocabulary:
    """Topics, intents, sentiments and types of entities, found by name or title in any case.

    Args:
        domain: Its topics and intents are known.
        topics: Further known topics, such as those that earlier labels taught.
        intents: Further known intents.
        allow_new: Take topics and intents that are not known, as long as they could stand in ``domain.toml``.
    """

    def __init__(
        self, domain: Domain, *, topics: Iterable[str] = (), intents: Iterable[str] = (), allow_new: bool = False
    ) -> None:
        self._known: dict[Kind, dict[str, str]] = {
            "topic": _names(domain.topics, topics),
            "intent": _names(domain.intents, intents),
        }
        self._single = domain.topic_mode == "single"
        self._allow_new = allow_new

    def topics(self, given: str | Sequence[str]) -> list[str]:
        """Topics as a list of names, or as one cell that parts them by commas, semicolons or bars; ``-`` is none.

        Raises:
            ValueError: One is not known, or there is not exactly one where the domain has one a message.
        """
        names = self._split(given) if isinstance(given, str) else list(given)
        topics = list(dict.fromkeys(self._name("topic", name) for name in names))
        if self._single and len(topics) != 1:
            raise ValueError(
                f"{len(topics)} topics where the domain has exactly one a message (topic_mode is single): name one"
                f"{_OF_A_BACKUP}"
            )
        return topics

    def intent(self, given: str) -> str | None:
        """An intent; ``-`` is none.

        Raises:
            ValueError: It is not known.
        """
        return None if given.strip() == _NOTHING else self._name("intent", given)

    def _split(self, cell: str) -> list[str]:
        # A title may hold a comma.
        if cell.strip().casefold() in self._known["topic"]:
            return [cell]
        return [part for part in _SEPARATORS.split(cell) if part.strip() not in ("", _NOTHING)]

    def _name(self, kind: Kind, given: str) -> str:
        known, wanted = self._known[kind], given.strip()
        if (name := known.get(wanted.casefold())) is not None:
            return name
        if not self._allow_new:
            near = [known[match] for match in get_close_matches(wanted.casefold(), known, n=1)]
            meant = f" (is it {near[0]}?)" if near else ""
            raise ValueError(
                f"{kind} {_quoted(wanted)} is none that is known{meant}: mend it, or teach it with --allow-new"
                f"{_OF_A_BACKUP}"
            )
        if not _NAME.fullmatch(wanted):
            raise ValueError(
                f"{kind} {_quoted(wanted)} cannot be a new name: use a-z, 0-9 and _, such as payment_delays"
            )
        return wanted


def sentiment(given: str) -> Sentiment:
    """A sentiment in any case.

    Raises:
        ValueError: It is none.
    """
    known: tuple[Sentiment, ...] = get_args(Sentiment)
    for name in known:
        if given.strip().casefold() == name:
            return name
    raise ValueError(f"sentiment {_quoted(given)} is none of {', '.join(known)}")


def entity_type(given: str) -> EntityType:
    """A type of entity, by CoNLL-2003's name or by a usual one for it, such as ``Person``.

    Raises:
        ValueError: It is none.
    """
    found = _ENTITY_NAMES.get(given.strip().casefold())
    if found is None:
        raise ValueError(f"entity type {_quoted(given)} is none of {', '.join(get_args(EntityType))}")
    return found


def _names(labels: Iterable[DomainLabel], further: Iterable[str]) -> dict[str, str]:
    """Names by what people may write; a name goes before an equal title."""
    titles = {label.title.casefold(): label.name for label in labels}
    return titles | {name.casefold(): name for name in (*further, *(label.name for label in labels))}


def _quoted(given: str) -> str:
    return repr(given if len(given) <= _QUOTED_CHARS else f"{given[:_QUOTED_CHARS]}…")
