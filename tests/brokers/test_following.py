from __future__ import annotations

from typing import TYPE_CHECKING

from support.messages import produce
from support.processes import wait_for

from streams.brokers.following import Follower

if TYPE_CHECKING:
    from streams.contract.settings import Settings


def _values(follower: Follower, count: int) -> list[bytes]:
    values: list[bytes] = []
    for _ in range(200):
        values += [record.value for record in follower.poll(0.1)]
        if len(values) >= count:
            break
    return values


def test_from_now_on_nothing_old_and_all_that_is_new(stream_settings: Settings) -> None:
    old_topic, new_topic = list(stream_settings.topics.inputs)[:2]
    # Few keys and many records: batches, whose last offset Tansu's ListOffsets does not tell.
    produce(stream_settings, old_topic, [(b"k%d" % (number % 3), b"old", []) for number in range(300)])
    with Follower(stream_settings.kafka, [old_topic, new_topic], from_beginning=False) as follower:
        new = [b"new %d" % number for number in range(40)]
        produce(stream_settings, old_topic, [(value, value, []) for value in new[:20]])
        produce(stream_settings, new_topic, [(value, value, []) for value in new[20:]])
        values = _values(follower, len(new))
        values += [record.value for record in follower.poll(0.3)]
    assert sorted(values) == sorted(new)


def test_from_the_beginning_everything(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    produce(stream_settings, topic, [(None, b"%d" % number, []) for number in range(50)])
    with Follower(stream_settings.kafka, [topic], from_beginning=True) as follower:
        assert sorted(_values(follower, 50)) == sorted(b"%d" % number for number in range(50))


def test_who_stays_asks_seldom(stream_settings: Settings) -> None:
    # A worker's wait of 20 ms would be fifty fetches a second of a quiet topic, in kafka-python a fifteenth of a core.
    topic = next(iter(stream_settings.topics.inputs))
    with Follower(stream_settings.kafka, [topic], from_beginning=True) as follower:
        assert follower._consumer.config["fetch_max_wait_ms"] == 500


def test_records_of_several_partitions_come_in_order_of_time(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    for number in range(12):
        produce(stream_settings, topic, [(b"key %d" % number, b"%02d" % number, [])])
    with Follower(stream_settings.kafka, [topic], from_beginning=True) as follower:
        records = []
        for _ in range(100):
            records = follower.poll(0.1)
            if records:
                break
    assert len({record.partition for record in records}) > 1
    assert [record.timestamp for record in records] == sorted(record.timestamp for record in records)


def test_of_some_topics_the_latest_alone_and_of_others_everything(stream_settings: Settings) -> None:
    whole, latest = list(stream_settings.topics.inputs)[:2]
    produce(stream_settings, whole, [(b"k", b"whole %d" % number, []) for number in range(30)])
    # One key, and so one partition.
    produce(stream_settings, latest, [(b"k", b"latest %d" % number, []) for number in range(300)])
    with Follower(stream_settings.kafka, [whole, latest], from_beginning=True, last={latest: 7}) as follower:
        values = _values(follower, 37)
        wait_for(lambda: not follower.poll(0.1) and follower.is_at_end)
        produce(stream_settings, latest, [(b"k", b"new", [])])
        new = _values(follower, 1)
    assert sorted(values) == sorted(
        [b"whole %d" % number for number in range(30)] + [b"latest %d" % number for number in range(293, 300)]
    )
    assert new == [b"new"]
