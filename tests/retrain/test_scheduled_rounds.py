"""The schedule round by round, without a broker: what is not to be learnt yet, and runs that were killed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import pytest
from support.schedule import Bench

from retrain.run_record import RunRecord
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
