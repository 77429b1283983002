"""A training run while brokers or registry are away: nothing is lost, and it is told once they are back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.judged import judged
from support.retraining import (
    REQUEST,
    TOY,
    ToyWork,
    assert_champion_stays,
    settle_run,
    toy_job,
)

from models.promoting import Story, promote
from models.registry import Registry
from retrain.decisions import decision_of
from retrain.run_record import read_record, runs_folder
from streams.brokers.errors import BrokerRefusesError, BrokerUnreachableError, TopicError

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.settings import Settings


def test_an_outcome_that_the_brokers_do_not_take_is_told_with_the_next_run(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    work = ToyWork(tmp_path / TOY)
    job, messenger = toy_job(settings, work, tmp_path)

    def go_away() -> None:
        messenger.away = True
        raise ValueError("odd label")

    work.before["finetune"] = go_away
    record = job.run(REQUEST)
    assert (record.outcome, record.ended) == ("failed", None)
    assert messenger.kinds == ["retrain_started"]
    with pytest.raises(BrokerUnreachableError):
        settle_run(settings, messenger)
    messenger.away = False
    settle_run(settings, messenger)
    settle_run(settings, messenger)
    assert messenger.kinds == ["retrain_started", "retrain_failed"]
    assert "odd label" in messenger.events[-1].reasons[0]


def impatient(settings: Settings) -> Settings:
    """Settings under which a promotion is tried once."""
    return settings.model_copy(update={"retrain": settings.retrain.model_copy(update={"misfire_grace_seconds": 1e-6})})


def test_brokers_that_are_away_during_a_run_cost_it_nothing(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    messenger.away = True

    def come_back() -> None:
        assert read_record(runs_folder(settings)) is not None
        messenger.away = False

    job._work.before["judge"] = come_back  # type: ignore[attr-defined]
    assert job.run(REQUEST).outcome == "promoted"
    assert messenger.kinds == ["promoted"]


@pytest.mark.parametrize("error", [TopicError("they tell nothing"), BrokerUnreachableError("no"), OSError("no space")])
def test_a_candidate_that_passed_waits_for_brokers_and_registry(
    settings: Settings, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("retrain.patience._PAUSE_SECONDS", 0.0)
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    move, errors = messenger.promote, iter([error, error])

    def promote_later(*arguments: Any) -> None:  # noqa: ANN401  those of the real one
        if (problem := next(errors, None)) is not None:
            raise problem
        move(*arguments)

    monkeypatch.setattr(messenger, "promote", promote_later)
    assert job.run(REQUEST).outcome == "promoted"
    assert registry.aliases("encoder") == {"champion": 2, "previous": 1}


@pytest.mark.parametrize("method", ["register", "fetch", "add_note"])
def test_a_candidate_waits_for_the_registry_on_its_way_to_the_gate(
    settings: Settings, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr("retrain.patience._PAUSE_SECONDS", 0.0)
    work = ToyWork(tmp_path / TOY)
    job, messenger = toy_job(settings, work, tmp_path)
    act, trained, failures = getattr(Registry, method), [], []
    work.before["export"] = lambda: trained.append(True)

    def act_later(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  those of the real one
        # Once it has been trained: before, a run that fails has cost nothing.
        if trained and len(failures) < 2:
            failures.append(method)
            raise ConnectionResetError("the registry restarts")
        return act(*arguments, **named)

    monkeypatch.setattr(Registry, method, act_later)
    assert job.run(REQUEST).outcome == "promoted"
    assert failures == [method] * 2
    assert messenger.kinds == ["retrain_started", "registered", "promoted"]
    assert registry.aliases("encoder") == {"champion": 2, "previous": 1}


def test_a_decision_whose_answer_was_lost_is_kept_once(
    settings: Settings, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain.patience._PAUSE_SECONDS", 0.0)
    job, _ = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    add, answers = Registry.add_note, iter([TimeoutError("no answer")])

    def lose_the_answer(*arguments: Any) -> None:  # noqa: ANN401  those of the real one
        add(*arguments)
        if (problem := next(answers, None)) is not None:
            raise problem

    monkeypatch.setattr(Registry, "add_note", lose_the_answer)
    record = job.run(REQUEST)
    assert record.outcome == "promoted"
    kept = decision_of(registry, "encoder", 2)
    assert kept is not None
    assert kept.run == record.id


@pytest.mark.parametrize("error", [TopicError("they tell nothing"), BrokerRefusesError("no such user")])
def test_a_candidate_that_cannot_come_to_serve_is_told_to_have_passed(
    settings: Settings, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    # One who is refused need not wait.
    given = settings if isinstance(error, BrokerRefusesError) else impatient(settings)
    job, messenger = toy_job(given, ToyWork(tmp_path / TOY), tmp_path)
    monkeypatch.setattr("retrain.patience._PAUSE_SECONDS", 0.0)
    move, errors = messenger.promote, iter([error])

    def promote_once_more(*arguments: Any) -> None:  # noqa: ANN401  those of the real one
        if (problem := next(errors, None)) is not None:
            raise problem
        move(*arguments)

    monkeypatch.setattr(messenger, "promote", promote_once_more)
    record = job.run(REQUEST)
    assert (record.outcome, record.version) == ("failed", 2)
    assert_champion_stays(
        registry, messenger, f"version 2 passed the gate, and is kept, but could not come to serve: {error}"
    )


def test_a_registry_that_moved_and_did_not_answer_is_no_conflict(
    settings: Settings, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain.patience._PAUSE_SECONDS", 0.0)
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)

    def lose_the_answer(version: int, expected: int, *_: object) -> None:
        promote(registry, "encoder", version, Story(by="gate"), expected=expected)
        raise TimeoutError("no answer")

    messenger.promote = lose_the_answer  # type: ignore[method-assign]
    assert job.run(REQUEST).outcome == "promoted"
    assert messenger.kinds[-1] == "promoted"
    assert registry.aliases("encoder") == {"champion": 2, "previous": 1}


def test_a_registry_that_does_not_tell_whether_it_moved_leaves_the_outcome_open(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    job, messenger = toy_job(impatient(settings), ToyWork(tmp_path / TOY), tmp_path)
    state = messenger.registry.state

    def be_away(*_: object) -> None:
        raise OSError("the registry is away")

    def go_away(*_: object) -> None:
        messenger.registry.state = be_away  # type: ignore[method-assign, assignment]
        be_away()

    messenger.promote = go_away  # type: ignore[method-assign]
    with pytest.raises(OSError, match="away"):
        job.run(REQUEST)
    with pytest.raises(OSError, match="away"):
        settle_run(settings, messenger)
    messenger.registry.state = state  # type: ignore[method-assign]
    settled = settle_run(settings, messenger)
    assert (settled.outcome, settled.killed) == ("failed", False)
    assert_champion_stays(registry, messenger, "could not come to serve: the registry is away")


def test_an_outcome_is_kept_where_the_registry_goes_away_before_it_is_told(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    work = ToyWork(tmp_path / TOY, candidate=judged(0.8, 0.8, recent=0.6))
    job, messenger = toy_job(settings, work, tmp_path)
    state = messenger.registry.state

    def be_away(*_: object) -> None:
        raise OSError("the registry is away")

    def go_away() -> None:
        messenger.registry.state = be_away  # type: ignore[method-assign, assignment]

    work.before["judge"] = go_away
    record = job.run(REQUEST)
    assert (record.outcome, record.ended) == ("rejected", None)
    messenger.registry.state = state  # type: ignore[method-assign]
    assert settle_run(settings, messenger).ended is not None
    assert messenger.kinds == ["retrain_started", "registered", "rejected"]
