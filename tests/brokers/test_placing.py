"""Topics that get partitions where state is kept: no key moves, and what was moved before is not gone on with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.messages import produce
from support.processes import run_tocsin, settings_env, wait_for
from support.streams import Feed, Ledger, read_predictions, worker

from streams.brokers.admin import describe_topics
from streams.brokers.client import admin_client, producer
from streams.brokers.delivery import Delivery
from streams.brokers.errors import TopicError
from streams.brokers.placing import place, require_places
from streams.brokers.reading import read_all, read_key
from streams.brokers.writing import Writer
from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.signals import SurgeState
from streams.contract.topics import all_topics, kept_in_place, signals_topic, surge_state_topic, turns_topic
from streams.worker.publisher import BatchPublisher
from streams.worker.recovery import Recovery, RecoveryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.settings import Settings

_kafka = pytest.param("kafka_broker", marks=[pytest.mark.integration, pytest.mark.kafka], id="kafka")
# The embedded broker knows no request to add partitions.
pytestmark = pytest.mark.parametrize("broker", [_kafka], indirect=True)

KEYS = [f"entity/company {number}" for number in range(40)]


def grow(settings: Settings, *topics: str, to: int = 8) -> None:
    with admin_client(settings.kafka) as admin:
        admin.create_partitions(dict.fromkeys(topics, to))
        wait_for(
            lambda: all(
                [part.leader is not None for part in topic.partitions] == [True] * to
                for topic in describe_topics(admin, topics, config=False)
            ),
            what="for partitions with leaders",
        )


def publish(settings: Settings, outputs: Sequence[Output]) -> None:
    async def main() -> None:
        publisher = BatchPublisher(settings.kafka, kept_in_place(settings))
        await publisher.start()
        try:
            assert await publisher.publish(outputs) == []
        finally:
            await publisher.stop()

    asyncio.run(main())


def state(key: str) -> SurgeState:
    return SurgeState(key=key, form=1, state=b"")


def places(settings: Settings, topic: str) -> dict[bytes, set[int]]:
    found: dict[bytes, set[int]] = {}
    for record in read_all(settings, topic):
        found.setdefault(record.key, set()).add(record.partition)
    return found


def test_every_writer_keeps_a_key_where_it_was(stream_settings: Settings) -> None:
    settings, topic = stream_settings, turns_topic(stream_settings.topics)
    keys = [key.encode() for key in KEYS]
    publish(settings, [Output(topic, key, b"{}") for key in keys])
    grow(settings, topic)
    publish(settings, [Output(topic, key, b"{}") for key in keys])
    with Writer(settings.kafka, kept_in_place(settings)) as writer:
        for key in keys:
            writer.put(topic, key, state(""))
    with producer(settings.kafka) as sender:
        delivery = Delivery(sender, topic, spread=kept_in_place(settings)[topic])
        for key in KEYS:
            delivery.send("here", key, b"{}")
        assert delivery.flush(30)
    assert places(settings, topic) == {key: {place(key, 4)} for key in keys}
    assert len(list(read_key(settings, topic, keys[0]))) == 4


def test_topics_as_they_were_made_are_in_order(stream_settings: Settings) -> None:
    assert require_places(stream_settings) == []


def test_partitions_that_stay_empty_are_told_and_harm_nothing(stream_settings: Settings) -> None:
    topic = surge_state_topic(stream_settings.topics)
    grow(stream_settings, topic)
    assert require_places(stream_settings) == [topic]


def test_records_where_no_key_belongs_are_refused_with_what_to_do(stream_settings: Settings) -> None:
    settings, topic = stream_settings, surge_state_topic(stream_settings.topics)
    grow(settings, topic)
    produce(settings, topic, [(key.encode(), encode(state(key)), []) for key in KEYS])
    with pytest.raises(TopicError, match=f"{topic} has records in its partitions .*set topics.partitions to"):
        require_places(settings)


def test_fewer_partitions_than_the_settings_say_are_refused(stream_settings: Settings) -> None:
    more = stream_settings.topics.model_copy(update={"partitions": 6})
    with pytest.raises(TopicError, match=r"has 4 partitions and topics\.partitions is 6"):
        require_places(stream_settings.model_copy(update={"topics": more}))


def test_state_that_was_spread_otherwise_is_not_gone_on_with(stream_settings: Settings) -> None:
    settings, topic = stream_settings, surge_state_topic(stream_settings.topics)
    publish(settings, [Output(topic, key.encode(), encode(state(key))) for key in KEYS])
    own = [Output(topic, key, encode(state(key.decode())), partition=3) for key in (b"", b"clock")]
    publish(settings, own)
    assert {each.key for each in Recovery(settings).surge_state(3)} >= {"", "clock"}
    # Somebody adds partitions, and has the settings say so.
    grow(settings, topic)
    moved = settings.model_copy(update={"topics": settings.topics.model_copy(update={"partitions": 8})})
    strays = {key for key in KEYS if place(key.encode(), 4) == 1 and place(key.encode(), 8) != 1}
    assert strays
    with pytest.raises(RecoveryError, match=rf"holds {len(strays)} states that do not belong there"):
        Recovery(moved).surge_state(1)
    publish(settings, [Output(topic, key.encode(), None) for key in strays])
    assert len(Recovery(moved).surge_state(1)) == len([key for key in KEYS if place(key.encode(), 8) == 1])


def test_what_is_published_by_key_and_to_all_keeps_to_the_first(stream_settings: Settings) -> None:
    settings, topic = stream_settings, signals_topic(stream_settings.topics)
    grow(settings, topic)

    async def main() -> tuple[list[int], int]:
        publisher = BatchPublisher(settings.kafka, kept_in_place(settings))
        await publisher.start()
        try:
            return await publisher.partitions_of(topic), publisher.partition_by_key(topic)(KEYS[0].encode())
        finally:
            await publisher.stop()

    assert asyncio.run(main()) == ([0, 1, 2, 3], place(KEYS[0].encode(), 4))


def test_a_running_worker_finds_the_partitions_that_an_input_was_given(stream_settings: Settings) -> None:
    settings = stream_settings
    (topic, *_) = settings.topics.inputs
    with worker(settings) as running:
        running.wait_until_ready()
        grow(settings, topic)
        with Feed(settings, topic, per_second=50) as feed:
            pass
        produce(settings, topic, [(f"{number}".encode(), b'{"text": "Shares rose."}', []) for number in range(100)])
        assert {record.partition for record in read_all(settings, topic)} == set(range(8))
        records = read_predictions(settings, 100 + len(feed.acknowledged), timeout=60.0)
    assert Ledger(records).repeated == 0


def test_a_worker_says_which_topic_cannot_be_used(stream_settings: Settings) -> None:
    settings, topic = stream_settings, surge_state_topic(stream_settings.topics)
    grow(settings, topic)
    produce(settings, topic, [(key.encode(), encode(state(key)), []) for key in KEYS])
    with run_tocsin(["worker"], settings_env(settings)) as process:
        assert process.wait(60) == 1
        assert f"{topic} has records in its partitions" in process.stderr


def test_kept_topics_are_all_that_hold_state_or_an_order(stream_settings: Settings) -> None:
    kept = kept_in_place(stream_settings)
    specs = {spec.name: spec for spec in all_topics(stream_settings)}
    assert all(kept[name] == specs[name].partitions for name in kept)
    prefix = stream_settings.topics.prefix
    assert {name.removeprefix(prefix) for name in kept} == {
        *("signals", "surge-state", "turns", "conversations", "reader-events", "interests", "item-vectors"),
        *("silences", "watchlist", "alert-verdicts", "labels", "documents"),
        *("retrain-requests", "model-pointers", "model-events"),
    }
