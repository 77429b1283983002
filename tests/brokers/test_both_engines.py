from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest
from kafka import KafkaConsumer, TopicPartition
from support.messages import consume_all, produce
from support.processes import wait_for

from streams.brokers import client
from streams.brokers.admin import create_topics, describe_topics, list_topics, topic_ids
from streams.brokers.client import admin_client
from streams.contract.settings import KafkaSettings
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from streams.brokers.broker import Broker
    from streams.contract.settings import Settings


def test_what_is_produced_is_consumed_with_key_value_and_headers(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    records = [(f"k{i}".encode(), f"v{i}".encode(), [("h", b"\xff")]) for i in range(50)]
    places = produce(stream_settings, topic, [*records, (None, b"no key", []), (b"no value", None, [])])
    assert len(set(places)) == 52
    read = consume_all(stream_settings, topic, 52, timeout=10)
    assert {(r.partition, r.offset) for r in read} == set(places)
    assert sorted((r.key, r.value, list(r.headers)) for r in read if r.headers) == sorted(records)
    assert {(r.key, r.value) for r in read if not r.headers} == {(None, b"no key"), (b"no value", None)}


def test_messages_of_a_key_stay_in_order(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    produce(stream_settings, topic, [(b"one key", str(i).encode(), []) for i in range(500)])
    read = consume_all(stream_settings, topic, 500, timeout=10)
    assert [int(record.value) for record in read] == list(range(500))


def test_topics_are_created_once_and_left_thereafter(unmade_settings: Settings) -> None:
    specs = all_topics(unmade_settings)
    with admin_client(unmade_settings.kafka) as admin:
        first = create_topics(admin, specs)
        again = create_topics(admin, specs)
        described = {topic.name: topic for topic in describe_topics(admin, [spec.name for spec in specs])}
    assert [(row.name, row.outcome, row.partitions) for row in first] == [
        (spec.name, "created", spec.partitions) for spec in specs
    ]
    assert {row.outcome for row in again} == {"exists"}
    assert [row.warning for row in first + again] == [None] * (2 * len(specs))
    for spec in specs:
        topic = described[spec.name]
        assert [part.partition for part in topic.partitions] == list(range(spec.partitions))
        assert all(part.leader is not None and part.leader in part.in_sync for part in topic.partitions)
        assert topic.config is not None
        assert spec.config.items() <= topic.config.items()


def test_a_topic_with_another_partition_count_is_told_of_and_left(unmade_settings: Settings) -> None:
    wider = unmade_settings.topics.model_copy(update={"partitions": 6})
    with admin_client(unmade_settings.kafka) as admin:
        create_topics(admin, all_topics(unmade_settings))
        rows = create_topics(admin, all_topics(unmade_settings.model_copy(update={"topics": wider})))
    assert {row.outcome for row in rows} == {"exists"}
    for spec, row in zip(all_topics(unmade_settings), rows, strict=True):
        expected = "has 4 partitions and the settings say 6" if spec.partitions == 4 else ""
        assert expected in (row.warning or ""), row
        assert bool(row.warning) == bool(expected), row


def test_what_does_not_exist_is_neither_listed_nor_described(stream_settings: Settings) -> None:
    names = {spec.name for spec in all_topics(stream_settings)}
    with admin_client(stream_settings.kafka) as admin:
        listed = {topic.name for topic in list_topics(admin)}
        described = describe_topics(admin, ["no-such-topic"])
    assert names <= listed
    assert not {name for name in listed if name.startswith("__")}
    assert described == []


def test_the_id_of_a_topic_says_that_it_was_made_anew(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    before = topic_ids(stream_settings)
    assert set(before) == {spec.name for spec in all_topics(stream_settings)}
    assert topic_ids(stream_settings) == before
    with admin_client(stream_settings.kafka) as admin:
        admin.delete_topics([topic])
        wait_for(lambda: topic not in topic_ids(stream_settings), what=f"for {topic} to go")
        create_topics(admin, all_topics(stream_settings))
    after = topic_ids(stream_settings)
    assert {name for name in before if after[name] != before[name]} == {topic}


def test_a_group_goes_on_where_it_committed(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    produce(stream_settings, topic, [(b"k", str(i).encode(), []) for i in range(10)])

    def read(consumer: KafkaConsumer, count: int) -> list[int]:
        values: list[int] = []
        while len(values) < count:
            for batch in consumer.poll(timeout_ms=200, max_records=count - len(values)).values():
                values += [int(record.value) for record in batch]
        return values

    for expected in (range(4), range(4, 10)):
        with client.consumer(stream_settings.kafka, group_id=stream_settings.kafka.group_id) as consumer:
            consumer.subscribe([topic])
            assert read(consumer, len(expected)) == list(expected)
            consumer.commit()


def test_the_fetch_high_water_mark_is_right(stream_settings: Settings) -> None:
    # The lag is taken from it, since Tansu's ListOffsets LATEST is wrong.
    topic = next(iter(stream_settings.topics.inputs))
    produce(stream_settings, topic, [(b"k", b"v", []) for _ in range(20)])
    records = consume_all(stream_settings, topic, 20, timeout=10)
    partition = TopicPartition(topic, records[0].partition)
    with client.consumer(stream_settings.kafka) as consumer:
        consumer.assign([partition])
        while consumer.highwater(partition) is None:
            consumer.poll(timeout_ms=200)
        assert consumer.highwater(partition) == 20


def test_it_listens_on_loopback_alone(broker: Broker) -> None:
    listening = {
        connection.laddr.ip.removeprefix("::ffff:")
        for connection in psutil.Process(broker.pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


@pytest.mark.integration
@pytest.mark.kafka
def test_apache_kafka_creates_no_topic_by_itself(kafka_broker: Broker) -> None:
    with admin_client(KafkaSettings(bootstrap_servers=kafka_broker.bootstrap_servers)) as admin:
        admin.describe_topics(["never-created"])
        assert "never-created" not in {topic.name for topic in list_topics(admin)}
