"""The schedule round by round, without a broker: what is not to be learnt yet, and runs that were killed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import msgspec
import pytest
import structlog
from support.schedule import Bench

from models.manifest import VersionError
from retrain.run_record import RunRecord, read_record, runs_folder, write_record
from streams.brokers.errors import BrokerUnreachableError
from streams.contract.model_records import RetrainRequest
from streams.contract.model_settings import RetrainSettings
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FAILED = 'tocsin_retrain_runs_total{model="encoder",outcome="failed"}'
LATEST = 'tocsin_retrain_last_run_timestamp_seconds{model="encoder",outcome="rejected"}'


@pytest.fixture
def bench(tmp_path: Path, clean_environment: None) -> Bench:
    return Bench(Settings(retrain=RetrainSettings(data_dir=tmp_path, min_new_labels=5)))


def rounds(bench: Bench, count: int = 5) -> None:
    for _ in range(count):
        bench.scheduler._round()


def label(bench: Bench) -> None:
    """Enough new labels for a run."""
    for offset in range(5):
        bench.demand.add_record(0, offset, 1.0 + offset)


def killed(**fields: object) -> RunRecord:
    of = {"id": "by-hand", "by": "ann", "began": NOW, "ended": NOW, "outcome": "failed", "killed": True} | fields
    return RunRecord(**of)


def test_a_run_that_is_killed_while_the_brokers_are_away_is_told_and_gone_on_with_once_they_are_back(
    bench: Bench,
) -> None:
    label(bench)
    rounds(bench)
    assert [request.by for request in bench.requests] == ["labels"]
    bench.away = True
    bench.end(outcome="failed", killed=True)
    rounds(bench)
    assert bench.metric(FAILED) == 0
    bench.away = False
    rounds(bench)
    assert bench.metric(FAILED) == 1
    assert ["gone on with" in request.reason for request in bench.requests] == [False, True]


def test_nothing_begins_while_the_brokers_are_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(_stopped: Callable[[float], bool]) -> None:
        raise BrokerUnreachableError("no broker")

    monkeypatch.setattr(bench.scheduler, "_follow", follow)
    label(bench)
    answers = iter([False] * 6)
    bench.scheduler.run(lambda _: next(answers, True))
    assert bench.runs == []
    assert bench.demand.new == 5
    assert bench.scheduler.problem == "no broker"


def test_what_became_of_the_latest_run_is_learnt_once_the_brokers_are_there(bench: Bench) -> None:
    bench.record = killed(outcome="rejected", killed=False)
    bench.away = True
    bench.scheduler.run(lambda _: True)
    assert bench.metric(LATEST) == 0
    bench.away = False
    rounds(bench)
    assert bench.metric(LATEST) == NOW.timestamp()


def test_new_labels_wait_until_a_run_that_was_killed_by_hand_is_gone_on_with(bench: Bench) -> None:
    # Its snapshot holds none of them: learnt are they by a run of their own.
    bench.record = killed()
    label(bench)
    rounds(bench)
    assert [(request.by, "gone on with" in request.reason) for request in bench.requests] == [("ann", True)]
    assert bench.demand.new == 5
    bench.end(attempt=2)
    rounds(bench)
    assert [request.by for request in bench.requests] == ["ann", "labels"]
    assert bench.demand.new == 0


def test_a_run_that_cannot_be_gone_on_with_is_not_tried_for_ever(bench: Bench) -> None:
    bench.record = killed()
    label(bench)
    rounds(bench)
    bench.runs[-1].exitcode = 1
    rounds(bench)
    assert bench.metric(FAILED) == 1
    assert [request.by for request in bench.requests] == ["ann", "labels"]
    bench.runs[-1].exitcode = 1
    rounds(bench)
    assert len(bench.runs) == 2
    # Another run that is killed is another matter.
    bench.record = killed(id="later")
    bench.demand.ask(RetrainRequest(id="r", model="encoder", time=NOW, by="bob"))
    rounds(bench)
    assert "gone on with" in bench.requests[2].reason


def test_a_run_that_had_succeeded_when_it_was_killed_is_not_run_again(bench: Bench) -> None:
    label(bench)
    rounds(bench)
    bench.end(outcome="promoted", killed=False)
    rounds(bench)
    assert len(bench.runs) == 1


class QuietFollower:
    """Reads topics in which nothing comes."""

    partitions = (0,)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def poll(self, _seconds: float) -> list[object]:
        return []


def test_it_is_ready_again_once_the_brokers_take_what_is_to_be_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain.scheduler.Follower", QuietFollower)
    seen: list[str | None] = []

    def stopped(_seconds: float) -> bool:
        seen.append(bench.scheduler.problem)
        bench.away = len(seen) < 5
        return len(seen) > 9

    bench.away = True
    label(bench)
    bench.scheduler.run(stopped)
    assert "no broker" in seen
    assert seen[-1] is None
    assert len(bench.runs) == 1


@pytest.mark.parametrize(
    "error", [OSError("no registry"), VersionError("it is corrupt"), RuntimeError("EndpointError")]
)
def test_a_registry_that_is_away_for_a_moment_loses_no_outcome_and_ends_no_schedule(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def be_away(_: object) -> None:
        raise error

    label(bench)
    rounds(bench)
    settle = bench.scheduler._settle
    monkeypatch.setattr(bench.scheduler, "_settle", be_away)
    bench.end(outcome="failed")
    bench.demand.ask(RetrainRequest(id="r", model="encoder", time=NOW, by="bob"))
    rounds(bench)
    assert (bench.metric(FAILED), len(bench.runs)) == (0, 1)
    assert str(error) in (bench.scheduler.problem or "")
    monkeypatch.setattr(bench.scheduler, "_settle", settle)
    rounds(bench)
    assert (bench.metric(FAILED), len(bench.runs)) == (1, 2)


def test_neither_brokers_nor_a_registry_that_are_away_end_the_schedule(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_away(_: object) -> None:
        raise OSError("nobody answers")

    monkeypatch.setattr(bench.scheduler, "_settle", be_away)
    monkeypatch.setattr(bench.scheduler, "_follow", be_away)
    bench.demand.ask(RetrainRequest(id="r", model="encoder", time=NOW, by="bob"))
    answers = iter([False] * 12)
    bench.scheduler.run(lambda _: next(answers, True))
    assert bench.runs == []
    assert bench.scheduler.problem == "nobody answers"


def test_a_clock_that_has_died_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds(bench)
    assert bench.scheduler.is_alive
    monkeypatch.setattr("retrain.clockwork.Clockwork.is_alive", False)
    assert not bench.scheduler.is_alive


def test_what_was_called_for_during_a_run_outlives_a_restart(bench: Bench) -> None:
    label(bench)
    rounds(bench)
    model = bench.scheduler._models[0]
    model._ring()  # as the clock's thread does
    # Killed before its next round, and in the midst of a run.
    again = Bench(bench.settings)
    again.busy = True
    rounds(again)
    third = Bench(bench.settings)
    rounds(third)
    assert [request.by for request in third.requests] == ["cron"]
    fourth = Bench(bench.settings)
    rounds(fourth)
    assert fourth.requests == []


def test_a_run_that_is_stopped_with_the_schedule_is_not_killed(bench: Bench) -> None:
    label(bench)
    rounds(bench)
    folder = runs_folder(bench.settings)
    write_record(folder, RunRecord(id="run", by="labels", began=NOW, request=bench.requests[0].id))
    bench.scheduler.run(lambda _: True)
    assert bench.runs[0].terminated
    record = read_record(folder)
    assert record is not None
    assert record.stopped
    # It is gone on with, though another attempt was killed before.
    again = Bench(bench.settings)
    again.record = msgspec.structs.replace(record, attempt=2, outcome="failed", killed=True, ended=NOW)
    again.scheduler.run(lambda _: True)
    rounds(again)
    assert ["gone on with" in request.reason for request in again.requests] == [True]


def test_a_run_that_is_stopped_before_its_first_word_is_called_for_again(bench: Bench) -> None:
    bench.demand.ask(RetrainRequest(id="r", model="encoder", time=NOW, by="bob"))
    rounds(bench)
    bench.scheduler.run(lambda _: True)
    again = Bench(bench.settings)
    rounds(again)
    assert [(request.id, request.by) for request in again.requests] == [("r", "bob")]


def test_whoever_stops_schedule_and_run_at_once_kills_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    label(bench)
    rounds(bench)
    run, settled, is_stopped = bench.runs[0], list[object](), threading.Event()

    class Stops(QuietFollower):
        def poll(self, _seconds: float) -> list[object]:
            run.terminate()
            is_stopped.set()
            settled.clear()
            return []

    monkeypatch.setattr("retrain.scheduler.Follower", Stops)
    monkeypatch.setattr(bench.scheduler, "_settle", settled.append)
    write_record(runs_folder(bench.settings), RunRecord(id="run", by="labels", began=NOW, request=bench.requests[0].id))
    bench.scheduler.run(lambda _: is_stopped.is_set())
    assert settled == []
    record = read_record(runs_folder(bench.settings))
    assert record is not None
    assert record.stopped


@pytest.mark.parametrize(("outcome", "runs"), [("rejected", 1), ("promoted", 1), ("failed", 2)])
def test_what_an_import_brings_while_a_run_reads_is_trained_on_once(bench: Bench, outcome: str, runs: int) -> None:
    label(bench)
    rounds(bench)
    for offset in range(5, 40):
        bench.demand.add_record(0, offset, 10.0)
    bench.end(outcome=outcome, offsets={0: 38})
    rounds(bench)
    assert len(bench.runs) == runs
    assert bench.demand.new == (2 if runs == 1 else 0)


def test_what_a_run_by_hand_has_learnt_calls_for_no_other(bench: Bench) -> None:
    label(bench)
    bench.record = killed(outcome="rejected", killed=False, offsets={0: 5})
    rounds(bench)
    assert bench.runs == []
    assert bench.demand.new == 0


def test_what_the_labels_say_is_no_account_of_another_topic(tmp_path: Path, clean_environment: None) -> None:
    bench = Bench(Settings(retrain=RetrainSettings(data_dir=tmp_path)), topic="documents", enough=5)
    model = bench.scheduler._models[1]
    model.account(killed(outcome="rejected", offsets={0: 100}))
    model.demand.add_record(0, 0, 1.0)
    assert model.demand.new == 1


def test_a_disk_that_takes_nothing_is_told_once_and_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def take_nothing(*_: object) -> None:
        raise OSError("no space")

    bench.busy = True
    bench.demand.ask(RetrainRequest(id="r", model="encoder", time=NOW, by="bob"))
    with monkeypatch.context() as full, structlog.testing.capture_logs() as logs:
        full.setattr("models.atomic.write", take_nothing)
        rounds(bench)
    assert [log["problem"] for log in logs if log["event"] == "it is not kept what is new"] == ["no space"]
    assert not (tmp_path / "encoder" / "seen.json").exists()
    rounds(bench)
    assert b"bob" in (tmp_path / "encoder" / "seen.json").read_bytes()
