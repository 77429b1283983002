"""A training run in which something fails: the champion serves on, the event says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.retraining import (
    REQUEST,
    TOY,
    ToyWork,
    assert_champion_stays,
    fail,
    in_a_process,
    run_on_a_full_disk,
    toy_job,
)

from models.manifest import VersionError
from retrain.run_record import read_record, runs_folder
from retrain.work import NothingToLearnError

if TYPE_CHECKING:
    from pathlib import Path

    from models.registry import Registry
    from retrain.run_record import Step
    from streams.contract.settings import Settings


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


def test_a_record_that_cannot_be_read_holds_up_nothing(settings: Settings, registry: Registry, tmp_path: Path) -> None:
    folder = runs_folder(settings)
    folder.mkdir(parents=True)
    (folder / "run.json").write_bytes(b"{")
    job, _ = toy_job(settings, ToyWork(tmp_path / TOY), tmp_path)
    assert job.run(REQUEST).outcome == "promoted"
