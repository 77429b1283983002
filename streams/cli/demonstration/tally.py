"""What was sent and what came of it, counted once each. Pure: it is told what happens and when."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from streams.contract.alerts import Alert, ringing_key
from streams.contract.records import SENTIMENTS, DeadLetter, Entity, Prediction
from streams.contract.subjects import EntityNames

Mood: TypeAlias = Counter[str]
"""How often each sentiment."""

_LATEST = 100
_RATE_SECONDS = 5.0
_MARKS = "@$#"


@dataclass(frozen=True, slots=True)
class Shown:
    """A prediction, and the text that it was made from."""

    prediction: Prediction
    text: str
    """Without personal data."""

    @property
    def entities(self) -> list[Entity]:
        """The prediction's entities, but not those that masking took out of the text."""
        return [entity for entity in self.prediction.entities if entity.text in self.text]


@dataclass(frozen=True, slots=True)
class _Sent:
    text: str
    at: float


class Tally:
    """The account of a stream: every message sent must come out once, as a prediction or as a dead letter.

    All times are readings of one monotonic clock, in seconds.

    Args:
        expected: How many messages there will be.
        names: Under which name each entity is counted.
    """

    def __init__(self, expected: int, names: EntityNames) -> None:
        self.expected = expected
        self._names = names
        self.topics: defaultdict[str, Mood] = defaultdict(Counter)
        """Each topic's messages by their sentiment."""
        self.sources: defaultdict[str, Mood] = defaultdict(Counter)
        """Each source's messages by their sentiment."""
        self.sentiments: Mood = Counter()
        self.reasons: Counter[str] = Counter()
        """Why messages were given up."""
        self.latest: deque[Shown] = deque(maxlen=_LATEST)
        self.letters: deque[DeadLetter] = deque(maxlen=_LATEST)
        self.alerts: dict[str, Alert] = {}
        """Each time that a subject rang, as it stands, in the order in which they came."""
        self.changes: list[Alert] = []
        """All that was told of alerts, each change once, in the order in which it came."""
        self.answered_at: float | None = None
        """When something had come of every message; None before."""
        self.duplicates = 0
        """Outputs that came again: harmless, since their ids are equal."""
        self.unknown = 0
        """Outputs for messages that nobody sent."""
        self.model: str | None = None
        """Name and version of the model that answered last."""
        self._sent: dict[str, _Sent] = {}
        self._missing: set[str] = set()
        self._outputs: set[str] = set()
        self._changes: set[str] = set()
        self._latencies: list[float] = []
        self._arrivals: deque[float] = deque()
        self._entities: defaultdict[str, Mood] = defaultdict(Counter)
        self._forms: defaultdict[str, Counter[str]] = defaultdict(Counter)

    @property
    def sent(self) -> int:
        """Messages sent."""
        return len(self._sent)

    @property
    def predictions(self) -> int:
        """Messages that the model has read."""
        return self.sentiments.total()

    @property
    def dead_letters(self) -> int:
        """Messages given up."""
        return self.reasons.total()

    @property
    def missing(self) -> int:
        """Messages of which nothing has come yet."""
        return len(self._missing)

    @property
    def finished(self) -> bool:
        """Whether all were sent and something came of each."""
        return self.sent == self.expected and not self._missing

    @property
    def reconciles(self) -> bool:
        """Whether each message sent came out once, and nothing else did."""
        return not self._missing and not self.unknown and self.sent == self.predictions + self.dead_letters

    @property
    def entities(self) -> list[tuple[str, Mood]]:
        """Who is named in how many messages, by the sentiment towards them; most often first, in the usual form."""
        ranked = sorted(self._entities.items(), key=lambda entity: (-entity[1].total(), entity[0]))
        return [(self._forms[name].most_common(1)[0][0], mood) for name, mood in ranked]

    def send(self, key: str, text: str, at: float) -> None:
        """A message is sent.

        Args:
            key: Its id, which its output carries.
            text: Its text as it may be shown.
            at: Now.
        """
        self._sent[key] = _Sent(text, at)
        self._missing.add(key)

    def predict(self, prediction: Prediction, at: float) -> None:
        """A prediction has come."""
        if not self._is_new(prediction.id):
            return
        self.model = prediction.model
        sent = self._settle(prediction.message_id, at)
        if sent is None:
            return
        self._latencies.append(at - sent.at)
        shown = Shown(prediction, sent.text)
        self.latest.append(shown)
        self.sentiments[prediction.sentiment] += 1
        self.sources[prediction.kind][prediction.sentiment] += 1
        for topic in prediction.topics:
            self.topics[topic][prediction.sentiment] += 1
        self._name(shown.entities)

    def bury(self, letter: DeadLetter, at: float) -> None:
        """A dead letter has come."""
        if not self._is_new(letter.id):
            return
        if self._settle((letter.key or b"").decode("utf-8", "replace"), at) is not None:
            self.letters.append(letter)
            self.reasons[letter.reason] += 1

    def ring(self, alert: Alert) -> None:
        """A change of an alert has come."""
        if alert.id in self._changes:
            return
        self._changes.add(alert.id)
        self.changes.append(alert)
        self.alerts[ringing_key(alert)] = alert

    def rate(self, now: float) -> float:
        """Outputs a second, over the last few seconds."""
        while self._arrivals and now - self._arrivals[0] > _RATE_SECONDS:
            self._arrivals.popleft()
        return len(self._arrivals) / _RATE_SECONDS

    def latency(self, quantile: float) -> float | None:
        """Seconds from sending a message to reading its prediction: nearest rank, None before the first."""
        if not self._latencies:
            return None
        ranked = sorted(self._latencies)
        return ranked[max(math.ceil(quantile * len(ranked)) - 1, 0)]

    def _name(self, mentions: list[Entity]) -> None:
        """Count each entity that a message names once, with the sentiment of all its mentions together."""
        scores: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for mention in mentions:
            name = self._names.normalise(mention.text)
            if name is not None:
                scores[name].update(mention.sentiment_scores)
                self._forms[name][mention.text.lstrip(_MARKS) or mention.text] += 1
        for name, total in scores.items():
            self._entities[name][max(SENTIMENTS, key=lambda sentiment: total[sentiment])] += 1

    def _is_new(self, output_id: str) -> bool:
        if output_id in self._outputs:
            self.duplicates += 1
            return False
        self._outputs.add(output_id)
        return True

    def _settle(self, key: str, at: float) -> _Sent | None:
        sent = self._sent.get(key)
        if sent is None:
            self.unknown += 1
            return None
        self._missing.discard(key)
        self._arrivals.append(at)
        if self.finished and self.answered_at is None:
            self.answered_at = at
        return sent


def ranked(moods: Mapping[str, Mood]) -> list[tuple[str, Mood]]:
    """Names with their moods, most frequent first."""
    return sorted(moods.items(), key=lambda item: (-item[1].total(), item[0]))
