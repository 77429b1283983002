"""``tocsin demo`` as a process: it plays to the end, stops when asked, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import psutil
import pytest
from support.processes import TocsinProcess, run_tocsin, wait_for
from support.toy_model import facts, write_files

from models.registry import Registry
from streams.cli.common import CommandError
from streams.cli.demonstration.stage import StageWorker, stage_settings
from streams.contract.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def toy_environment(tmp_path: Path, clean_environment: None) -> dict[str, str]:
    """The ``TOCSIN_*`` variables under which a toy model is the champion."""
    registry = Registry(str(tmp_path / "registry"))
    version = registry.register(write_files(tmp_path / "files"), "encoder", **facts())
    registry.set_alias("encoder", "champion", version)
    return {"TOCSIN_MODEL__REGISTRY": registry.url, "TOCSIN_MODEL__CACHE": str(tmp_path / "cache")}


def _children(process: TocsinProcess, *, playing: bool = True) -> list[psutil.Process]:
    """The broker and the worker, once the play has begun, or while the worker still starts."""
    parent = psutil.Process(process.pid)
    wait_for(lambda: len(parent.children()) == 2, 90.0, what=process.stderr)
    if playing:
        wait_for(lambda: "Worker ready" in process.stderr, 90.0, what=process.stderr)
    return parent.children()


def _all_gone(children: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(children, timeout=10.0)[1]


@pytest.mark.integration
def test_a_play_accounts_for_every_message(toy_environment: dict[str, str]) -> None:
    with run_tocsin(["demo", "--seconds", "2", "--no-teach", "--json"], toy_environment) as process:
        children = _children(process)
        assert process.wait(60.0) == 0, process.stderr
        summary = json.loads(process.stdout)
    assert _all_gone(children)
    assert summary["reconciles"] is True
    assert (summary["messages"], summary["predictions"], summary["dead_letters"]) == (303, 300, 3)
    assert summary["reasons"] == {"malformed": 1, "wrong_type": 1, "not_utf8": 1}
    assert sum(summary["sentiments"].values()) == 300
    assert all(alert["subject"] and alert["summary"] for alert in summary["alerts"])
    assert summary["model"] == "encoder:1"
    assert 0 < summary["latency_p50_seconds"] <= summary["latency_p99_seconds"]


@pytest.mark.integration
def test_a_play_that_is_stopped_tells_how_far_it_came(toy_environment: dict[str, str]) -> None:
    with run_tocsin(["demo", "--seconds", "60", "--no-live"], toy_environment) as process:
        children = _children(process)
        process.popen.send_signal(signal.SIGINT)
        assert process.wait(30.0) == 130, process.stderr
        assert "Stopped: " in process.stdout
        assert "Traceback" not in process.stderr
    assert _all_gone(children)


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_is_stopped_before_it_plays_leaves_nothing_behind(
    number: signal.Signals, toy_environment: dict[str, str]
) -> None:
    with run_tocsin(["demo"], toy_environment) as process:
        children = _children(process, playing=False)
        process.popen.send_signal(number)
        assert process.wait(30.0) == 130, process.stderr
        assert "Traceback" not in process.stderr
    assert _all_gone(children)


@pytest.mark.integration
def test_a_worker_that_dies_ends_the_play_and_is_told(toy_environment: dict[str, str]) -> None:
    with run_tocsin(["demo", "--seconds", "60"], toy_environment) as process:
        children = _children(process)
        next(child for child in children if "worker" in child.cmdline()).kill()
        assert process.wait(30.0) == 1
        assert "the worker ended by itself, exit code -9" in process.stderr
    assert _all_gone(children)


@pytest.mark.integration
@pytest.mark.skipif("sys.platform != 'linux'", reason="the kernel's death signal exists on Linux alone")
def test_a_play_that_is_killed_leaves_nothing_behind(toy_environment: dict[str, str]) -> None:
    with run_tocsin(["demo", "--seconds", "60"], toy_environment) as process:
        children = _children(process, playing=False)
        process.kill()
    assert _all_gone(children)


@pytest.mark.integration
def test_kept_broker_and_worker_read_on(toy_environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text('{"id": "one-more", "text": "one more", "source": "news"}\n')
    with run_tocsin(["demo", "--seconds", "1", "--keep", "--no-teach", "--json"], toy_environment) as process:
        children = _children(process)
        wait_for(lambda: "Ctrl-C stops them" in process.stderr, 60.0, what=process.stderr)
        address = process.stderr.split("--bootstrap-servers ")[1].split()[0]
        where = ["--bootstrap-servers", address]
        watch = [*where, "watch", "predictions", "--from-beginning", "--limit", "301", "--timeout", "60", "--json"]
        with run_tocsin(watch, toy_environment) as watching:
            feed = [*where, "feed", str(file), "--to", "news"]
            with run_tocsin(feed, toy_environment) as feeding:
                assert feeding.wait() == 0, feeding.stderr
            assert watching.wait(90.0) == 0, watching.stderr
            assert any(json.loads(line)["message_id"] == "one-more" for line in watching.stdout.splitlines())
        process.popen.send_signal(signal.SIGINT)
        assert process.wait(30.0) == 0, process.stderr
    assert _all_gone(children)


def test_a_worker_that_cannot_start_is_told_with_its_last_words(clean_environment: None, tmp_path: Path) -> None:
    settings = stage_settings(
        Settings(model=ModelSettings(registry=str(tmp_path / "none"))), "127.0.0.1:nowhere", tmp_path
    )
    with StageWorker(settings, tmp_path) as worker, pytest.raises(CommandError, match="bootstrap_servers"):
        worker.wait_until_ready(lambda _: None)
