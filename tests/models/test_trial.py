"""A version is tried in a process of its own: what is wrong with it is told, and hurts nobody."""

from __future__ import annotations

import asyncio
import io
import os
import platform
import signal
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import psutil
import pytest
from structlog.testing import capture_logs
from support import toy_model
from support.processes import wait_for

from models import trial as trials
from models.manifest import ParityError, VersionError
from models.registry import Registry
from models.trial import Trial, TrialError, try_once, try_version

if TYPE_CHECKING:
    from pathlib import Path

# Loaded by the interpreter of the trial at its start.
_WITHOUT_MEMORY = """
import onnxruntime

class Session(onnxruntime.InferenceSession):
    def {where}(self, *given, **named):
        raise RuntimeError("{said}")

onnxruntime.InferenceSession = Session
"""
_TALKATIVE = """
import os, sys
os.write(1, b"a library without a line's end")
print("and one with")
"""


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(str(tmp_path / "registry"))
    registry.register(toy_model.write_files(tmp_path / "files"), "encoder", **toy_model.facts())
    return registry


def _trial(registry: Registry, tmp_path: Path, version: int = 1) -> Trial:
    return Trial(registry.url, "encoder", version, str(tmp_path / "cache"), threads=1, sub_batch=4, embedder=True)


def test_a_good_version_is_given_as_its_folder(registry: Registry, tmp_path: Path) -> None:
    folder = asyncio.run(try_version(_trial(registry, tmp_path)))
    assert (folder / "model.onnx").is_file()


@pytest.mark.parametrize("file", ["model.onnx", "embedder.onnx", "tokenizer.json"])
def test_a_corrupt_file_is_named(registry: Registry, tmp_path: Path, file: str) -> None:
    path = tmp_path / "registry" / "encoder" / "1" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(VersionError, match=f"{file} is corrupt"):
        asyncio.run(try_version(_trial(registry, tmp_path)))


def test_a_version_that_answers_otherwise_than_at_export_is_refused(registry: Registry, tmp_path: Path) -> None:
    files = toy_model.write_files(tmp_path / "other")
    parity = (files / "parity.json").read_text()
    (files / "parity.json").write_text(parity.replace('"topic_logits": [\n        ', '"topic_logits": [\n        9'))
    version = registry.register(files, "encoder", **toy_model.facts())
    with pytest.raises(VersionError, match="parity sample"):
        asyncio.run(try_version(_trial(registry, tmp_path, version)))
    assert issubclass(ParityError, VersionError)


def test_a_version_that_is_not_there_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(VersionError, match="version 7 of encoder does not exist"):
        asyncio.run(try_version(_trial(registry, tmp_path, 7)))


def test_a_trial_that_is_killed_says_nothing_of_the_version(registry: Registry, tmp_path: Path) -> None:
    async def killed() -> None:
        trying = asyncio.create_task(try_version(_trial(registry, tmp_path)))
        child = await asyncio.to_thread(wait_for, _child)
        os.kill(child, signal.SIGKILL)
        await trying

    with pytest.raises(TrialError, match="ended with -9"):
        asyncio.run(killed())


def test_a_trial_that_is_given_up_leaves_no_process(registry: Registry, tmp_path: Path) -> None:
    async def given_up() -> None:
        trying = asyncio.create_task(try_version(_trial(registry, tmp_path)))
        await asyncio.to_thread(wait_for, _child)
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)

    asyncio.run(given_up())
    assert _child() is None


def _at_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("__init__", "Exception during initialization: std::bad_alloc"),
        ("__init__", "Load model from model.onnx failed:system error number 24"),
        ("run", "Failed to allocate memory for requested buffer of size 12582912"),
    ],
)
def test_what_the_machine_lacks_says_nothing_of_the_version(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, said: str
) -> None:
    _at_start(monkeypatch, tmp_path, _WITHOUT_MEMORY.format(where=where, said=said))
    with pytest.raises(TrialError, match=f"ended with 1: .*{said}"):
        asyncio.run(try_version(_trial(registry, tmp_path)))


@pytest.mark.parametrize("content", [None, b"cut"])
def test_a_key_that_cannot_be_read_any_more_says_nothing_of_the_version(
    registry: Registry, tmp_path: Path, content: bytes | None
) -> None:
    key = tmp_path / "registry.key"
    if content is not None:
        key.write_bytes(content)
    trial = msgspec.structs.replace(_trial(registry, tmp_path), key_file=str(key))
    with pytest.raises(TrialError, match=r"ended with 1: model\.key_file"):
        asyncio.run(try_version(trial))


def test_a_copy_that_is_healed_is_told_and_no_part_of_the_folder(toy_files: Path, tmp_path: Path) -> None:
    key = tmp_path / "registry.key"
    key.write_bytes(b"k" * 40)
    registry = Registry(str(tmp_path / "registry"), key)
    registry.register(toy_files, "encoder", **toy_model.facts())
    folder = registry.fetch("encoder", 1, tmp_path / "cache")
    (folder / "labels.json").write_bytes(b"{}")
    trial = msgspec.structs.replace(_trial(registry, tmp_path), key_file=str(key))
    with capture_logs() as logs:
        assert asyncio.run(try_once(trial, 0.0)) == folder
    (log,) = logs
    assert log["event"] == "trial_said"
    assert "cached_version_refused" in log["said"]
    assert (folder / "labels.json").read_bytes() == (toy_files / "labels.json").read_bytes()


@pytest.mark.parametrize("version", [1, 7])
def test_nothing_that_is_printed_is_taken_for_what_was_found(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    _at_start(monkeypatch, tmp_path, _TALKATIVE)
    trying = try_version(_trial(registry, tmp_path, version))
    if version == 1:
        assert asyncio.run(trying) == tmp_path / "registry/encoder/1"
    else:
        with pytest.raises(VersionError, match=r"^version 7 of encoder does not exist"):
            asyncio.run(trying)


@pytest.mark.parametrize("out", [b"", b"/tmp", b"\xff\n", b"{}", b'{"folder":"/nowhere/at/all"}', b"{}\nGoodbye"])
def test_a_process_that_does_not_say_what_it_found_has_found_nothing(out: bytes) -> None:
    assert trials._found(out) is None


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Versions that went through a trial of their own; each ends after the others had time to begin."""
    tried: list[int] = []

    async def try_(trial: Trial) -> Path:
        tried.append(trial.version)
        await asyncio.sleep(0)
        return await try_version(trial)

    monkeypatch.setattr(trials, "try_version", try_)
    return tried


def test_workers_of_one_machine_try_a_version_once(registry: Registry, tmp_path: Path, tried: list[int]) -> None:
    async def together() -> list[Path]:
        told = time.time()
        return await asyncio.gather(*(try_once(_trial(registry, tmp_path), told) for _ in range(3)))

    folders = asyncio.run(together())
    assert tried == [1]
    assert len(set(folders)) == 1
    assert (folders[0] / "model.onnx").is_file()


def test_a_trial_from_before_is_none_and_neither_is_that_of_something_else(
    registry: Registry, tmp_path: Path, tried: list[int]
) -> None:
    trial = _trial(registry, tmp_path)
    asyncio.run(try_once(trial, time.time()))
    asyncio.run(try_once(trial, time.time()))
    assert tried == [1, 1]
    asyncio.run(try_once(msgspec.structs.replace(trial, sub_batch=8), 0.0))
    assert tried == [1, 1, 1]
    (record,) = (tmp_path / "cache").glob("trial-*.json")
    record.write_bytes(b"half a rec")
    asyncio.run(try_once(trial, 0.0))
    assert tried == [1] * 4
    asyncio.run(try_once(trial, 0.0))
    assert tried == [1] * 4


def test_what_was_passed_and_is_gone_is_tried_anew(registry: Registry, tmp_path: Path, tried: list[int]) -> None:
    trial = _trial(registry, tmp_path)
    folder = asyncio.run(try_once(trial, 0.0))
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(VersionError, match="does not exist"):
        asyncio.run(try_once(trial, 0.0))
    assert tried == [1, 1]


def test_a_refusal_is_for_each_to_find(registry: Registry, tmp_path: Path, tried: list[int]) -> None:
    async def together() -> list[object]:
        trial = _trial(registry, tmp_path, 7)
        return list(await asyncio.gather(*(try_once(trial, 0.0) for _ in range(2)), return_exceptions=True))

    assert [type(found) for found in asyncio.run(together())] == [VersionError, VersionError]
    assert tried == [7, 7]


def test_without_a_cache_to_write_each_tries_by_itself(registry: Registry, tmp_path: Path, tried: list[int]) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    for _ in range(2):
        assert asyncio.run(try_once(_trial(registry, tmp_path), 0.0)).is_dir()
    assert tried == [1, 1]


def test_the_record_of_a_trial_holds_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pass_(_trial: Trial) -> Path:
        return tmp_path

    monkeypatch.setattr(trials, "try_version", pass_)
    cache = tmp_path / "cache"
    trial = Trial("s3://svc:S3cretPw@minio:9000/models", "encoder", 1, str(cache), 1, 4, embedder=True)
    asyncio.run(try_once(trial, time.time()))
    (record,) = cache.glob("trial-*.json")
    assert b"S3cretPw" not in record.read_bytes()


def test_records_of_machines_that_are_gone_are_removed(registry: Registry, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    for name, age in {"trial-gone.json": 90_000, "trial-gone.lock": 90_000, "trial-there.json": 3_600}.items():
        (cache / name).touch()
        os.utime(cache / name, (time.time() - age,) * 2)
    asyncio.run(try_once(_trial(registry, tmp_path), time.time()))
    own = f"trial-{platform.node()}"
    assert {path.name for path in cache.glob("trial-*")} == {"trial-there.json", f"{own}.json", f"{own}.lock"}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has such a policy")
def test_a_trial_runs_in_what_is_left_and_where_nothing_is_left_with_a_small_share(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    step_back = trials._step_back

    def look(pid: int, *, idle: bool) -> None:
        before = os.getpriority(os.PRIO_PROCESS, pid)
        step_back(pid, idle=idle)
        seen.append((os.sched_getscheduler(pid), os.getpriority(os.PRIO_PROCESS, pid) - before))

    monkeypatch.setattr(trials, "_step_back", look)
    asyncio.run(try_version(_trial(registry, tmp_path)))
    assert seen == [(os.SCHED_IDLE, trials.NICENESS)]
    # As if the others left nothing.
    monkeypatch.setattr(trials, "_IDLE_SECONDS", 0.0)
    assert asyncio.run(try_version(_trial(registry, tmp_path))).is_dir()
    assert seen[1:] == [(os.SCHED_IDLE, trials.NICENESS), (os.SCHED_OTHER, trials.NICENESS)]
    monkeypatch.setattr(trials, "_LONGEST_SECONDS", 0.0)
    with pytest.raises(TrialError, match=r"the trial of encoder:1 took over 0 s"):
        asyncio.run(try_version(_trial(registry, tmp_path)))
    assert _child() is None


def test_an_embedder_that_serves_already_is_not_tried(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    embedder = Registry(registry.url).manifest("encoder", 1).files["embedder.onnx"].sha256
    embedded: list[bool] = []
    monkeypatch.setattr(trials, "_run", lambda _encoder, *, embedder: embedded.append(embedder))
    for serves in (None, "of another", embedder):
        trial = msgspec.structs.replace(_trial(registry, tmp_path), serving_embedder=serves)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(msgspec.json.encode(trial))))
        trials.main()
    assert embedded == [True, True, False]
    assert str(tmp_path) in capsys.readouterr().out


def _child() -> int | None:
    """Process id of a trial that runs under this process."""
    for process in psutil.Process().children():
        if "models.trial" in process.cmdline():
            return process.pid
    return None
