"""Real workers change their model while the stream runs: nothing is lost or doubled, and what is bad goes back."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest
from support import versions
from support.messages import consume_all
from support.processes import wait_for
from support.streams import Feed, Ledger, read_predictions, worker

from models import promoting
from models.promoting import Story
from models.registry import Registry
from retrain import promotion
from streams.contract.model_records import ModelEvent, ModelPointer
from streams.contract.model_settings import SwapSettings
from streams.contract.settings import SurgeSettings
from streams.contract.topics import dead_letters_topic, model_events_topic, model_pointers_topic, predictions_topic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kafka.consumer.fetcher import ConsumerRecord
    from support.streams import Worker

    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

only_tansu = pytest.mark.parametrize(
    "broker", [pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu")], indirect=True
)

PARTITIONS = 12
SOON = 60.0


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry with a first version that serves."""
    registry = Registry(str(tmp_path / "registry"))
    promoting.promote(registry, versions.NAME, versions.add(registry), Story(by="a test"))
    return registry


@pytest.fixture
def settings(stream_settings: Settings, registry: Registry) -> Settings:
    return stream_settings.model_copy(
        update={
            "model": stream_settings.model.model_copy(update={"registry": registry.url}),
            # No test here is about slowness, and on a busy machine any version may seem slow while it is watched.
            "swap": SwapSettings(stagger_seconds=0.5, watch_seconds=20.0, shadow_messages=30, max_slowdown=1000.0),
            "surge": SurgeSettings(enabled=False),
        }
    )


def news(settings: Settings) -> str:
    return next(topic for topic, kind in settings.topics.inputs.items() if kind == "news")


def profit(number: int) -> tuple[bytes, bytes]:
    return str(number).encode(), json.dumps({"id": str(number), "text": "acme profit wins"}).encode()


def promote(settings: Settings, registry: Registry, version: int) -> ModelPointer:
    return promotion.promote(settings, registry, version, "a test", "to be seen")


def served_by(running: Worker) -> int | None:
    """Version that a worker shows."""
    _, text = running.get("/metrics")
    shown = [line for line in text.splitlines() if line.startswith("tocsin_model_info{")]
    return int(shown[0].split('version="')[1].split('"')[0]) if shown else None


def wait_until_served(version: int, *workers: Worker) -> None:
    wait_for(
        lambda: all(served_by(running) == version for running in workers),
        SOON,
        every=0.1,
        what=f"for {version} to serve",
    )


def events(settings: Settings, kind: str, count: int) -> list[ModelEvent]:
    def those(records: Sequence[ConsumerRecord]) -> list[ModelEvent]:
        decoded = (msgspec.json.decode(record.value, type=ModelEvent) for record in records)
        return [event for event in decoded if event.kind == kind]

    topic = model_events_topic(settings.topics)
    return those(consume_all(settings, topic, lambda records: len(those(records)) >= count, SOON))


def test_two_workers_swap_and_nothing_is_lost_or_doubled(settings: Settings, registry: Registry) -> None:
    renamed, grown = versions.add(registry, versions.RENAMED), versions.add(registry, versions.GROWN)
    with worker(settings) as one, worker(settings) as other:
        for running in (one, other):
            running.wait_until_ready(PARTITIONS // 2)
        with Feed(settings, news(settings), per_second=60, make=profit) as feed:
            wait_for(lambda: len(feed.acknowledged) > 60, what="for the feed")
            for version in (renamed, grown):
                promote(settings, registry, version)
                wait_until_served(version, one, other)
                after = len(feed.acknowledged)
                wait_for(lambda: len(feed.acknowledged) > after + 60, what="for answers of the version")  # noqa: B023
            promotion.rollback(settings, registry, "a test", "to be seen")
            wait_until_served(renamed, one, other)
        inputs = list(feed.acknowledged)
        records = read_predictions(settings, len(inputs))
        assert one.process.terminate() == 0, one.process.stderr
        assert other.process.terminate() == 0, other.process.stderr
    ledger = Ledger(records)
    ledger.assert_complete(inputs)
    assert ledger.repeated == 0
    answers = Counter((body["model"], *body["topics"]) for body in (json.loads(record.value) for record in records))
    assert set(answers) == {("encoder:1", "earnings"), ("encoder:2", "results"), ("encoder:3", "earnings")}
    rumours = {
        "rumours" in json.loads(record.value)["topic_scores"] for record in records if b"encoder:3" in record.value
    }
    assert rumours == {True}
    swapped = events(settings, "swapped", 6)
    assert Counter(event.version for event in swapped) == {1 + 1: 4, grown: 2}
    assert len({event.by for event in swapped}) == 2


def test_what_a_new_version_cannot_read_is_answered_and_the_old_one_comes_back(
    settings: Settings, registry: Registry
) -> None:
    bad = versions.add(registry, versions.RENAMED, stumbles_over="~")
    # Not before the new version has answered: one that fails at once is another case, and comes back as fast.
    stumbling = threading.Event()

    def now_and_then(number: int) -> tuple[bytes, bytes]:
        text = "acme profit ~" if stumbling.is_set() and number % 5 == 0 else "acme profit wins"
        return str(number).encode(), json.dumps({"id": str(number), "text": text}).encode()

    with worker(settings) as running:
        running.wait_until_ready(PARTITIONS)
        with Feed(settings, news(settings), per_second=40, make=now_and_then) as feed:
            wait_for(lambda: len(feed.acknowledged) > 20, what="for the feed")
            promote(settings, registry, bad)
            consume_all(
                settings,
                predictions_topic(settings.topics),
                lambda records: any(json.loads(record.value)["model"] == "encoder:2" for record in records),
                SOON,
            )
            stumbling.set()
            (failed,) = events(settings, "swap_failed", 1)
            wait_until_served(1, running)
            assert running.metric('tocsin_model_swaps_total{outcome="swapped"}') == 1
            assert running.metric('tocsin_model_swaps_total{outcome="rolled_back"}') == 1
        records = read_predictions(settings, len(feed.acknowledged))
    Ledger(records).assert_complete(list(feed.acknowledged))
    assert consume_all(settings, dead_letters_topic(settings.topics), 0) == []
    assert any(json.loads(record.value)["model"] == "encoder:2" for record in records)
    assert failed.version == bad
    assert "could not be read by it" in failed.reasons[0]
    assert registry.state(versions.NAME).aliases.champion == 1
    (back,) = events(settings, "rolled_back", 1)
    assert (back.version, back.previous, back.by) == (1, bad, failed.by)


@only_tansu
def test_a_version_that_reads_nothing_is_left_at_once(settings: Settings, registry: Registry) -> None:
    bad = versions.add(registry, stumbles_over="~")

    def always(number: int) -> tuple[bytes, bytes]:
        return str(number).encode(), json.dumps({"id": str(number), "text": "acme profit ~"}).encode()

    with worker(settings) as running:
        running.wait_until_ready(PARTITIONS)
        with Feed(settings, news(settings), per_second=40, make=always) as feed:
            wait_for(lambda: len(feed.acknowledged) > 20, what="for the feed")
            promote(settings, registry, bad)
            (failed,) = events(settings, "swap_failed", 1)
            after = len(feed.acknowledged)
            wait_for(lambda: len(feed.acknowledged) > after + 20, what="for messages after it")
        inputs = list(feed.acknowledged)
        records = read_predictions(settings, len(inputs))
        assert served_by(running) == 1
        assert running.process.terminate() == 0, running.process.stderr
    Ledger(records).assert_complete(inputs)
    assert {json.loads(record.value)["model"] for record in records} == {"encoder:1"}
    assert "answers nothing any more" in failed.reasons[0]
    assert registry.state(versions.NAME).aliases.champion == 1


@only_tansu
def test_a_corrupt_version_is_refused_by_name_and_taken_back(settings: Settings, registry: Registry) -> None:
    bad = versions.add(registry, versions.RENAMED)
    with worker(settings) as running:
        running.wait_until_ready(PARTITIONS)
        path = f"{registry.url}/{versions.NAME}/{bad}/model.onnx"
        with open(path, "r+b") as file:  # noqa: PTH123  in the midst of the file
            file.seek(500)
            file.write(b"\0\1\2\3")
        promote(settings, registry, bad)
        (failed,) = events(settings, "swap_failed", 1)
        (back,) = events(settings, "rolled_back", 1)
        assert served_by(running) == 1
        assert running.metric('tocsin_model_swaps_total{outcome="refused"}') == 1
    assert "model.onnx is corrupt" in failed.reasons[0]
    assert (back.version, back.previous) == (1, bad)
    assert registry.state(versions.NAME).aliases.champion == 1


@only_tansu
def test_a_worker_that_was_down_starts_with_the_champion_and_tells_what_nobody_told(
    settings: Settings, registry: Registry
) -> None:
    version = versions.add(registry, versions.RENAMED)
    # Whoever promotes dies between the registry and the topic.
    move = promoting.promote(registry, versions.NAME, version, Story(by="a job", reason="killed"))
    with worker(settings) as running:
        running.wait_until_ready(PARTITIONS)
        assert served_by(running) == version
        (record,) = consume_all(settings, model_pointers_topic(settings.topics), 1, SOON)
    assert msgspec.json.decode(record.value, type=ModelPointer) == move.pointer


@only_tansu
@pytest.mark.parametrize(("labels", "is_let_in"), [(versions.GROWN, True), (versions.RENAMED, False)])
def test_a_challenger_reads_along_and_is_judged_by_the_worker(
    settings: Settings, registry: Registry, labels: msgspec.Struct, is_let_in: bool
) -> None:
    challenger = versions.add(registry, labels)
    shadowing = settings.model_copy(update={"swap": settings.swap.model_copy(update={"shadow": True})})
    with worker(shadowing) as running:
        running.wait_until_ready(PARTITIONS)
        with Feed(settings, news(settings), per_second=60, make=profit) as feed:
            wait_for(lambda: len(feed.acknowledged) > 20, what="for the feed")
            promotion.challenge(settings, registry, challenger, "the gate", "better on labels")
            (event,) = events(settings, "promoted" if is_let_in else "rejected", 1)
            wait_until_served(challenger if is_let_in else 1, running)
        records = read_predictions(settings, len(feed.acknowledged))
    Ledger(records).assert_complete(list(feed.acknowledged))
    assert event.version == challenger
    assert event.metrics["shadow_agreement"] == (1.0 if is_let_in else 0.0)
    assert registry.state(versions.NAME).aliases.challenger is None
