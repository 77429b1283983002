"""A large topic is followed whole, in order, and anew after the broker was away."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from support.messages import produce
from support.processes import wait_for

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.tansu import TansuBroker
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics, item_vectors_topic
from streams.worker.tailing import Tail

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kafka.consumer.fetcher import ConsumerRecord

only_tansu = pytest.mark.parametrize(
    "broker", [pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu")], indirect=True
)


class Sink:
    """Writes down what it is told."""

    def __init__(self, *, breaks_at: bytes | None = None) -> None:
        self.told: list[str] = []
        self._breaks_at = breaks_at

    def begin(self) -> None:
        self.told.append("begin")

    def apply(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            if record.key == self._breaks_at:
                self._breaks_at = None
                raise RuntimeError("a fault in the sink")
            self.told.append(f"{record.key.decode()} {record.value.decode() if record.value else 'gone'}")

    def caught_up(self) -> None:
        self.told.append("caught up")


@contextmanager
def tail(settings: Settings, sink: Sink) -> Iterator[Tail]:
    following = Tail(settings.kafka, item_vectors_topic(settings.topics), sink)
    following.start()
    try:
        yield following
    finally:
        following.close()


@only_tansu
def test_what_is_there_comes_before_caught_up_and_what_is_new_after(stream_settings: Settings) -> None:
    topic = item_vectors_topic(stream_settings.topics)
    produce(stream_settings, topic, [(b"a", b"1", []), (b"a", b"2", []), (b"b", b"1", [])])
    sink = Sink()
    with tail(stream_settings, sink):
        wait_for(lambda: "caught up" in sink.told, what="for what is there")
        assert sink.told[0] == "begin"
        assert set(sink.told[1:-1]) == {"a 1", "a 2", "b 1"}
        assert sink.told.index("a 1") < sink.told.index("a 2")
        produce(stream_settings, topic, [(b"b", None, [])])
        wait_for(lambda: sink.told[-1:] == ["b gone"], what="for what is new")


@only_tansu
def test_a_fault_in_the_sink_does_not_end_it(stream_settings: Settings) -> None:
    topic = item_vectors_topic(stream_settings.topics)
    produce(stream_settings, topic, [(b"a", b"1", [])])
    sink = Sink(breaks_at=b"a")
    with tail(stream_settings, sink):
        wait_for(lambda: sink.told[-1:] == ["caught up"], what="for another try")
    assert sink.told == ["begin", "begin", "a 1", "caught up"]


@pytest.mark.integration
def test_after_a_broker_was_away_all_is_read_anew(clean_environment: None) -> None:
    sink = Sink()
    with TansuBroker() as broker:
        settings = Settings(kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers))

        def make_topics() -> None:
            with admin_client(settings.kafka) as admin:
                create_topics(admin, all_topics(settings))

        make_topics()
        produce(settings, item_vectors_topic(settings.topics), [(b"a", b"1", [])])
        with capture_logs() as logs, tail(settings, sink):
            wait_for(lambda: "caught up" in sink.told, what="for what is there")
            broker.kill()
            wait_for(lambda: [entry for entry in logs if entry["log_level"] == "warning"], what="for it to be noticed")
            # The embedded broker has lost all.
            broker.start()
            make_topics()
            wait_for(lambda: sink.told.count("caught up") == 2, 60.0, what="for another beginning")
    assert sink.told == ["begin", "a 1", "caught up", "begin", "caught up"]
    assert len([entry for entry in logs if entry["log_level"] == "warning"]) == 1
