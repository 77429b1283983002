"""What became of every message of a soak, in arrays, since there are millions of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from benchmarks.support.soak.folder import Messages
from streams.brokers.reading import read_all
from streams.contract.ids import output_id
from streams.contract.topics import dead_letters_topic, predictions_topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kafka.consumer.fetcher import ConsumerRecord
    from numpy.typing import NDArray

    from benchmarks.support.stream import Stream

_MS = 1000.0
_ID_BYTES = 8
"""Of the sixteen of an output's id: among ten million, two are alike in these once in 400,000 runs."""


class _Prediction(msgspec.Struct):
    id: str


def read_messages(stream: Stream, count: int) -> Messages:
    """Read all of a stream's topics; nobody may write to them any more.

    Args:
        stream: Its messages have the ids 0, 1, 2 and so on.
        count: How many the producers say they have sent.
    """
    topics = stream.settings.topics
    inputs = (record for topic in topics.inputs for record in read_all(stream.settings, topic))
    predictions, dead_letters = (
        read_all(stream.settings, topic) for topic in (predictions_topic(topics), dead_letters_topic(topics))
    )
    return account(inputs, predictions, dead_letters, count)


def account(
    inputs: Iterable[ConsumerRecord],
    predictions: Iterable[ConsumerRecord],
    dead_letters: Iterable[ConsumerRecord],
    count: int,
) -> Messages:
    """What became of every message. Pure.

    Args:
        inputs: The key of each is its number.
        predictions: In any order.
        dead_letters: Likewise.
        count: So many are told of at least, whether they are there or not.
    """
    sent, ids, resent = _read_inputs(inputs, count)
    answered, outputs, strangers = _read_predictions(predictions, ids)
    return Messages(sent, answered, outputs, resent, strangers, sum(1 for _ in dead_letters))


def _read_inputs(records: Iterable[ConsumerRecord], count: int) -> tuple[NDArray[np.float64], NDArray[np.uint64], int]:
    """When each was sent, the beginning of the id that its output must have, and how many came once more."""
    sent, ids, resent = np.full(count, np.nan), np.zeros(count, np.uint64), 0
    for record in records:
        number = int(record.key)
        if number >= len(sent):
            # The producer was ended before it had counted what it sent.
            more = number + 1 - len(sent)
            sent = np.concatenate([sent, np.full(more, np.nan)])
            ids = np.concatenate([ids, np.zeros(more, np.uint64)])
        if not np.isnan(sent[number]):
            resent += 1
            continue
        sent[number] = record.timestamp / _MS
        ids[number] = _beginning(output_id(record.topic, record.partition, record.offset, "prediction"))
    return sent, ids, resent


def _read_predictions(
    records: Iterable[ConsumerRecord], ids: NDArray[np.uint64]
) -> tuple[NDArray[np.float64], NDArray[np.int32], int]:
    """When each message was answered first, how often, and how many outputs are of no message."""
    answered, outputs, strangers = np.full(len(ids), np.nan), np.zeros(len(ids), np.int32), 0
    decoder = msgspec.json.Decoder(_Prediction)
    for record in records:
        number = int(record.key)
        if number >= len(ids) or _beginning(decoder.decode(record.value).id) != ids[number]:
            strangers += 1
            continue
        outputs[number] += 1
        answered[number] = np.fmin(answered[number], record.timestamp / _MS)
    return answered, outputs, strangers


def _beginning(id_: str) -> int:
    return int(id_[: 2 * _ID_BYTES], 16)
