"""What a training run decides, end to end: promoted, rejected, challenged, or yielding to who decided meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import toy_model
from support.judged import judged
from support.retraining import (
    REQUEST,
    TOY,
    ToyWork,
    fail,
    toy_job,
)

from models.promoting import Story, pin, promote
from retrain.decisions import decision_of
from retrain.lock import BusyError, sole_run
from retrain.run_record import read_record, runs_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.registry import Registry
    from streams.contract.settings import Settings


def test_promotes_a_better_candidate(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    record = job.run(REQUEST)
    assert (record.outcome, record.champion, record.version) == ("promoted", 1, 2)
    assert registry.aliases("encoder") == {"champion": 2, "previous": 1}
    assert messenger.kinds == ["retrain_started", "registered", "promoted"]
    assert {event.request for event in messenger.events} == {REQUEST.id}
    assert read_record(runs_folder(settings)) == record
    assert record.ended is not None


def test_keeps_lineage_and_decision(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    record = job.run(REQUEST)
    lineage = registry.manifest("encoder", 2).lineage
    assert (lineage["parent"], lineage["run"], lineage["label_offsets"]) == (1, record.id, {"0": 7})
    assert lineage["settings"]["seed"] == settings.retrain.seed
    assert len(lineage["data_sha256"]) == 64
    decision = decision_of(registry, "encoder", 2)
    assert decision is not None
    assert decision.promote
    assert decision.champion == 1
    assert messenger.events[-1].reasons == decision.reasons
    assert decision_of(registry, "encoder", 1) is None


def test_rejects_a_candidate_that_is_no_better(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY, candidate=judged(0.8, 0.8, recent=0.6)), tmp_path)
    assert job.run(REQUEST).outcome == "rejected"
    assert registry.aliases("encoder") == {"champion": 1}
    assert messenger.kinds == ["retrain_started", "registered", "rejected"]
    assert "not surely better" in messenger.events[-1].reasons[0]
    assert messenger.events[-1].version == 2


def test_labels_that_are_all_wrong_change_nothing(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY, candidate=judged(0.3, 0.33, recent=0.3)), tmp_path)
    job.run(REQUEST)
    assert registry.aliases("encoder") == {"champion": 1}
    assert messenger.kinds[-1] == "rejected"
    assert any("worse at topic" in reason for reason in messenger.events[-1].reasons)


def test_challenges_where_a_shadow_run_is_asked_for(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    shadowed = settings.model_copy(update={"swap": settings.swap.model_copy(update={"shadow": True})})
    job, messenger = toy_job(shadowed, ToyWork(tmp_path / TOY), tmp_path)
    assert job.run(REQUEST).outcome == "challenging"
    assert registry.aliases("encoder") == {"champion": 1, "challenger": 2}
    assert messenger.kinds[-1] == "challenged"


def test_trains_nothing_while_the_champion_is_pinned(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    pin(registry, "encoder", None, Story(by="bob", reason="audit"))
    work = ToyWork(tmp_path / TOY, before={"data": fail(AssertionError("it trains"))})
    job, messenger = toy_job(settings, work, tmp_path)
    assert job.run(REQUEST).outcome == "rejected"
    assert "pinned by bob" in messenger.events[-1].reasons[0]


def test_a_pin_set_meanwhile_holds(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    work = ToyWork(tmp_path / TOY, before={"judge": lambda: pin(registry, "encoder", None, Story(by="bob")) and None})
    job, messenger = toy_job(settings, work, tmp_path)
    assert job.run(REQUEST).outcome == "rejected"
    assert registry.aliases("encoder") == {"champion": 1}
    assert "pinned by bob" in messenger.events[-1].reasons[0]


def test_yields_to_a_promotion_made_meanwhile(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    work = ToyWork(tmp_path / TOY, before={"judge": lambda: promote(registry, "encoder", 2, Story(by="ann")) and None})
    job, messenger = toy_job(settings, work, tmp_path)
    assert job.run(REQUEST).outcome == "rejected"
    assert "no longer 1" in messenger.events[-1].reasons[0]


@pytest.mark.parametrize("act", [promote, pin])
def test_the_shadow_is_that_of_the_champion_that_it_was_judged_by(
    settings: Settings, registry: Registry, tmp_path: Path, act: Callable[..., object]
) -> None:
    # While the run goes on somebody lets another version serve, or pins the one that serves.
    other = registry.register(tmp_path / TOY, "encoder", **toy_model.facts())
    story = Story(by="ann")
    work = ToyWork(tmp_path / TOY, before={"judge": lambda: act(registry, "encoder", other, story)})
    shadowed = settings.model_copy(update={"swap": settings.swap.model_copy(update={"shadow": True})})
    job, messenger = toy_job(shadowed, work, tmp_path)
    record = job.run(REQUEST)
    assert record.outcome == "rejected"
    assert messenger.kinds[-1] == "rejected"
    assert registry.aliases("encoder") == {"champion": other, "previous": 1}


def test_a_rejection_carries_what_the_candidate_was_made_from(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY, candidate=judged(0.8, 0.8, recent=0.6)), tmp_path)
    record = job.run(REQUEST)
    assert (record.outcome, record.version) == ("rejected", 2)
    event = messenger.events[-1]
    assert event.kind == "rejected"
    assert event.lineage == registry.manifest("encoder", 2).lineage
    assert event.metrics


def test_keeps_how_far_it_has_read(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    job, _ = toy_job(settings, ToyWork(tmp_path / TOY, before={"finetune": fail(ValueError("no"))}), tmp_path)
    assert job.run(REQUEST).offsets == {0: 7}
    record = read_record(runs_folder(settings))
    assert record is not None
    assert record.offsets == {0: 7}


def test_one_run_at_a_time(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    with sole_run(runs_folder(settings)), pytest.raises(BusyError, match="under way"):
        job.run(REQUEST)
    assert messenger.events == []
    assert job.run(REQUEST).outcome == "promoted"


def test_without_a_champion_it_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    assert job.run(REQUEST).outcome == "failed"
    assert "tocsin models bootstrap" in messenger.events[-1].reasons[0]
