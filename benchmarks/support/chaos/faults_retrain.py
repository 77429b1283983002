"""Retraining that is killed at each of its steps, and a disk that takes nothing more, while the champion serves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.chaos.toy_run import FULL_DISK, KILLED_AT, WHOLE
from benchmarks.support.chaos.trial import Bench, Fault, Found, Trial
from benchmarks.support.chaos.waiting import TrialError, wait_for
from streams.brokers.reading import read_all
from streams.contract.topics import model_events_topic

if TYPE_CHECKING:
    from models.registry import Registry

_MESSAGES = 100
_KILLED = -9
_LONGEST_SECONDS = 240.0


def killed(bench: Bench) -> Found:
    """One run after the other is killed, each a step later; the last one is left to its end."""
    registry = bench.versions.registry()
    with Trial(bench, Path(registry.url)) as trial:
        worker = trial.crew.add()
        trial.crew.wait_until_ready()
        found = Found()
        with trial.feed() as feed:
            for step in KILLED_AT:
                code, _ = _run(trial, step)
                found.require(code == _KILLED, f"the run that was to be killed at {step} ended with {code}")
                found.require(_champion(bench, registry) == 1, f"killed at {step}, the champion is another")
                feed.wait_for_more(_MESSAGES)
            code, told = _run(trial, WHOLE)
            found.require(told.get("outcome") == "promoted", f"the last run ended with {code}, {told}")
            serves = f'version="{told.get("version")}"'
            wait_for(lambda: serves in worker.page("/metrics"), _LONGEST_SECONDS, f"for {serves}", every=1.0)
            feed.wait_for_more(_MESSAGES)
        found.ledger = trial.settle(feed)
        kinds = _kinds(trial)
    found.require(kinds["retrain_failed"] == len(KILLED_AT), f"{kinds['retrain_failed']} failures were told")
    found.require(not trial.crew.exits, f"a worker ended with {trial.crew.exits}")
    found.seen = f"killed at {', '.join(KILLED_AT)}; each is told as failed; the run after them is promoted, and serves"
    return found


def full_disk(bench: Bench) -> Found:
    """The registry's disk takes nothing more while a version is registered."""
    registry = bench.versions.registry()
    with Trial(bench, Path(registry.url)) as trial:
        trial.crew.add()
        trial.crew.wait_until_ready()
        found = Found()
        with trial.feed() as feed:
            feed.wait_for_more(_MESSAGES)
            code, told = _run(trial, FULL_DISK)
            found.require(told.get("outcome") == "failed", f"the run ended with {code}, {told}")
            found.require(registry.versions(bench.versions.name) == [1], "half a version is left")
            found.require(_champion(bench, registry) == 1, "the champion is another")
            code, told = _run(trial, WHOLE)
            found.require(told.get("outcome") == "promoted", f"the run after it ended with {code}, {told}")
            feed.wait_for_more(_MESSAGES)
        found.ledger = trial.settle(feed)
        kinds = _kinds(trial)
    found.require(kinds["retrain_failed"] == 1, f"{kinds['retrain_failed']} failures were told")
    found.require(not trial.crew.exits, f"a worker ended with {trial.crew.exits}")
    found.seen = "the run is told as failed and leaves nothing; with room again the next one is promoted"
    return found


def _run(trial: Trial, step: str) -> tuple[int, dict[str, Any]]:
    """Exit code of a run, and what it told."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.support.chaos.toy_run", step],
        env={**os.environ, **trial.stream.environment, "TOCSIN_RETRAIN__DATA_DIR": str(trial.folder / "retrain")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, _KILLED):
        raise TrialError(f"the toy run ended with {done.returncode}: {done.stderr[-1500:]}")
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def _champion(bench: Bench, registry: Registry) -> int | None:
    return registry.aliases(bench.versions.name).get("champion")


def _kinds(trial: Trial) -> Counter[str]:
    settings = trial.stream.settings
    records = read_all(settings, model_events_topic(settings.topics))
    return Counter(json.loads(record.value)["kind"] for record in records)


FAULTS = (
    Fault(
        "retrain-killed",
        "a training run killed at any step leaves the champion, is told as failed, and the next run comes to its end",
        "trial: SIGKILL at each of six steps of the real job, whose heavy parts are toys",
        killed,
    ),
    Fault(
        "disk-full",
        "a version that cannot be written whole leaves nothing but its number; the run is told as failed",
        "trial: a limit on the size of files while a version is registered; tests: tests/models/test_registry.py, "
        "tests/retrain/test_job.py, tests/sources/test_seen.py",
        full_disk,
    ),
)
