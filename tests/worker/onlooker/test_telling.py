"""What the onlooker tells reaches its topics once the brokers take it, once, and holds nothing up."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from aiokafka.errors import KafkaConnectionError
from structlog.testing import capture_logs
from support.onlooking import (
    GENEROUS,
    Missing,
    Offline,
    Text,
    Worker,
    sentences,
    settings_of,
    until,
)
from support.readings import TIME, seen

from streams.contract.topics import model_events_topic, retrain_requests_topic
from streams.logic.asking.asker import Candidate, label_request

if TYPE_CHECKING:
    import pytest

    from models.runtime import Encoder
    from streams.contract.labels import LabelRequest


def test_what_the_brokers_do_not_take_counts_and_holds_nothing_up(
    encoders: list[Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.worker.onlooker._AGAIN_SECONDS", 0.01)
    settings = settings_of(labels=GENEROUS.model_copy(update={"random_share": 1.0}))
    worker = Worker(encoders[0], settings, Missing(settings.kafka))
    worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])
    assert worker.onlooker._untold
    worker.read(sentences(3, 1))

    async def run() -> None:
        worker.onlooker.start()
        # A request and an event at each step: the fifth is of the third.
        await until(lambda: (worker.value("tocsin_onlooker_failures_total") or 0.0) >= 5.0)
        await worker.onlooker.stop()

    asyncio.run(run())
    assert worker.onlooker._unasked
    assert worker.onlooker._untold
    assert worker.value("tocsin_label_requests_total", reason="random") == 0.0


def test_the_latest_requests_are_asked_once_the_brokers_take_them(encoders: list[Encoder]) -> None:
    settings = settings_of(labels=GENEROUS.model_copy(update={"random_share": 1.0}))
    publisher = Offline(settings.kafka)
    publisher.deaf = True
    worker = Worker(encoders[0], settings, publisher)

    def asked(seed: int) -> list[LabelRequest]:
        worker.read(sentences(seed, 1))
        time.sleep(0.002)
        requests = worker.onlooker._step(1.0)
        assert requests
        return requests

    assert not asyncio.run(worker.onlooker._publish(asked(3)))
    latest = asked(4)
    assert not asyncio.run(worker.onlooker._publish(latest))
    assert worker.value("tocsin_onlooker_failures_total") == 2.0
    assert worker.onlooker._unasked == latest
    publisher.deaf = False
    assert asyncio.run(worker.onlooker._publish([]))
    assert worker.value("tocsin_label_requests_total", reason="random") == len(latest)
    assert asyncio.run(worker.onlooker._publish([]))
    assert worker.value("tocsin_label_requests_total", reason="random") == len(latest)


def test_no_rest_is_taken_for_what_the_brokers_were_waited_for(encoders: list[Encoder]) -> None:
    class Silent(Offline):
        async def partitions_of(self, topic: str) -> list[int]:
            await asyncio.sleep(0.05)
            raise KafkaConnectionError(topic)

    settings = settings_of()
    worker = Worker(encoders[0], settings, Silent(settings.kafka))

    async def run() -> None:
        worker.onlooker.start()
        await until(lambda: worker.value("tocsin_onlooker_failures_total") == 1.0)
        await worker.onlooker.stop()

    asyncio.run(run())
    assert worker.value("tocsin_onlooker_seconds_total") == 0.0


def test_drift_that_could_not_be_told_is_told_later(encoders: list[Encoder]) -> None:
    settings = settings_of()
    publisher = Offline(settings.kafka)
    publisher.deaf = True
    worker = Worker(encoders[0], settings, publisher)
    worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])
    untold = list(worker.onlooker._untold)
    assert untold
    with capture_logs() as logs:
        assert not asyncio.run(worker.onlooker._publish([]))
    topics = [model_events_topic(settings.topics), retrain_requests_topic(settings.topics)]
    assert [entry["topics"] for entry in logs if "was not taken" in entry["event"]] == [topics]
    assert worker.onlooker._untold == untold
    assert worker.value("tocsin_onlooker_failures_total") == 1.0
    publisher.deaf = False
    assert asyncio.run(worker.onlooker._publish([]))
    assert worker.onlooker._untold == []


def test_what_one_topic_took_is_not_told_again_for_the_sake_of_another(encoders: list[Encoder]) -> None:
    settings = settings_of()
    publisher = Offline(settings.kafka)
    events, runs = model_events_topic(settings.topics), retrain_requests_topic(settings.topics)
    publisher.refused = {events}
    worker = Worker(encoders[0], settings, publisher)
    worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])
    with capture_logs() as logs:
        for _ in range(3):
            assert not asyncio.run(worker.onlooker._publish([]))
    assert [output.topic for output in publisher.taken] == [runs]
    assert [entry["topics"] for entry in logs if "was not taken" in entry["event"]] == [[events]] * 3
    publisher.refused.clear()
    assert asyncio.run(worker.onlooker._publish([]))
    assert [output.topic for output in publisher.taken] == [runs, events]


def test_a_label_that_was_asked_is_not_asked_again_for_the_sake_of_another(encoders: list[Encoder]) -> None:
    settings = settings_of(labels=GENEROUS)
    publisher = Offline(settings.kafka)
    publisher.refused = {b"m-1"}
    worker = Worker(encoders[0], settings, publisher)
    requests = [label_request(Candidate(seen("x", id=f"m-{number}"), "", "random", 0.0), TIME) for number in (1, 2)]
    assert not asyncio.run(worker.onlooker._publish(requests))
    assert not asyncio.run(worker.onlooker._publish([]))
    assert [output.key for output in publisher.taken] == [b"m-2"]
    assert worker.value("tocsin_label_requests_total", reason="random") == 1.0
    publisher.refused.clear()
    assert asyncio.run(worker.onlooker._publish([]))
    assert [output.key for output in publisher.taken] == [b"m-2", b"m-1"]
    assert worker.value("tocsin_label_requests_total", reason="random") == 2.0
