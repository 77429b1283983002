"""What went in and what came out of a stream under a fault: raw records, before any are made one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streams.brokers.reading import read_all
from streams.contract.ids import output_id
from streams.contract.topics import dead_letters_topic, predictions_topic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from streams.contract.settings import Settings

Place = tuple[str, int, int]
"""Topic, partition and offset of an input."""


class _Told(msgspec.Struct):
    id: str


class Ledger(NamedTuple):
    """A stream's sums. They meet where nothing is missing and nothing is untold."""

    inputs: int
    outputs: int
    """Records on the topic of predictions, each copy counted."""
    dead_letters: int
    """Likewise on that of dead letters."""
    missing: int
    """Inputs with neither."""
    told_by_id: int
    """Outputs beyond the first of an input that bear the first one's id."""
    untold: int
    """Outputs that are one too many and cannot be told by id: of an input that has another, or of none."""

    @property
    def meets(self) -> bool:
        """Whether every input is accounted for, and every repeat can be told."""
        return not (self.missing or self.untold)


EMPTY = Ledger(0, 0, 0, 0, 0, 0)


def read_ledger(settings: Settings, acknowledged: Collection[Place] = ()) -> Ledger:
    """Read all of a stream's topics.

    Args:
        settings: Where the brokers are, and names of the topics.
        acknowledged: Inputs of which a broker has said that it has them, whether they are still there or not.

    Raises:
        BrokerUnreachableError: No broker answers.
    """
    topics = settings.topics
    stored = {
        (record.topic, record.partition, record.offset)
        for topic in topics.inputs
        for record in read_all(settings, topic)
    }
    return balance(
        stored.union(acknowledged),
        [_id(record.value) for record in read_all(settings, predictions_topic(topics))],
        [_id(record.value) for record in read_all(settings, dead_letters_topic(topics))],
    )


def balance(inputs: Iterable[Place], predictions: list[str], letters: list[str]) -> Ledger:
    """The sums of some inputs, and of the ids of all outputs."""
    answers, buried = Counter(predictions), Counter(letters)
    missing = both = expected = count = 0
    for place in inputs:
        count += 1
        answer, letter = (output_id(*place, kind) for kind in ("prediction", "dead-letter"))
        missing += answer not in answers and letter not in buried
        both += answer in answers and letter in buried
        expected += (answer in answers) + (letter in buried)
    told = sum((answers + buried).values()) - len(answers) - len(buried)
    of_no_input = len(answers) + len(buried) - expected
    return Ledger(count, len(predictions), len(letters), missing, told, both + of_no_input)


def _id(value: bytes | None) -> str:
    return msgspec.json.decode(value or b"", type=_Told).id
