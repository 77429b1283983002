"""A training run from beginning to end, and whatever can go wrong in it: the champion serves on, the event says why."""

from __future__ import annotations

import multiprocessing
import signal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import structlog
from support import toy_model
from support.judged import judged
from support.retraining import (
    REQUEST,
    TOY,
    FileMessenger,
    ToyWork,
    register_champion,
    run_and_die,
    run_on_a_full_disk,
    settle_run,
    toy_job,
    toy_settings,
)

from models.manifest import VersionError
from models.promoting import Story, pin, promote
from retrain.decisions import decision_of
from retrain.lock import BusyError, sole_run
from retrain.run_record import read_record, runs_folder, write_record
from retrain.work import NothingToLearnError
from streams.brokers.errors import BrokerRefusesError, BrokerUnreachableError, TopicError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from models.registry import Registry
    from retrain.run_record import Step
    from streams.contract.settings import Settings

STEPS: tuple[Step, ...] = ("data", "finetune", "export", "register", "judge", "promote")


@pytest.fixture(autouse=True)
def unrendered_logs() -> Iterator[None]:
    """Tracebacks in colour with every local take seconds to draw."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def settings(tmp_path: Path, clean_environment: None) -> Settings:
    return toy_settings(tmp_path)


@pytest.fixture
def registry(settings: Settings, tmp_path: Path) -> Registry:
    return register_champion(settings, tmp_path)


def fail(error: Exception) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it


def in_a_process(target: Callable[..., None], *args: object) -> int | None:
    """Exit code of a process that does this; forked, since importing everything anew would take seconds each time."""
    process = multiprocessing.get_context("fork").Process(target=target, args=args)
    process.start()
    process.join()
    return process.exitcode


def assert_champion_stays(registry: Registry, messenger: FileMessenger, why: str) -> None:
    assert registry.aliases("encoder") == {"champion": 1}
    last = messenger.events[-1]
    assert last.kind == "retrain_failed"
    assert why in last.reasons[0]
    assert last.request == REQUEST.id


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


@pytest.mark.parametrize("step", ["data", "finetune", "export", "judge"])
def test_a_step_that_fails_is_told(settings: Settings, registry: Registry, tmp_path: Path, step: Step) -> None:
    job, messenger = toy_job(
        settings, ToyWork(tmp_path / TOY, before={step: fail(ValueError("call 0171 2345678"))}), tmp_path
    )
    record = job.run(REQUEST)
    assert (record.outcome, record.step) == ("failed", step)
    assert_champion_stays(registry, messenger, f"at the step {step}, and the champion stays: ValueError")
    assert "ann@example.org" not in messenger.events[-1].reasons[0]
    assert not (runs_folder(settings) / "work").exists()


@pytest.mark.parametrize("address", ["s3://svc:S3cretPw@minio:9000/models", "svc:S3cretPw@minio:9000"])
@pytest.mark.parametrize("kind", [VersionError, NothingToLearnError])
def test_a_failure_tells_no_password(
    settings: Settings, registry: Registry, tmp_path: Path, address: str, kind: type[Exception]
) -> None:
    job, messenger = toy_job(
        settings, ToyWork(tmp_path / TOY, before={"data": fail(kind(f"not in {address}"))}), tmp_path
    )
    record = job.run(REQUEST)
    for told in (record.reasons[0], messenger.events[-1].reasons[0]):
        assert "not in " in told
        assert "minio:9000" in told
        assert "S3cretPw" not in told


def test_without_a_champion_it_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    assert job.run(REQUEST).outcome == "failed"
    assert "tocsin models bootstrap" in messenger.events[-1].reasons[0]


def test_a_person_who_stops_it_is_obeyed_and_told(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY, before={"finetune": interrupt}), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        job.run(REQUEST)
    assert_champion_stays(registry, messenger, "it was stopped")


def test_a_corrupted_artefact_is_found_before_it_is_judged(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    work = ToyWork(tmp_path / TOY)
    job, messenger = toy_job(settings, work, tmp_path)
    tell = messenger.tell

    def corrupt(event: object) -> None:
        tell(event)  # type: ignore[arg-type]
        path = tmp_path / "registry/encoder/2/model.onnx"
        if path.exists():
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)

    messenger.tell = corrupt  # type: ignore[method-assign, assignment]
    work.before["judge"] = fail(AssertionError("it was judged"))
    assert job.run(REQUEST).step == "judge"
    assert_champion_stays(registry, messenger, "model.onnx is corrupt")


def test_a_full_disk_is_told_and_what_was_written_is_removed(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    assert in_a_process(run_on_a_full_disk, tmp_path) == 0
    _, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    record = read_record(runs_folder(settings))
    assert record is not None
    assert (record.outcome, record.step) == ("failed", "export")
    assert_champion_stays(registry, messenger, "File too large")
    assert registry.versions("encoder") == [1]
    assert {path.name for path in runs_folder(settings).iterdir()} == {"lock", "run.json"}


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


def test_one_run_at_a_time(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    with sole_run(runs_folder(settings)), pytest.raises(BusyError, match="under way"):
        job.run(REQUEST)
    assert messenger.events == []
    assert job.run(REQUEST).outcome == "promoted"


def test_a_record_that_cannot_be_read_holds_up_nothing(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    folder = runs_folder(settings)
    folder.mkdir(parents=True)
    (folder / "run.json").write_bytes(b"{")
    job, _ = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    assert job.run(REQUEST).outcome == "promoted"


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
    monkeypatch.setattr("retrain.job._PAUSE_SECONDS", 0.0)
    job, messenger = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    move, errors = messenger.promote, iter([error, error])

    def promote_later(*arguments: Any) -> None:  # noqa: ANN401  those of the real one
        if (problem := next(errors, None)) is not None:
            raise problem
        move(*arguments)

    monkeypatch.setattr(messenger, "promote", promote_later)
    assert job.run(REQUEST).outcome == "promoted"
    assert registry.aliases("encoder") == {"champion": 2, "previous": 1}


@pytest.mark.parametrize("error", [TopicError("they tell nothing"), BrokerRefusesError("no such user")])
def test_a_candidate_that_cannot_come_to_serve_is_told_to_have_passed(
    settings: Settings, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    # One who is refused need not wait.
    given = settings if isinstance(error, BrokerRefusesError) else impatient(settings)
    job, messenger = toy_job(given, ToyWork(tmp_path / TOY), tmp_path)
    monkeypatch.setattr("retrain.job._PAUSE_SECONDS", 0.0)
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
    monkeypatch.setattr("retrain.job._PAUSE_SECONDS", 0.0)
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


def test_keeps_how_far_it_has_read(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    job, _ = toy_job(settings, ToyWork(tmp_path / TOY, before={"finetune": fail(ValueError("no"))}), tmp_path)
    assert job.run(REQUEST).offsets == {0: 7}
    record = read_record(runs_folder(settings))
    assert record is not None
    assert record.offsets == {0: 7}


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
