"""A training run killed at each of its steps: the champion serves on, and who comes next settles what became of it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.retraining import (
    REQUEST,
    TOY,
    ToyWork,
    assert_champion_stays,
    fail,
    in_a_process,
    run_and_die,
    settle_run,
    toy_job,
)

from retrain.decisions import decision_of
from retrain.run_record import read_record, runs_folder, write_record

if TYPE_CHECKING:
    from pathlib import Path

    from models.registry import Registry
    from retrain.run_record import Step
    from streams.contract.settings import Settings


STEPS: tuple[Step, ...] = ("data", "finetune", "export", "register", "judge", "promote")


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_run_leaves_the_champion_and_is_told_of(
    settings: Settings, registry: Registry, tmp_path: Path, step: Step
) -> None:
    assert in_a_process(run_and_die, tmp_path, step) == -signal.SIGKILL
    assert registry.aliases("encoder") == {"champion": 1}
    work = ToyWork(tmp_path / TOY)
    job, messenger = toy_job(settings, work, tmp_path)
    settled = settle_run(settings, messenger)
    assert settled.killed
    assert_champion_stays(registry, messenger, f"at the step {step}, and the champion stays: its process was killed")

    # Whoever comes next goes on from what the run left, once.
    record = job.run(REQUEST)
    assert (record.outcome, record.attempt) == ("promoted", 2)
    assert work.found == (["checkpoint", "snapshot"] if step != "data" else ["snapshot"])
    assert registry.aliases("encoder")["champion"] == record.version


def test_a_run_killed_once_the_registry_moved_is_told_as_promoted(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    record = job.run(REQUEST)
    told = messenger.events[-1]
    # As it was on the disk in that moment.
    write_record(runs_folder(settings), msgspec.structs.replace(record, outcome=None, ended=None))
    settled = settle_run(settings, messenger)
    assert settled.outcome == "promoted"
    assert messenger.events[-1].kind == "promoted"
    assert messenger.events[-1].id == told.id
    assert registry.aliases("encoder") == {"champion": 2, "previous": 1}


@pytest.mark.parametrize("shadow", [False, True])
def test_a_run_that_had_moved_the_registry_when_it_was_killed_is_not_run_again(
    settings: Settings, registry: Registry, tmp_path: Path, *, shadow: bool
) -> None:
    swap = settings.swap.model_copy(update={"shadow": shadow})
    job, messenger = toy_job(settings.model_copy(update={"swap": swap}), ToyWork(tmp_path / TOY), tmp_path)
    record = job.run(REQUEST)
    write_record(runs_folder(settings), msgspec.structs.replace(record, outcome=None, ended=None))
    settled = settle_run(settings, messenger)
    assert (settled.outcome, settled.killed) == ("challenging" if shadow else "promoted", False)
    assert job.run(REQUEST).attempt == 1


def test_what_is_told_late_carries_the_figures_too(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    record = job.run(REQUEST)
    decision = decision_of(registry, "encoder", 2)
    assert decision is not None
    write_record(runs_folder(settings), msgspec.structs.replace(record, outcome=None, ended=None))
    settle_run(settings, messenger)
    event = messenger.events[-1]
    assert (event.kind, event.metrics) == ("promoted", decision.figures)
    assert event.lineage == registry.manifest("encoder", 2).lineage


def test_a_killed_run_is_not_gone_on_with_under_another_champion(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    work = ToyWork(tmp_path / TOY, before={"finetune": fail(ValueError("no"))})
    job, _ = toy_job(settings, work, tmp_path)
    folder = runs_folder(settings)
    record = job.run(REQUEST)
    left = folder / "work"
    left.mkdir()
    (left / "checkpoint").touch()
    write_record(folder, msgspec.structs.replace(record, champion=9, killed=True))
    work.before.clear()
    assert job.run(REQUEST).attempt == 1
    assert work.found == []


def test_an_attempt_that_was_stopped_with_the_schedule_is_no_kill(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    folder, counts = runs_folder(settings), []
    for stopped in (True, False, True, False):
        assert in_a_process(run_and_die, tmp_path, "finetune") == -signal.SIGKILL
        record = read_record(folder)
        assert record is not None
        counts.append((record.attempt, record.stops))
        # As the schedule leaves it.
        write_record(folder, msgspec.structs.replace(record, stopped=stopped))
        _, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
        settled = settle_run(settings, messenger)
        assert settled.killed
        assert ("the schedule was stopped" in messenger.events[-1].reasons[0]) is stopped
    # Stopped, killed, stopped, killed: the second kill is one too many.
    assert counts == [(1, 0), (2, 1), (3, 1), (4, 2)]
    assert not settled.can_go_on
    work = ToyWork(tmp_path / TOY)
    job, _ = toy_job(settings, work, tmp_path)
    assert job.run(REQUEST).attempt == 1
    assert work.found == []
