"""Every message is accounted for by the id that its output must have."""

from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.support.soak.ledger import account
from streams.contract.ids import output_id


class Record(NamedTuple):
    """As kafka-python gives it."""

    key: bytes
    value: bytes = b""
    topic: str = "news"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0


def sent(number: int, *, offset: int, at: int = 0) -> Record:
    return Record(str(number).encode(), topic="news", partition=number % 4, offset=offset, timestamp=at)


def answer(record: Record, *, at: int = 0, kind: str = "prediction") -> Record:
    id_ = output_id(record.topic, record.partition, record.offset, kind)
    return Record(record.key, msgspec.json.encode({"id": id_, "topics": ["news"]}), "predictions", timestamp=at)


def test_each_message_has_its_times_and_its_count_of_outputs() -> None:
    inputs = [sent(number, offset=10 + number, at=1000 * number) for number in range(4)]
    outputs = [answer(inputs[0], at=2500), answer(inputs[1], at=1200), answer(inputs[0], at=700)]
    found = account(inputs, outputs, [], 4)
    assert found.sent.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert found.outputs.tolist() == [2, 1, 0, 0]
    assert found.answered[:2].tolist() == [0.7, 1.2]
    assert np.isnan(found.answered[2:]).all()
    assert (found.strangers, found.resent, found.buried) == (0, 0, 0)


def test_an_output_of_another_place_or_kind_is_a_stranger_whatever_its_key() -> None:
    message = sent(0, offset=7)
    outputs = [answer(message._replace(offset=8)), answer(message, kind="dead-letter"), answer(sent(9, offset=1))]
    found = account([message], outputs, [], 1)
    assert found.strangers == 3
    assert found.outputs.tolist() == [0]


def test_what_a_producer_sent_twice_is_told_and_the_first_counts() -> None:
    first, again = sent(0, offset=1, at=1000), sent(0, offset=2, at=2000)
    found = account([first, again], [answer(first), answer(again)], [], 1)
    assert (found.resent, found.strangers) == (1, 1)
    assert found.sent.tolist() == [1.0]
    assert found.outputs.tolist() == [1]


def test_what_never_came_to_the_topic_is_not_sent_and_what_was_not_counted_is_kept() -> None:
    found = account([sent(3, offset=0)], [], [Record(b"x")], 2)
    assert len(found.sent) == 4
    assert np.isnan(found.sent[:3]).all()
    assert found.buried == 1
