"""What several labellers' words on one message come to.

Of each head, what most labellers say holds; of what equally many say, the latest. Each labeller has one vote, his
latest word. Entities, and topics where a message may have several, are voted on one by one: one holds where more than
half of those who named any named it, or half of them with the latest among them; so no two entities that hold can
overlap unless one labeller marked both. Words on another version of the text (masked, cut) have no say on its entities.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from streams.contract.labels import LabelledEntity
from streams.contract.records import Sentiment, SourceKind

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from streams.contract.labels import Label
    from streams.contract.records import EntityType

    _Place = tuple[int, int, EntityType]

_Value = TypeVar("_Value", bound="Hashable")


class Resolved(Struct, frozen=True, kw_only=True):
    """One message, and what its labellers agree on; None where nobody said."""

    message_id: str
    text: str
    kind: SourceKind
    source: str
    time: datetime | None
    topics: tuple[str, ...] | None
    sentiment: Sentiment | None
    intent: str | None
    entities: tuple[LabelledEntity, ...] | None
    control: bool


def resolve(labels: Iterable[Label], *, one_topic: bool) -> list[Resolved]:
    """One answer for each message.

    Args:
        labels: In any order.
        one_topic: Each message has one topic: who names none or several has no say on it.

    Returns:
        In order of the messages' ids, whatever the order of the labels.
    """
    votes: dict[str, dict[str, Label]] = defaultdict(dict)
    # Of two words of one labeller the later replaces the earlier, as it does on the topic.
    for label in sorted(labels, key=attrgetter("time")):
        votes[label.message_id][label.labeller] = label
    return [_resolve_one(list(votes[message_id].values()), one_topic=one_topic) for message_id in sorted(votes)]


def majority(values: Sequence[_Value]) -> _Value | None:
    """What most say; of what equally many say, what was said last.

    Args:
        values: From the earliest to the latest.

    Returns:
        None where nobody says anything.
    """
    counts: dict[_Value, tuple[int, int]] = {}
    for place, value in enumerate(values):
        counts[value] = (counts.get(value, (0, 0))[0] + 1, place)
    return max(counts, key=counts.__getitem__, default=None)


def without_overlaps(entities: Iterable[LabelledEntity]) -> tuple[LabelledEntity, ...]:
    """In order of place; of two that overlap the longer, since a tag a word cannot tell of both.

    Of equally long ones the earlier, and at one place the first by the name of its type.
    """
    kept: list[LabelledEntity] = []
    # Nothing is left to the order in which they come: that of a set differs from one process to the next.
    for entity in sorted(entities, key=lambda one: (one.start - one.end, one.start, one.type, one.sentiment or "")):
        if all(entity.end <= other.start or other.end <= entity.start for other in kept):
            kept.append(entity)
    return tuple(sorted(kept, key=attrgetter("start")))


def _resolve_one(labels: list[Label], *, one_topic: bool) -> Resolved:
    # Two labellers within one tick of the clock: their names decide, lest the order of reading do.
    labels.sort(key=attrgetter("time", "labeller"))
    text = majority([label.text for label in labels]) or labels[-1].text
    of_text = [label for label in labels if label.text == text]
    latest = of_text[-1]
    return Resolved(
        message_id=latest.message_id,
        text=text,
        kind=latest.kind,
        source=next((label.source for label in reversed(labels) if label.source), ""),
        time=next((label.message_time for label in reversed(labels) if label.message_time), None),
        topics=_topics([label.topics for label in labels if label.topics is not None], one_topic=one_topic),
        sentiment=majority([label.sentiment for label in labels if label.sentiment is not None]),
        intent=majority([label.intent for label in labels if label.intent is not None]),
        entities=_entities([label.entities for label in of_text if label.entities is not None]),
        control=any(label.reason == "random" for label in labels),
    )


def _topics(named: Sequence[Sequence[str]], *, one_topic: bool) -> tuple[str, ...] | None:
    """The topics that hold.

    Args:
        named: Of each labeller who named topics, from the earliest to the latest.
        one_topic: Each message has one.
    """
    if one_topic:
        topic = majority([topics[0] for topics in named if len(topics) == 1])
        return None if topic is None else (topic,)
    return tuple(sorted(_holding([frozenset(topics) for topics in named]))) if named else None


def _entities(marked: Sequence[Sequence[LabelledEntity]]) -> tuple[LabelledEntity, ...] | None:
    """The entities that hold.

    Args:
        marked: Of each labeller who marked entities, from the earliest to the latest.
    """
    if not marked:
        return None
    sentiments: dict[_Place, list[Sentiment]] = defaultdict(list)
    for entity in (entity for entities in marked for entity in entities):
        if entity.sentiment is not None:
            sentiments[_place(entity)].append(entity.sentiment)
    places = _holding([frozenset(map(_place, entities)) for entities in marked])
    return without_overlaps(
        LabelledEntity(start=start, end=end, type=type_, sentiment=majority(sentiments[start, end, type_]))
        for start, end, type_ in places
    )


def _holding(votes: Sequence[frozenset[_Value]]) -> set[_Value]:
    """What more than half of the voters name, or half of them with the latest, who is the last, among them."""
    counts = Counter(value for vote in votes for value in vote)
    # The latest counts half a voter more.
    return {value for value, count in counts.items() if 2 * count + (value in votes[-1]) > len(votes)}


def _place(entity: LabelledEntity) -> _Place:
    return (entity.start, entity.end, entity.type)
