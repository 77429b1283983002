"""The rights that docs/topics.md lists are enough for each process, on a broker that denies everything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support import versions
from support.commands import Tocsin
from support.desk import make_view
from support.guarded_broker import GuardedKafkaBroker
from support.messages import consume_all, produce
from support.processes import run_tocsin, settings_env, wait_for
from support.streams import Worker, worker

from models import promoting
from models.promoting import Story
from models.registry import Registry
from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.writing import Writer
from streams.contract.access import Component, components, rights
from streams.contract.alerts import Watch
from streams.contract.records import encode
from streams.contract.replies import Document
from streams.contract.topics import all_topics, documents_topic, output_topic
from streams.desk.live import Live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.kafka, pytest.mark.timeout(240)]

SOON = 60.0
NAMES = ("worker", "connector", "retraining", "desk", "operator", "feed", "exporter", "admin", "nobody")


@pytest.fixture(scope="module")
def guarded(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafkaBroker]:
    with GuardedKafkaBroker(tmp_path_factory.mktemp("guarded"), jars=kafka_jars, users=NAMES) as broker:
        yield broker


@pytest.fixture
def broker(guarded: GuardedKafkaBroker) -> GuardedKafkaBroker:
    """In the place of those that the settings are usually made for."""
    return guarded


@pytest.fixture
def settings(unmade_settings: Settings, tmp_path: Path) -> Settings:
    """Everything on, with a toy version; over the open listener."""
    registry = Registry(str(tmp_path / "registry"))
    promoting.promote(registry, versions.NAME, versions.add(registry), Story(by="a test"))
    on = unmade_settings
    return on.model_copy(
        update={
            "model": on.model.model_copy(update={"registry": registry.url, "cache": tmp_path / "cache"}),
            "replies": on.replies.model_copy(update={"enabled": True, "webhook_url": "http://127.0.0.1:9/none"}),
            "briefs": on.briefs.model_copy(update={"enabled": True}),
            "recommend": on.recommend.model_copy(
                update={"enabled": True, "debounce_seconds": 0.2, "checkpoint_seconds": 0.5}
            ),
            "surge": on.surge.model_copy(update={"checkpoint_seconds": 0.5}),
            "labels": on.labels.model_copy(update={"requests_per_hour": 3600}),
        }
    )


@pytest.fixture
def made(settings: Settings) -> Settings:
    with admin_client(settings.kafka) as admin:
        create_topics(admin, all_topics(settings))
    return settings


def component(settings: Settings, name: str) -> Component:
    return next(one for one in components(settings) if one.name == name)


def signed_in(settings: Settings, broker: GuardedKafkaBroker, name: str) -> Settings:
    """The settings of a process with the rights of its component, and no others."""
    broker.allow(name, rights(component(settings, name)))
    return settings.model_copy(update={"kafka": broker.as_user(name, settings.kafka)})


def test_topics_are_made_with_the_rights_of_the_admin(
    settings: Settings, guarded: GuardedKafkaBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tocsin = Tocsin(monkeypatch, capsys).under(signed_in(settings, guarded, "admin"))
    assert tocsin("topics", "create").code == 0
    assert tocsin("topics", "describe").code == 0
    assert guarded.denials("admin") == []


def test_the_worker_does_all_its_work_with_its_rights(made: Settings, guarded: GuardedKafkaBroker) -> None:
    news, _, customer = made.topics.inputs
    now = datetime.now(UTC)
    asked = json.dumps({"id": "c", "text": "why is it broken", "conversation": "c", "user": "u"}).encode()
    item = json.dumps({"id": "i", "text": "acme profit wins", "time": now.isoformat()}).encode()
    seen = json.dumps({"user": "u", "item": "i", "action": "click", "time": now.isoformat()}).encode()
    with worker(signed_in(made, guarded, "worker")) as running:
        running.wait_until_ready()
        document = Document(id="d", text="Try again.", question="why is it broken?", time=now)
        produce(made, documents_topic(made.topics), [(b"d", encode(document), [])])
        produce(made, made.recommend.items_topic, [(b"i", item, [])])
        wait_for(lambda: running.metric("tocsin_items_live") == 1, SOON, what="for the item")
        produce(made, news, [(b"n", b'{"id": "n", "text": "acme profit wins"}', []), (b"x", b"no message", [])])
        produce(made, customer, [(b"c", asked, [])])
        produce(made, made.recommend.behaviors_topic, [(b"u", seen, [])])
        for topic in (
            *("predictions", "dead-letters", "signals", "surge-state", "label-requests", "turns", "conversations"),
            *("replies", "item-vectors", "reader-events", "interests", "recommendations"),
        ):
            consume_all(made, output_topic(made.topics, topic), 1, SOON)
        assert running.process.running
        assert running.process.terminate() == 0
    assert guarded.denials("worker") == []


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("connector", ["replies", "connector"]),
        ("exporter", ["exporter"]),
        ("retraining", ["retrain", "schedule"]),
    ],
)
def test_a_process_is_ready_with_its_rights(
    made: Settings, guarded: GuardedKafkaBroker, name: str, command: list[str]
) -> None:
    settings = signed_in(made, guarded, name)
    ports = {
        "exporter": settings.exporter.model_copy(update={"port": 0}),
        "retrain": settings.retrain.model_copy(update={"port": 0}),
    }
    with run_tocsin(command, settings_env(settings.model_copy(update=ports))) as process:
        Worker(process).wait_until_ready()
    assert guarded.denials(name) == []


def test_the_desk_follows_and_writes_with_its_rights(made: Settings, guarded: GuardedKafkaBroker) -> None:
    settings = signed_in(made, guarded, "desk")
    with Live(settings, make_view, {}) as live, Writer(settings.kafka) as writer:
        live.wait_until_loaded(SOON)
        for topic in component(settings, "desk").writes:
            writer.put(topic, b"key", Watch(subject="topic/x", added=datetime.now(UTC), by="a test"))
    assert guarded.denials("desk") == []


def test_without_rights_nothing_is_done_and_it_is_told(
    made: Settings, guarded: GuardedKafkaBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that the tests above can fail at all."""
    nobody = made.model_copy(update={"kafka": guarded.as_user("nobody", made.kafka)})
    outcome = Tocsin(monkeypatch, capsys).under(nobody)("topics", "create")
    assert outcome.code == 1
    assert guarded.denials("nobody") != []
