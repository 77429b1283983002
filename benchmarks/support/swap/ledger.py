"""What went in and what came out, record by record, before anything is made one; and how long it took."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from streams.brokers.reading import read_all
from streams.contract.ids import output_id
from streams.contract.topics import dead_letters_topic, predictions_topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.support.stream import Stream

_SECONDS = 1000.0


class _Answer(msgspec.Struct):
    id: str
    model: str
    topic_scores: dict[str, float]


class Window(NamedTuple):
    """From one moment to another, seconds since the epoch."""

    begin: float
    end: float


class Ledger(NamedTuple):
    """A stream after all is done."""

    sent: dict[str, float]
    """When each input was sent, by the id that its output must have."""
    answered: dict[str, float]
    """When each was answered first, by the output's id."""
    outputs: int
    """Records on the topic of predictions."""
    buried: int
    """Records on the topic of dead letters."""
    labels_of_model: dict[str, set[frozenset[str]]]
    """Sets of topics that each version told scores of."""
    answers_of_model: Counter[str]

    @property
    def missing(self) -> int:
        """Inputs without an output."""
        return len(self.sent.keys() - self.answered.keys())

    @property
    def duplicates(self) -> int:
        """Outputs beyond one for each input: of an id that there is already, or of no input."""
        return self.outputs - len(self.sent.keys() & self.answered.keys())

    def latencies(self, windows: Sequence[Window]) -> list[float]:
        """Seconds that the answers to the inputs sent in these windows took."""
        begins = np.array([window.begin for window in windows])
        ends = np.array([window.end for window in windows])
        return [
            self.answered[name] - sent
            for name, sent in self.sent.items()
            if name in self.answered and bool(np.any((begins <= sent) & (sent < ends)))
        ]


def read_ledger(stream: Stream) -> Ledger:
    """Read all of a stream's topics; nobody may write to them any more.

    Times are the records' own (CreateTime): from the producer's call to the moment at which the output is handed to its
    producer, of one clock.
    """
    topics = stream.settings.topics
    sent = {
        output_id(record.topic, record.partition, record.offset, "prediction"): record.timestamp / _SECONDS
        for topic in topics.inputs
        for record in read_all(stream.settings, topic)
    }
    answered: dict[str, float] = {}
    labels: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
    answers: Counter[str] = Counter()
    outputs = 0
    for record in read_all(stream.settings, predictions_topic(topics)):
        outputs += 1
        answer = msgspec.json.decode(record.value, type=_Answer)
        answered.setdefault(answer.id, record.timestamp / _SECONDS)
        answers[answer.model] += 1
        labels[answer.model].add(frozenset(answer.topic_scores))
    buried = sum(1 for _ in read_all(stream.settings, dead_letters_topic(topics)))
    return Ledger(sent, answered, outputs, buried, dict(labels), answers)


def percentile(seconds: Iterable[float], share: float) -> float:
    """A quantile of latencies, in seconds."""
    return float(np.percentile(list(seconds), share))
