"""``tocsin retrain`` and ``tocsin models why``, as far as they need no training."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support import toy_model
from support.commands import Tocsin
from support.retraining import BETTER, CHAMPION

from models.registry import Registry
from retrain.decisions import DecisionRecord, keep_decision
from retrain.gate import Check, decide
from retrain.lock import sole_run
from retrain.promotion import tell_event
from retrain.run_record import runs_folder
from streams.brokers.reading import read_all
from streams.contract.model_records import ModelEvent, ModelEventKind
from streams.contract.model_settings import RetrainSettings
from streams.contract.topics import retrain_requests_topic

if TYPE_CHECKING:
    from pathlib import Path

    from streams.brokers.tansu import TansuBroker
    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    return tansu_broker


@pytest.fixture
def settings(stream_settings: Settings, tmp_path: Path) -> Settings:
    model = stream_settings.model.model_copy(update={"registry": str(tmp_path / "registry")})
    rules = RetrainSettings(data_dir=tmp_path / "retrain", port=0, resamples=200)
    return stream_settings.model_copy(update={"model": model, "retrain": rules})


@pytest.fixture
def registry(settings: Settings, tmp_path: Path) -> Registry:
    """With a first version, and one that came of it."""
    registry = Registry(settings.model.registry)
    files = toy_model.write_files(tmp_path / "toy")
    facts = toy_model.facts()
    registry.register(files, "encoder", **facts)
    registry.register(files, "encoder", **facts | {"lineage": facts["lineage"] | {"parent": 1}})
    return registry


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings) -> Tocsin:
    return Tocsin(monkeypatch, capsys).under(settings)


def judge(settings: Settings, registry: Registry, *, better: bool) -> None:
    decision = decide(CHAMPION, BETTER if better else CHAMPION, settings.retrain)
    record = DecisionRecord(
        run="run-1",
        time=datetime(2026, 7, 1, 3, 30, tzinfo=UTC),
        champion=1,
        promote=decision.promote,
        reasons=decision.reasons,
        figures=decision.figures,
    )
    keep_decision(registry, "encoder", 2, record)


def tell(settings: Settings, kind: ModelEventKind, number: int, model: str = "encoder") -> None:
    event = ModelEvent(
        id=f"event-{number}",
        model=model,
        kind=kind,
        time=datetime(2026, 7, 1, 3, number, tzinfo=UTC),
        by="gate",
        version=number,
        reasons=[f"reason {number}"],
    )
    tell_event(settings, event)


def test_now_asks_on_the_topic(settings: Settings, tocsin: Tocsin) -> None:
    outcome = tocsin("retrain", "now", "--by", "ann", "--reason", "new slang", "--json")
    assert outcome.code == 0, outcome.err
    (record,) = read_all(settings, retrain_requests_topic(settings.topics))
    asked = json.loads(record.value)
    assert asked == outcome.json
    assert (asked["model"], asked["by"], asked["reason"]) == ("encoder", "ann", "new slang")
    assert record.key == b"encoder"


def test_now_asks_for_another_model_under_its_own_key(settings: Settings, tocsin: Tocsin) -> None:
    assert tocsin("retrain", "now", "--by", "ann", "--model", "ranker").code == 0
    (record,) = read_all(settings, retrain_requests_topic(settings.topics))
    assert record.key == b"ranker"
    assert json.loads(record.value)["model"] == "ranker"


def test_history_is_told_once_for_each_event_and_of_this_model_alone(settings: Settings, tocsin: Tocsin) -> None:
    tell(settings, "registered", 1)
    tell(settings, "rejected", 2)
    tell(settings, "rejected", 2)
    tell(settings, "promoted", 3, model="other")
    shown = tocsin("retrain", "history")
    assert shown.code == 0
    assert "reason 1" in shown.out
    assert "promoted" not in shown.out
    rows = [json.loads(line) for line in tocsin("retrain", "history", "--json").out.splitlines()]
    assert [row["version"] for row in rows] == [1, 2]
    rows = [json.loads(line) for line in tocsin("retrain", "history", "--kind", "rejected", "--json").out.splitlines()]
    assert [row["kind"] for row in rows] == ["rejected"]
    (row,) = [json.loads(line) for line in tocsin("retrain", "history", "--limit", "1", "--json").out.splitlines()]
    assert row["version"] == 2
    tell(settings, "rejected", 4, model="ranker")
    (row,) = [json.loads(line) for line in tocsin("retrain", "history", "--model", "ranker", "--json").out.splitlines()]
    assert row["version"] == 4


def test_no_history_and_no_such_kind_are_told(settings: Settings, tocsin: Tocsin) -> None:
    assert tocsin("retrain", "history").code == 3
    unknown = tocsin("retrain", "history", "--kind", "lost")
    assert unknown.code == 2
    assert "retrain_failed" in unknown.err


@pytest.mark.train
def test_a_run_without_a_champion_fails_and_says_what_to_do(tocsin: Tocsin) -> None:
    outcome = tocsin("retrain", "run", "--by", "ann", "--json")
    assert outcome.code == 1
    assert "tocsin models bootstrap" in json.dumps(outcome.json["reasons"])


@pytest.mark.train
def test_a_run_of_the_generator_without_a_champion_fails_and_says_what_to_do(tocsin: Tocsin) -> None:
    outcome = tocsin("retrain", "run", "--model", "generator", "--json")
    assert outcome.code == 1
    assert "tocsin generator bootstrap" in json.dumps(outcome.json["reasons"])


def test_a_run_of_a_model_that_nobody_trains_is_refused(tocsin: Tocsin) -> None:
    for command in ("run", "now", "history"):
        outcome = tocsin("retrain", command, "--model", "nobody")
        assert outcome.code == 2
        assert "encoder, generator, ranker" in outcome.err


@pytest.mark.train
def test_a_second_run_is_refused(settings: Settings, tocsin: Tocsin) -> None:
    with sole_run(runs_folder(settings)):
        outcome = tocsin("retrain", "run", "--by", "ann")
    assert outcome.code == 1
    assert "under way" in outcome.err


def test_why_tells_what_was_promoted(settings: Settings, registry: Registry, tocsin: Tocsin) -> None:
    judge(settings, registry, better=True)
    outcome = tocsin("models", "why", "2")
    assert outcome.code == 0, outcome.err
    assert "encoder:2 is better than version 1, as judged at 2026-07-01 03:30 UTC" in outcome.out
    assert "frozen: topic" in outcome.out
    assert "failed" not in outcome.out
    assert tocsin("models", "why", "2", "--json").json["promote"] is True


def test_why_tells_what_passed_for_want_of_messages(settings: Settings, registry: Registry, tocsin: Tocsin) -> None:
    note = "17 messages are too few to tell it from chance among 8 checks"
    behind = Check(passed=True, says="", champion=0.824, candidate=0.647, rows=17, low=-0.353, high=-0.059, note=note)
    without = {name: value for name, value in asdict(behind).items() if name != "note"}
    figures = {"frozen: sentiment": asdict(behind), "as told before there were notes": without}
    time = datetime(2026, 7, 1, 3, 30, tzinfo=UTC)
    record = DecisionRecord(run="run-1", time=time, champion=1, promote=True, reasons=["Because."], figures=figures)
    keep_decision(registry, "encoder", 2, record)
    outcome = tocsin("models", "why", "2")
    assert outcome.code == 0, outcome.err
    words = " ".join(outcome.out.replace("\u2502", " ").split())
    assert "passed: 17" in words
    assert "chance" in words
    assert words.count("passed") == 2


def test_why_tells_what_was_rejected(settings: Settings, registry: Registry, tocsin: Tocsin) -> None:
    judge(settings, registry, better=False)
    outcome = tocsin("models", "why", "2")
    assert "does not take the place of version 1" in outcome.out
    assert "not surely better" in outcome.out
    assert outcome.out.count("failed") == 1


def test_why_tells_what_was_never_judged(registry: Registry, tocsin: Tocsin) -> None:
    first, second, missing = (tocsin("models", "why", version) for version in ("1", "2", "9"))
    assert (first.code, second.code, missing.code) == (3, 3, 3)
    assert "bootstrap" in first.err
    assert "its run ended before" in second.err
