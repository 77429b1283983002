"""The schedule learns a ranker of what readers did, and a worker that runs takes it up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support import readership, versions
from support.processes import run_tocsin, settings_env, wait_for
from support.readers import send_items_and_behaviors
from support.streams import worker

from models import promoting
from models.items.ranker import NAME, write_ranker
from models.promoting import Story
from models.registry import Registry
from retrain import promotion
from retrain.learner import named
from streams.brokers.reading import read_all
from streams.cli.ranker_steps import ensure_default
from streams.contract.model_settings import RetrainSettings
from streams.contract.settings import SurgeSettings
from streams.contract.topics import model_events_topic
from streams.logic.recommend.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from streams.brokers.tansu import TansuBroker
    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SOON = 90.0


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    return tansu_broker


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """With a toy encoder that serves."""
    registry = Registry(str(tmp_path / "registry"))
    promoting.promote(registry, versions.NAME, versions.add(registry), Story(by="a test"))
    return registry


@pytest.fixture
def settings(stream_settings: Settings, registry: Registry, tmp_path: Path) -> Settings:
    model = {"registry": registry.url, "cache": tmp_path / "cache"}
    return stream_settings.model_copy(
        update={
            "model": stream_settings.model.model_copy(update=model),
            # By new behaviors alone, so that nobody has to ask.
            "recommend": stream_settings.recommend.model_copy(update={"enabled": True, "min_new_behaviors": 1000}),
            "retrain": RetrainSettings(data_dir=tmp_path / "retrain", port=0, cron=""),
            "surge": SurgeSettings(enabled=False),
        }
    )


def told(settings: Settings) -> dict[str, dict[str, object]]:
    events = [json.loads(record.value) for record in read_all(settings, model_events_topic(settings.topics))]
    return {event["kind"]: event for event in events if event["model"] == NAME}


def test_new_behaviors_make_the_schedule_learn_a_ranker_that_is_judged_and_serves(
    settings: Settings, registry: Registry
) -> None:
    send_items_and_behaviors(settings, 230)
    with run_tocsin(["retrain", "schedule"], settings_env(settings)):
        wait_for(lambda: told(settings).keys() & {"promoted", "rejected", "retrain_failed"}, SOON, every=0.5)
    events = told(settings)
    assert set(events) == {"retrain_started", "registered", "promoted"}
    assert "behaviors are new" in str(events["retrain_started"]["reasons"])
    assert "later behaviors it is better" in str(events["promoted"]["reasons"])
    assert registry.state(NAME).aliases.champion == events["promoted"]["version"] == 2


def test_a_worker_takes_up_another_ranker_without_a_restart(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    own = named(settings, NAME)
    ensure_default(registry)
    with worker(settings) as running:
        running.wait_until_ready(28)
        readership.send_items(settings, readership.items(2))
        wait_for(lambda: running.metric("tocsin_items_live") == 6, SOON)
        wait_for(lambda: running.metric('tocsin_ranker_info{ranker="ranker:1"}') == 1, SOON)
        assert readership.ask(settings, "ada", "request 1").ranker == "ranker:1"
        files = tmp_path / "second"
        files.mkdir()
        write_ranker(files, DEFAULT_WEIGHTS, None)
        second = registry.register(
            files, NAME, precision="fp32", max_tokens=1, width=8, metrics={}, lineage={}, kind="ranker"
        )
        promotion.promote(own, registry, second, "a test", "to be seen")
        wait_for(lambda: running.metric('tocsin_ranker_info{ranker="ranker:2"}') == 1, SOON, every=0.5)
        assert readership.ask(settings, "ada", "request 2").ranker == "ranker:2"
