from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.errors import CoordinatorNotAvailableError, GroupAuthorizationFailedError, NodeNotReadyError
from kafka.structs import OffsetAndMetadata
from prometheus_client import CollectorRegistry, generate_latest
from support.messages import produce
from support.processes import wait_for

from exporters.lag import Clients, Lag, Measurement, Scope, _Group, _lag, _Unread, _until_told, measure
from exporters.lag_metrics import LagCollector
from streams.brokers import client
from streams.brokers.admin import create_topics
from streams.contract.settings import KafkaSettings, Settings, TopicsSettings
from streams.contract.topics import all_topics, predictions_topic

if TYPE_CHECKING:
    from streams.brokers.broker import Broker

TIMEOUT = 10.0


def clients(settings: Settings) -> Clients:
    return Clients(partial(client.admin_client, settings.kafka), partial(client.consumer, settings.kafka))


def look(settings: Settings, *others: str) -> Measurement:
    scope = Scope(
        [spec.name for spec in all_topics(settings)], settings.kafka.group_id, list(settings.topics.inputs), others
    )
    return measure(clients(settings), scope, TIMEOUT)


def only(measurement: Measurement, group: str, topic: str) -> dict[int, Lag]:
    return {lag.partition: lag for lag in measurement.lags if (lag.group, lag.topic) == (group, topic)}


def fill(settings: Settings, topic: str, partition: int, count: int) -> None:
    """So many messages in one partition, in batches of several, since ends are counted wrongly after those."""
    with client.producer(settings.kafka) as producer:
        sent = [producer.send(topic, value=b"%d" % number, partition=partition) for number in range(count)]
        producer.flush()
        assert [future.get(timeout=0).offset for future in sent] == list(range(count))


def commit(settings: Settings, group: str, topic: str, partition: int, offset: int) -> None:
    with client.consumer(settings.kafka, group_id=group) as reader:
        place = TopicPartition(topic, partition)
        reader.assign([place])
        reader.commit({place: OffsetAndMetadata(offset, "", -1)})


def test_lag_is_what_is_written_less_what_is_committed(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    fill(stream_settings, topic, 0, 50)
    fill(stream_settings, topic, 1, 7)
    commit(stream_settings, stream_settings.kafka.group_id, topic, 0, 30)
    commit(stream_settings, stream_settings.kafka.group_id, topic, 1, 7)

    lags = only(look(stream_settings), stream_settings.kafka.group_id, topic)

    assert {number: (lag.committed, lag.end, lag.messages) for number, lag in lags.items()} == {
        0: (30, 50, 20),
        1: (7, 7, 0),
        2: (None, 0, 0),
        3: (None, 0, 0),
    }


def test_the_lag_in_seconds_is_the_age_of_the_oldest_unread_message(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    with client.producer(stream_settings.kafka) as producer:
        for number, age in enumerate((900, 60, 30)):
            stamp = round((time.time() - age) * 1000)
            producer.send(topic, value=b"%d" % number, partition=0, timestamp_ms=stamp)
        producer.flush()
    commit(stream_settings, stream_settings.kafka.group_id, topic, 0, 1)

    lags = only(look(stream_settings), stream_settings.kafka.group_id, topic)

    assert 60 <= lags[0].seconds < 90
    assert lags[1].seconds == 0


def test_inputs_that_the_group_has_not_committed_are_counted_from_the_beginning(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    fill(stream_settings, topic, 2, 5)
    measurement = look(stream_settings)
    assert only(measurement, stream_settings.kafka.group_id, topic)[2].messages == 5
    assert {lag.topic for lag in measurement.lags} == set(stream_settings.topics.inputs)


def test_every_group_has_its_own_lag_on_the_topics_that_it_reads(stream_settings: Settings) -> None:
    outputs = predictions_topic(stream_settings.topics)
    fill(stream_settings, outputs, 0, 40)
    first, second = f"first-{stream_settings.kafka.group_id}", f"second-{stream_settings.kafka.group_id}"
    commit(stream_settings, first, outputs, 0, 10)
    commit(stream_settings, second, outputs, 0, 25)

    measurement = look(stream_settings, first, second, f"nobody-{stream_settings.kafka.group_id}")

    assert only(measurement, first, outputs)[0].messages == 30
    assert only(measurement, second, outputs)[0].messages == 15
    assert {lag.topic for lag in measurement.lags if lag.group in (first, second)} == {outputs}
    assert not [lag for lag in measurement.lags if lag.group.startswith("nobody")]
    assert set(measurement.members.values()) == {0}


def test_a_topic_that_nobody_reads_has_an_end(stream_settings: Settings) -> None:
    outputs = predictions_topic(stream_settings.topics)
    fill(stream_settings, outputs, 3, 40)
    measurement = look(stream_settings)
    assert measurement.ends[TopicPartition(outputs, 3)] == 40
    assert measurement.ends[TopicPartition(outputs, 0)] == 0
    assert len(measurement.ends) == sum(spec.partitions for spec in all_topics(stream_settings))


def test_an_offset_beyond_the_end_is_no_lag(stream_settings: Settings) -> None:
    """A topic was made anew under a group that had read the one before."""
    topic = next(iter(stream_settings.topics.inputs))
    commit(stream_settings, stream_settings.kafka.group_id, topic, 0, 1000)
    assert only(look(stream_settings), stream_settings.kafka.group_id, topic)[0].messages == 0


def test_members_are_counted(stream_settings: Settings) -> None:
    group = stream_settings.kafka.group_id
    with client.consumer(stream_settings.kafka, group_id=group) as reader:
        # A group that is joined before all its topics are known is formed anew, and has no member meanwhile.
        for topic in stream_settings.topics.inputs:
            wait_for(partial(reader.partitions_for_topic, topic), what=f"for {topic} to be known")
        reader.subscribe(list(stream_settings.topics.inputs))

        def members() -> dict[str, int]:
            reader.poll(timeout_ms=100)
            return look(stream_settings).members

        wait_for(lambda: members() == {group: 1}, what="for the member to be counted")


def test_topics_that_do_not_exist_are_left_out(unmade_settings: Settings) -> None:
    measurement = look(unmade_settings)
    assert not measurement.ends
    assert not measurement.lags


@pytest.mark.integration
@pytest.mark.kafka
def test_the_end_of_a_transaction_is_no_message(kafka_broker: Broker, clean_environment: None) -> None:
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=kafka_broker.bootstrap_servers, group_id="transactions"),
        topics=TopicsSettings(prefix="transactions.", inputs={"transactions": "news"}, partitions=1),
    )
    with client.admin_client(settings.kafka) as admin:
        create_topics(admin, all_topics(settings))
    with KafkaProducer(
        bootstrap_servers=kafka_broker.bootstrap_servers, transactional_id="transactions", enable_idempotence=True
    ) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send("transactions", value=b"{}")
        producer.commit_transaction()
    commit(settings, "transactions", "transactions", 0, 1)

    (lag,) = look(settings).lags

    assert (lag.committed, lag.end, lag.messages, lag.seconds) == (1, 2, 0, 0.0)


@pytest.mark.parametrize(
    ("timestamp", "messages", "seconds"), [(None, 0, 0.0), (-1, 3, 0.0), (0, 3, 100.0), (98_000, 3, 2.0)]
)
def test_a_message_that_bears_no_time_is_lag_of_no_age(timestamp: int | None, messages: int, seconds: float) -> None:
    lag = _lag("group", TopicPartition("news", 0), 5, 5, _Unread(timestamp, 8), now=100.0)
    assert (lag.messages, lag.seconds) == (messages, seconds)


def test_what_may_pass_is_asked_again_and_what_may_not_is_told_at_once() -> None:
    told = _Group({}, 3)
    answers = iter([CoordinatorNotAvailableError(), told, GroupAuthorizationFailedError(), told])

    def ask() -> _Group:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert _until_told(ask, time.monotonic() + TIMEOUT) is told
    with pytest.raises(GroupAuthorizationFailedError):
        _until_told(ask, time.monotonic() + TIMEOUT)


def test_it_is_not_asked_again_for_ever() -> None:
    def ask() -> _Group:
        raise CoordinatorNotAvailableError

    with pytest.raises(CoordinatorNotAvailableError):
        _until_told(ask, time.monotonic())


def scrape(collector: LagCollector) -> str:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode()


def test_what_was_measured_is_shown_by_group_topic_and_partition() -> None:
    place = TopicPartition("news", 2)
    lag = Lag("tocsin", "news", 2, committed=30, end=50, messages=20, seconds=1.5)
    fresh = Lag("tocsin", "news", 3, committed=None, end=0, messages=0, seconds=0.0)
    measurement = Measurement({place: 10}, {place: 50}, [lag, fresh], {"tocsin": 4})

    text = scrape(LagCollector(lambda: measurement))

    for line in (
        "tocsin_kafka_up 1.0",
        'tocsin_topic_start_offset{partition="2",topic="news"} 10.0',
        'tocsin_topic_end_offset{partition="2",topic="news"} 50.0',
        'tocsin_group_committed_offset{group="tocsin",partition="2",topic="news"} 30.0',
        'tocsin_group_lag_messages{group="tocsin",partition="2",topic="news"} 20.0',
        'tocsin_group_lag_seconds{group="tocsin",partition="2",topic="news"} 1.5',
        'tocsin_group_lag_messages{group="tocsin",partition="3",topic="news"} 0.0',
        'tocsin_group_members{group="tocsin"} 4.0',
    ):
        assert line in text.splitlines()
    assert 'tocsin_group_committed_offset{group="tocsin",partition="3"' not in text


def test_brokers_that_are_away_are_told_and_their_return_too() -> None:
    answers = iter([NodeNotReadyError("away"), RuntimeError("no broker"), Measurement({}, {}, [], {"tocsin": 1})])

    def measure_once() -> Measurement:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    collector = LagCollector(measure_once)
    for problem in ("NodeNotReadyError", "RuntimeError: no broker"):
        text = scrape(collector)
        assert "tocsin_kafka_up 0.0" in text
        assert "tocsin_group" not in text
        assert problem in (collector.problem or "")
    text = scrape(collector)
    assert "tocsin_kafka_up 1.0" in text
    assert 'tocsin_group_members{group="tocsin"} 1.0' in text
    assert collector.problem is None


def test_registering_asks_no_broker() -> None:
    def refuse() -> Measurement:
        raise AssertionError("asked")

    CollectorRegistry(auto_describe=True).register(LagCollector(refuse))


def test_produced_messages_are_seen_at_once(stream_settings: Settings) -> None:
    """Nothing is remembered from one measurement to the next."""
    topic = next(iter(stream_settings.topics.inputs))
    for expected in (1, 2):
        produce(stream_settings, topic, [(b"one key", b"{}", [])])
        lags = only(look(stream_settings), stream_settings.kafka.group_id, topic)
        assert sum(lag.messages for lag in lags.values()) == expected
