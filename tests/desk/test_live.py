"""The view follows real topics, over the death of a broker too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.alerts import make_alert
from support.desk import make_view, tell
from support.desk_records import Told, make_trend, topic_of
from support.messages import produce
from support.processes import wait_for

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.errors import BrokerUnreachableError
from streams.brokers.tansu import TansuBroker
from streams.contract.alerts import Alert, Watch, ringing_key
from streams.contract.records import Prediction
from streams.contract.service_settings import DeskSettings
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics
from streams.desk.live import Live, StaleViewError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)


def watch(subject: str) -> Told:
    return Told(subject.encode(), Watch(subject=subject, added=NOW, by="ann"))


def watched(live: Live) -> set[str]:
    return live.look(lambda view: set(view.snapshot()["watchlist"]))


@pytest.fixture
def live(stream_settings: Settings) -> Iterator[Live]:
    tell(stream_settings, [watch("topic/fraud")])
    with Live(stream_settings, make_view, {}) as following:
        following.wait_until_loaded(30)
        yield following


def test_what_was_told_before_and_what_is_told_since_is_known(live: Live, stream_settings: Settings) -> None:
    assert watched(live) == {"topic/fraud"}
    tell(stream_settings, [watch("entity/larkmoor")])
    wait_for(lambda: watched(live) == {"topic/fraud", "entity/larkmoor"}, 5)


def test_what_is_no_record_is_left_out_and_all_else_is_read(live: Live, stream_settings: Settings) -> None:
    alert = make_alert()
    topic = topic_of(stream_settings, Alert)
    produce(stream_settings, topic, [(b"k", b"\xff{", []), (b"k", None, []), (None, b'{"id": "a"}', [])])
    tell(stream_settings, [Told(alert.fingerprint.encode(), alert)])
    wait_for(lambda: live.look(lambda view: view.alerts.alert(ringing_key(alert))) == alert, 5)


def test_predictions_are_counted_and_not_kept(live: Live, stream_settings: Settings) -> None:
    produce(stream_settings, topic_of(stream_settings, Prediction), [(b"m", b"{}", [])] * 500)
    wait_for(lambda: b'"per_second":50.0' in live.hub.reading(live.snapshot), 10)


def test_of_old_trends_as_many_are_read_as_are_kept(stream_settings: Settings) -> None:
    settings = stream_settings.model_copy(update={"desk": DeskSettings(keep=2)})
    trends = [make_trend(f"entity/e{number % 40}", NOW, number, 0, (1.0, 0.2)) for number in range(2000)]
    tell(settings, [Told(trend.subject.encode(), trend) for trend in trends])
    with Live(settings, lambda: make_view(keep=2000), {}) as following:
        following.wait_until_loaded(30)
        volumes = [
            row[1] for doc in following.look(lambda view: view.snapshot())["trends"].values() for row in doc["windows"]
        ]
    assert volumes
    # Two subjects' windows, from all partitions together: far from the beginning.
    assert min(volumes) > 1000


def test_a_broker_that_comes_back_with_less_is_believed() -> None:
    broker = TansuBroker()
    broker.start()
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers))
    with admin_client(settings.kafka) as admin:
        create_topics(admin, all_topics(settings))
    tell(settings, [watch("topic/fraud")])
    try:
        with Live(settings, make_view, {}) as following:
            following.wait_until_loaded(30)
            broker.kill()
            wait_for(lambda: b"no broker" in following.hub.reading(following.snapshot), 30)
            # What was known is shown on, and decided by no more.
            assert watched(following) == {"topic/fraud"}
            with pytest.raises(StaleViewError):
                following.look_now(lambda view: view)
            broker.start()
            with admin_client(settings.kafka) as admin:
                create_topics(admin, all_topics(settings))
            tell(settings, [watch("entity/larkmoor")])
            wait_for(lambda: watched(following) == {"entity/larkmoor"}, 30)
            assert b'"problem":null' in following.hub.reading(following.snapshot)
            following.look_now(lambda view: view)
    finally:
        broker.stop()


def test_topics_that_are_missing_are_named_and_waited_for(unmade_settings: Settings) -> None:
    with Live(unmade_settings, make_view, {}) as following:
        wait_for(lambda: b"`tocsin topics create`" in following.hub.reading(following.snapshot), 30)
        with pytest.raises(BrokerUnreachableError, match=r"no topic .*`tocsin topics create`"):
            following.wait_until_loaded(0.01)
        with pytest.raises(StaleViewError):
            following.look_now(lambda view: view)
        with admin_client(unmade_settings.kafka) as admin:
            create_topics(admin, all_topics(unmade_settings))
        following.wait_until_loaded(30)
