"""``tocsin ranker learn``: from what is on the topics to a version in the registry, judged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.commands import Tocsin
from support.readers import send_items_and_behaviors

from models.items.ranker import load_ranker
from models.registry import Registry
from streams.brokers.reading import read_all
from streams.contract.model_settings import RetrainSettings
from streams.contract.topics import model_events_topic
from streams.logic.recommend.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.settings import Settings

pytestmark = pytest.mark.parametrize(
    "broker", [pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu")], indirect=True
)


@pytest.fixture
def settings(stream_settings: Settings, tmp_path: Path) -> Settings:
    model = stream_settings.model.model_copy(
        update={"registry": str(tmp_path / "registry"), "cache": tmp_path / "cache"}
    )
    return stream_settings.model_copy(
        update={"model": model, "retrain": RetrainSettings(data_dir=tmp_path / "retrain", port=0)}
    )


@pytest.fixture
def tocsin(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    return Tocsin(monkeypatch, capsys).under(settings)


def told(settings: Settings) -> list[tuple[str, int | None]]:
    events = [json.loads(record.value) for record in read_all(settings, model_events_topic(settings.topics))]
    return [(event["kind"], event.get("version")) for event in events if event["model"] == "ranker"]


def test_a_ranker_is_learned_judged_told_and_rolled_back(tocsin: Tocsin, settings: Settings) -> None:
    send_items_and_behaviors(settings, 230)
    learned = tocsin("ranker", "learn", "--json")
    assert learned.code == 0, learned.err
    said = json.loads(learned.out)
    # The first version is what serves without any: the default weights.
    assert said["version"] == 2
    assert said["questions"] > 0
    assert said["promoted"], said
    assert said["candidate"] > said["current"]
    registry = Registry(settings.model.registry)
    aliases = registry.state("ranker").aliases
    assert (aliases.champion, aliases.previous) == (2, 1)
    kept = load_ranker(registry, "champion", settings.model.cache)
    assert kept is not None
    assert kept.version == "ranker:2"
    default = load_ranker(registry, "1", settings.model.cache)
    assert default is not None
    assert default.weights == DEFAULT_WEIGHTS
    assert told(settings) == [("retrain_started", None), ("registered", 2), ("promoted", 2)]
    why = tocsin("models", "why", "2", "--model", "ranker")
    assert "ranker:2 is better than version 1" in why.out
    # Nothing came since: there is nothing to judge another one by, and that is no failure of the run.
    again = tocsin("retrain", "run", "--model", "ranker", "--json")
    assert again.code == 0, again.err
    assert again.json["outcome"] == "rejected"
    assert "since the ranker that serves was learned" in again.json["reasons"][0]
    assert tocsin("ranker", "rollback", "--by", "ann").code == 0
    assert registry.state("ranker").aliases.champion == 1
    assert told(settings)[-1] == ("rolled_back", 1)


def test_too_few_behaviors_are_told(tocsin: Tocsin, settings: Settings) -> None:
    send_items_and_behaviors(settings, 1)
    learned = tocsin("ranker", "learn")
    assert learned.code == 1
    assert "wait for more" in learned.err
    assert told(settings)[-1] == ("rejected", None)


def test_without_items_it_says_how_to_send_some(tocsin: Tocsin) -> None:
    learned = tocsin("ranker", "learn")
    assert learned.code == 1
    assert "tocsin feed items.jsonl --to items" in learned.err
