from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.messages import consume_all

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.errors import BrokerError
from streams.brokers.tansu import TansuBroker
from streams.brokers.writing import Writer
from streams.contract.alerts import Watch
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics, watchlist_topic

WATCH = Watch(subject="topic/fraud", added=datetime(2026, 3, 2, tzinfo=UTC), by="ann")


def test_a_record_is_there_once_it_is_written_and_gone_once_it_is_taken_away(stream_settings: Settings) -> None:
    topic = watchlist_topic(stream_settings.topics)
    with Writer(stream_settings.kafka) as writer:
        writer.put(topic, b"topic/fraud", WATCH)
        writer.put(topic, b"topic/fraud", None)
    written, gone = consume_all(stream_settings, topic, 2)
    assert dict(written.headers)["ce_type"] == b"tocsin.watch"
    assert (written.key, gone.key, gone.value, gone.headers) == (b"topic/fraud", b"topic/fraud", None, [])


@pytest.mark.integration
def test_a_broker_that_is_away_is_told_and_one_that_is_back_is_written_to() -> None:
    with TansuBroker() as broker:
        settings = Settings(
            kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers, delivery_timeout_seconds=2.0)
        )
        topic = watchlist_topic(settings.topics)
        with Writer(settings.kafka) as writer:
            for _ in range(2):
                with admin_client(settings.kafka) as admin:
                    create_topics(admin, all_topics(settings))
                writer.put(topic, b"k", WATCH)
                broker.kill()
                with pytest.raises(BrokerError):
                    writer.put(topic, b"k", WATCH)
                broker.start()
