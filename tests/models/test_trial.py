"""A version is tried in a process of its own: what is wrong with it is told, and hurts nobody."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest
from support import toy_model
from support.processes import wait_for

from models.manifest import ParityError, VersionError
from models.registry import Registry
from models.trial import Trial, TrialError, try_version

if TYPE_CHECKING:
    from pathlib import Path


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


def _child() -> int | None:
    """Process id of a trial that runs under this process."""
    for process in psutil.Process().children():
        if "models.trial" in process.cmdline():
            return process.pid
    return None
