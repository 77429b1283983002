from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, RequestTimedOutError
from support.messages import consume_all, produce

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.contract.outgoing import Output
from streams.contract.topics import TopicSpec, all_topics, dead_letters_topic, predictions_topic
from streams.worker.publisher import BatchPublisher, NoPartitionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from streams.contract.settings import Settings

# The marks of the `broker` fixture's second engine, for what only Apache Kafka knows.
_kafka = pytest.param("kafka_broker", marks=[pytest.mark.integration, pytest.mark.kafka], id="kafka")
on_kafka = pytest.mark.parametrize("broker", [_kafka], indirect=True)


def outputs(topic: str, count: int, size: int = 10) -> list[Output]:
    return [
        Output(topic, f"key-{number % 23}".encode(), f"{number:0{size}}".encode(), [("ce_id", f"{number}".encode())])
        for number in range(count)
    ]


def publish(settings: Settings, *batches: Sequence[Output]) -> list[list[Output]]:
    async def main() -> list[list[Output]]:
        publisher = BatchPublisher(settings.kafka)
        await publisher.start()
        try:
            return [await publisher.publish(batch) for batch in batches]
        finally:
            await publisher.stop()

    return asyncio.run(main())


def made_topic(settings: Settings, name: str, **config: str) -> str:
    spec = TopicSpec(f"{settings.topics.prefix}{name}", Output, "", "", partitions=1, replication=1, config=config)
    with admin_client(settings.kafka) as admin:
        create_topics(admin, [spec])
    return spec.name


def test_all_that_is_acknowledged_can_be_read_back(stream_settings: Settings) -> None:
    topics = predictions_topic(stream_settings.topics), dead_letters_topic(stream_settings.topics)
    sent = {topic: outputs(topic, 200) for topic in topics}
    mixed = [output for pair in zip(*sent.values(), strict=True) for output in pair]
    assert publish(stream_settings, mixed[:100], mixed[100:], []) == [[], [], []]
    for topic in topics:
        read = consume_all(stream_settings, topic, 200)
        assert sorted((r.key, r.value, list(r.headers)) for r in read) == sorted(
            (output.key, output.value, output.headers) for output in sent[topic]
        )


def test_keys_go_where_kafka_pythons_producer_sends_them_and_keep_their_order(stream_settings: Settings) -> None:
    topic, twin = predictions_topic(stream_settings.topics), next(iter(stream_settings.topics.inputs))
    publish(stream_settings, *(outputs(topic, 300)[start : start + 50] for start in range(0, 300, 50)))
    keys = [output.key for output in outputs(topic, 23)]
    places = produce(stream_settings, twin, [(key, b"", []) for key in keys])
    expected = {key: partition for key, (partition, _) in zip(keys, places, strict=True)}
    by_key: defaultdict[bytes, list[int]] = defaultdict(list)
    for record in consume_all(stream_settings, topic, 300):
        assert record.partition == expected[record.key]
        by_key[record.key].append(int(record.value))
    assert len(set(expected.values())) > 1
    assert by_key.keys() == expected.keys()
    assert all(values == sorted(values) for values in by_key.values())


def test_what_names_its_partition_goes_there_whatever_its_key(stream_settings: Settings) -> None:
    topic = predictions_topic(stream_settings.topics)
    sent = [Output(topic, b"key", f"{number}".encode(), partition=number % 4) for number in range(8)]
    sent += [Output(topic, b"", f"{number}".encode(), partition=number) for number in range(4)]
    assert publish(stream_settings, sent) == [[]]
    read = consume_all(stream_settings, topic, 12)
    assert sorted((record.partition, record.key, int(record.value)) for record in read) == sorted(
        (output.partition, output.key, int(output.value or b"")) for output in sent
    )


def test_no_value_stays_no_value(stream_settings: Settings) -> None:
    topic = predictions_topic(stream_settings.topics)
    assert publish(stream_settings, [Output(topic, b"gone", None)]) == [[]]
    assert [(record.key, record.value) for record in consume_all(stream_settings, topic, 1)] == [(b"gone", None)]


def test_a_record_bears_the_time_that_it_is_given_else_that_of_its_sending(stream_settings: Settings) -> None:
    topic = predictions_topic(stream_settings.topics)
    sent = time.time()
    given = (1_700_000_000.25, None, -0.001, sent + 7200)
    publish(stream_settings, [Output(topic, b"a", b"", timestamp=timestamp) for timestamp in given])
    old, *others = consume_all(stream_settings, topic, 4)
    assert old.timestamp == 1_700_000_000_250
    # Of the future is now: brokers refuse it.
    assert [each.timestamp / 1000 for each in others] == pytest.approx([sent] * 3, abs=10.0)


def test_a_partition_that_is_not_there_is_refused_with_its_topic_and_number(stream_settings: Settings) -> None:
    topic = predictions_topic(stream_settings.topics)
    with pytest.raises(NoPartitionError, match=f"{topic} has 4 partitions and none of number 4"):
        publish(stream_settings, [Output(topic, b"key", b"", partition=4)])


def test_a_topics_partitions_are_told_in_order(stream_settings: Settings) -> None:
    async def main() -> list[int]:
        publisher = BatchPublisher(stream_settings.kafka)
        await publisher.start()
        try:
            return await publisher.partitions_of(predictions_topic(stream_settings.topics))
        finally:
            await publisher.stop()

    assert asyncio.run(main()) == [0, 1, 2, 3]


def test_an_offer_is_made_once(unmade_settings: Settings) -> None:
    topic = made_topic(unmade_settings, "offered")
    kafka = unmade_settings.kafka.model_copy(update={"request_timeout_seconds": 0.5})
    retries: list[None] = []

    async def main() -> list[bool]:
        publisher = BatchPublisher(kafka, on_retry=lambda: retries.append(None))
        await publisher.start()
        try:
            return [
                await publisher.offer(outputs(topic, 3)),
                await publisher.offer([]),
                await publisher.offer(outputs("a name that no topic can have", 1)),
            ]
        finally:
            await publisher.stop()

    assert asyncio.run(main()) == [True, True, False]
    assert retries == []
    assert len(consume_all(unmade_settings, topic, 3)) == 3


def test_a_batch_larger_than_one_request_is_delivered_whole_and_in_order(stream_settings: Settings) -> None:
    topic = made_topic(stream_settings, "large")
    sent = outputs(topic, 30, size=60_000)
    assert publish(stream_settings, sent) == [[]]
    assert [record.value for record in consume_all(stream_settings, topic, 30)] == [output.value for output in sent]


def test_what_is_sent_again_does_not_come_after_what_follows_it(
    stream_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, failures = predictions_topic(stream_settings.topics), iter([RequestTimedOutError()])
    send_batch = AIOKafkaProducer.send_batch

    async def failing_at_first(
        producer: AIOKafkaProducer, batch: object, topic: str, *, partition: int
    ) -> Awaitable[object]:
        failure = next(failures, None)
        if failure is None:
            sending: Awaitable[object] = await send_batch(producer, batch, topic, partition=partition)
            return sending
        lost: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        lost.set_exception(failure)
        return lost

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", failing_at_first)
    sent = [Output(topic, b"key", bytes([number]) * 200_000, partition=0) for number in range(10)]
    assert publish(stream_settings, sent) == [[]]
    assert [record.value for record in consume_all(stream_settings, topic, 10)] == [output.value for output in sent]


@on_kafka  # since Tansu makes a topic when it is asked for it
def test_a_topic_that_is_not_there_yet_is_waited_for(unmade_settings: Settings) -> None:
    topic = predictions_topic(unmade_settings.topics)
    kafka = unmade_settings.kafka.model_copy(update={"request_timeout_seconds": 0.5})

    async def main() -> list[Output]:
        tried_again = asyncio.Event()
        publisher = BatchPublisher(kafka, on_retry=tried_again.set)
        await publisher.start()
        publishing = asyncio.create_task(publisher.publish(outputs(topic, 3)))
        async with asyncio.timeout(10):
            await tried_again.wait()
        with admin_client(unmade_settings.kafka) as admin:
            create_topics(admin, all_topics(unmade_settings))
        async with asyncio.timeout(20):
            refused = await publishing
        await publisher.stop()
        return refused

    assert asyncio.run(main()) == []
    assert {record.value for record in consume_all(unmade_settings, topic, 3)} == {
        b"0" * 9 + b"%d" % n for n in range(3)
    }


@on_kafka
def test_what_is_too_large_for_the_broker_comes_back_and_the_rest_is_delivered(unmade_settings: Settings) -> None:
    topic = made_topic(unmade_settings, "narrow", **{"max.message.bytes": "20000"})
    small, large = outputs(topic, 20, size=500), outputs(topic, 3, size=30_000)
    mixed = [*small[:7], large[0], *small[7:], *large[1:]]
    (refused,) = publish(unmade_settings, mixed)
    assert sorted(map(id, refused)) == sorted(map(id, large))
    assert {record.value for record in consume_all(unmade_settings, topic, 20)} == {output.value for output in small}


@on_kafka
def test_small_records_that_are_too_large_together_are_all_delivered(unmade_settings: Settings) -> None:
    topic = made_topic(unmade_settings, "narrow", **{"max.message.bytes": "20000"})
    sent = outputs(topic, 50, size=1_000)
    assert publish(unmade_settings, sent) == [[]]
    assert {record.value for record in consume_all(unmade_settings, topic, 50)} == {output.value for output in sent}


def test_what_is_sent_alone_keeps_its_order_where_one_fails(
    unmade_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = made_topic(unmade_settings, "narrow")
    sent = [Output(topic, b"key", bytes([number]), partition=0) for number in range(5)]
    send, failures = BatchPublisher._send, iter([RequestTimedOutError()])

    async def refusing(publisher: BatchPublisher, topic: str, partition: int, members: list[Output]) -> None:
        if len(members) > 1:
            raise MessageSizeTooLargeError
        if members[0].value == bytes([2]) and (failure := next(failures, None)):
            raise failure
        await send(publisher, topic, partition, members)

    monkeypatch.setattr(BatchPublisher, "_send", refusing)
    assert publish(unmade_settings, sent) == [[]]
    assert [record.value for record in consume_all(unmade_settings, topic, 5)] == [output.value for output in sent]


def test_it_must_be_started_first(unmade_settings: Settings) -> None:
    publisher = BatchPublisher(unmade_settings.kafka)
    with pytest.raises(RuntimeError, match="start"):
        asyncio.run(publisher.publish(outputs("any", 1)))
    asyncio.run(publisher.stop())
