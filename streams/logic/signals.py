"""From a prediction to signals: what the message says of each subject that can ring.

Pure and without state, so that threads may share it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.contract.ids import output_id, text_fingerprint
from streams.contract.masking import find, mask_message, mask_source
from streams.contract.records import SENTIMENTS
from streams.contract.signals import Signal
from streams.contract.subjects import EntityNames, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streams.contract.alerts import SurgeKind
    from streams.contract.domain import Domain
    from streams.contract.incoming import Record
    from streams.contract.records import Entity, Message, Prediction, Sentiment
    from streams.contract.settings import Settings

_EXCERPT_CHARS = 140
_MOST_OTHER_ENTITIES = 5
# Of what a user may make as long as he likes.
_LONGEST_WORD = 120
_LONGEST_FINGERPRINT = 64
_LONGEST_NAME = 512
# What is said before a retweet's mark is a comment on one and the same text; each link is shortened to another one.
_RETWEET = re.compile(r"\b(?:RT|MT)\s{0,3}@\w{1,40}:?")
_LINK = re.compile(r"https?://\S+")
# A shorter rest says too little to be one text. Chinese and Japanese have no blanks between words: characters count.
_FEWEST_WORDS = 4
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_FEWEST_WIDE = 8
# Shorter parts of a person's name are initials and particles, which stand in many another name.
_SHORTEST_NAME = 3

# What is said with this sentiment can be evidence for a surge of this kind.
_EVIDENCE: dict[SurgeKind, frozenset[Sentiment]] = {
    "negative": frozenset({"negative"}),
    "positive": frozenset({"positive"}),
    "volume": frozenset(SENTIMENTS),
}


class SignalMaker:
    """Makes the signals of one message: for its topics, for its entities, for its entities within its topics.

    For a topic the sentiment is the message's; for an entity it is the sentiment towards it, which where it is named
    several times is the most probable by the mean of its mentions. Each subject gets one signal, however often it is
    named.

    Personal data makes no subject and is named in no signal, since a subject's key goes into alerts, dashboards and
    addresses, where nothing masks it. Not counted are therefore:

    - what overlaps an e-mail, a phone, a card, an account or an identity number in the text;
    - persons in customers' messages: the customer, the neighbour and the clerk are nobody's topic of the day;
    - in customers' messages anything named like the author or user, whatever the model takes it for;
    - elsewhere a person named like the author or user, and a person's handle (``@somebody``), since it is an address.

    Persons in news and social messages do count: a chief executive's name is what a desk listens to.

    Args:
        settings: Which subjects and kinds of surge are asked for.
        domain: Legal suffixes and aliases of its entities.
    """

    def __init__(self, settings: Settings, domain: Domain) -> None:
        self._names = EntityNames(domain.entities)
        self._kinds = frozenset(settings.surge.subjects)
        self._evidence: frozenset[Sentiment] = frozenset().union(*(_EVIDENCE[kind] for kind in settings.surge.kinds))

    def signals(
        self, message: Message, prediction: Prediction, record: Record, watermark: float | None = None
    ) -> list[Signal]:
        """The signals of one message, topics first.

        Each is small whatever the message: long words are cut, and of the text at most 140 characters stand in it,
        and those only where they may be shown as evidence.

        Args:
            message: As it was read.
            prediction: What the model read in it.
            record: Where it stands.
            watermark: How far its input partition has come, seconds since the epoch; None where not yet known.
        """
        entities = self._entities(message, prediction)
        said = list(self._said(prediction, entities))
        has_evidence = any(statement.sentiment in self._evidence for _, statement in said)
        text = _excerpt(message) if has_evidence else None
        source = mask_source(message, prediction.kind)[:_LONGEST_WORD]
        fingerprint = _fingerprint(message)
        return [
            Signal(
                id=output_id(record.topic, record.partition, record.offset, f"signal {key}"),
                subject=key,
                message_id=message.id,
                time=message.time,
                sentiment=statement.sentiment,
                score=statement.score,
                source=source,
                kind=prediction.kind,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                watermark=watermark,
                model=prediction.model,
                fingerprint=fingerprint,
                name=statement.name,
                text=text if statement.sentiment in self._evidence else None,
                entities=[name for name in entities if name != statement.entity][:_MOST_OTHER_ENTITIES],
            )
            for key, statement in said
        ]

    def _said(self, prediction: Prediction, entities: Mapping[str, _Statement]) -> Iterator[tuple[str, _Statement]]:
        """Each subject's key, and what is said of it."""
        topics = list(dict.fromkeys(prediction.topics))
        if "topic" in self._kinds:
            score = prediction.sentiment_scores.get(prediction.sentiment, 1.0)
            statement = _Statement(prediction.sentiment, score)
            for topic in topics:
                yield Subject(topic=topic).key, statement
        for entity, statement in entities.items():
            if "entity" in self._kinds:
                yield Subject(entity=entity).key, statement
            if "entity_topic" in self._kinds:
                for topic in topics:
                    yield Subject(entity=entity, topic=topic).key, statement

    def _entities(self, message: Message, prediction: Prediction) -> dict[str, _Statement]:
        """What is said of each entity, by its normalised name, in the order in which they are first named."""
        mentions: dict[str, list[Entity]] = {}
        private = [(place.start, place.end) for place in find(message.text)] if prediction.entities else []
        for entity in prediction.entities:
            if any(entity.start < end and start < entity.end for start, end in private):
                continue
            name = self._names.normalise(entity.text)
            if name is not None and not _is_personal(entity, message, prediction):
                mentions.setdefault(name, []).append(entity)
        return {name: _statement(name, named) for name, named in mentions.items()}


@dataclass(frozen=True, slots=True)
class _Statement:
    sentiment: Sentiment
    score: float
    entity: str | None = None
    """Normalised; None where it is said of a topic."""
    name: str | None = None
    """As it stands in the message."""


def _statement(entity: str, mentions: list[Entity]) -> _Statement:
    first = mentions[0]
    name = first.text[:_LONGEST_WORD]
    if len(mentions) == 1:
        return _Statement(first.sentiment, first.sentiment_scores.get(first.sentiment, 1.0), entity, name)
    means = {
        sentiment: sum(_scores(mention).get(sentiment, 0.0) for mention in mentions) / len(mentions)
        for sentiment in SENTIMENTS
    }
    # Of two that are even, what is said first.
    sentiment = max(SENTIMENTS, key=lambda sentiment: (means[sentiment], sentiment == first.sentiment))
    return _Statement(sentiment, means[sentiment], entity, name)


def _scores(entity: Entity) -> Mapping[str, float]:
    return entity.sentiment_scores or {entity.sentiment: 1.0}


def _is_personal(entity: Entity, message: Message, prediction: Prediction) -> bool:
    is_person = entity.type == "PER"
    if prediction.kind == "customer":
        return is_person or _is_named_like(entity.text, message.author) or _is_named_like(entity.text, message.user)
    is_handle = entity.text.startswith("@") or message.text[max(0, entity.start - 1) : entity.start] == "@"
    return is_person and (
        is_handle or _is_named_like(entity.text, message.author) or _is_named_like(entity.text, message.user)
    )


def _is_named_like(text: str, person: str | None) -> bool:
    """Whether a text shares a part of a person's name, or is the whole of it."""
    if not person:
        return False
    name, whole = (value[:_LONGEST_NAME].casefold().strip().lstrip("@") for value in (text, person))
    parts = {part.strip(".,") for part in whole.split()}
    return name == whole or any(part in parts for part in name.split() if len(part) >= _SHORTEST_NAME)


def _excerpt(message: Message) -> str:
    """The beginning of a message without personal data, cut between two words where there are any."""
    text = " ".join(mask_message(message).text.split())
    if len(text) <= _EXCERPT_CHARS:
        return text
    cut = text.rfind(" ", 0, _EXCERPT_CHARS)
    # Some scripts have no blanks, or few.
    return f"{text[: cut if cut >= _EXCERPT_CHARS // 2 else _EXCERPT_CHARS - 1]}…"


def _fingerprint(message: Message) -> str:
    """Equal for copies of one text, also for those that are passed on, or end in a link of their own."""
    told = _LINK.sub(" ", _RETWEET.split(message.text)[-1])
    says_enough = len(told.split()) >= _FEWEST_WORDS or len(_WIDE.findall(told)) >= _FEWEST_WIDE
    if len(told) < len(message.text) and says_enough:
        return text_fingerprint(told)
    given = message.fingerprint
    if not given:
        return text_fingerprint(message.text)
    return given if len(given) <= _LONGEST_FINGERPRINT else text_fingerprint(given)
