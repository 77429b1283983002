"""A worker killed at each stage of its work, and at moments of no choosing."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.support.chaos.crew import DOOMED
from benchmarks.support.chaos.trial import READING_ALONE, Bench, Fault, Found, Trial
from benchmarks.support.chaos.versions import BY
from benchmarks.support.chaos.waiting import wait_for
from retrain.promotion import promote

if TYPE_CHECKING:
    from benchmarks.support.chaos.crew import Worker

_MESSAGES = 200
_KILLS, _QUICK_KILLS = 20, 3
_KILLED = -9
_SEED = 7
_LONGEST_SECONDS = 90.0
# Checkpoints so often that there is state to recover soon.
_SURGE = {"TOCSIN_SURGE__CHECKPOINT_SECONDS": "0.5", "TOCSIN_SURGE__IDLE_SECONDS": "3"}


def killed_at(stage: str, bench: Bench) -> Found:
    """A worker that ends itself at a stage of a batch; a plain one comes after it."""
    with Trial(bench, bench.versions.served) as trial:
        worker = trial.crew.add(DOOMED, CHAOS_STAGE=stage)
        with trial.feed() as feed:
            _wait_for_end(worker)
            trial.crew.wait_until_ready()
            feed.wait_for_more(_MESSAGES)
        found = Found(trial.settle(feed))
    found.require(worker.exits == [_KILLED], f"exit codes {worker.exits}")
    if stage == "after-publish":
        found.require(found.ledger.told_by_id > 0, "nothing was repeated: the moment was missed")
    return found


def killed_in_a_swap(bench: Bench) -> Found:
    """A worker that ends itself when it has taken up another version and told nobody."""
    registry = bench.versions.registry()
    other = bench.versions.add(registry)
    with Trial(bench, Path(registry.url)) as trial:
        worker = trial.crew.add(DOOMED, CHAOS_STAGE="in-a-swap")
        trial.crew.wait_until_ready()
        with trial.feed() as feed:
            feed.wait_for_more(_MESSAGES)
            promote(trial.stream.settings, registry, other, BY, "to be killed in it")
            _wait_for_end(worker)
            trial.crew.wait_until_ready()
            feed.wait_for_more(_MESSAGES)
            serves = 'version="2"' in worker.page("/metrics")
        found = Found(trial.settle(feed))
    found.require(serves, "the worker that came after does not serve the new version")
    return found


def killed_in_recovery(bench: Bench) -> Found:
    """A worker with surge state is killed; the next one ends itself when half of that state is read."""
    with Trial(bench, bench.versions.served, READING_ALONE | {"TOCSIN_SURGE__ENABLED": "true"} | _SURGE) as trial:
        first = trial.crew.add()
        trial.crew.wait_until_ready()
        with trial.feed() as feed:
            feed.wait_for_more(_MESSAGES)
            wait_for(lambda: first.metric("tocsin_surge_state_bytes_total") > 0, _LONGEST_SECONDS, "for a checkpoint")
            first.end()
            second = trial.crew.add(DOOMED, CHAOS_STAGE="in-recovery")
            _wait_for_end(second)
            trial.crew.wait_until_ready()
            trial.crew.wait_for_log("surge state restored")
            feed.wait_for_more(_MESSAGES)
        found = Found(trial.settle(feed))
    found.require(second.exits == [_KILLED], f"exit codes {second.exits}")
    return found


def killed_at_random(bench: Bench) -> Found:
    """The one worker, killed again and again at random moments while it reads."""
    moments = random.Random(_SEED)  # noqa: S311  no secret
    kills = _QUICK_KILLS if bench.quick else _KILLS
    with Trial(bench, bench.versions.served) as trial:
        worker = trial.crew.add()
        with trial.feed() as feed:
            for _ in range(kills):
                wait_for(
                    lambda: worker.metric("tocsin_in_flight_messages") > 0, _LONGEST_SECONDS, "for a batch", every=0.05
                )
                time.sleep(moments.uniform(0.0, 1.0))
                lives = len(worker.exits)
                worker.kill()
                wait_for(lambda: len(worker.exits) > lives, _LONGEST_SECONDS, "for its end")  # noqa: B023  awaited here
        found = Found(trial.settle(feed))
    found.require(worker.exits == [_KILLED] * kills, f"exit codes {worker.exits}")
    found.seen = f"killed {kills} times"
    return found


def _wait_for_end(worker: Worker) -> None:
    wait_for(lambda: worker.exits, _LONGEST_SECONDS, "for the worker to end at its stage")


_TRIED = "trial: it ends itself there (SIGKILL), a supervisor starts the next"
FAULTS = (
    Fault(
        "worker-killed-before-inference",
        "a batch that was gathered and not read is read by the next worker",
        _TRIED,
        partial(killed_at, "before-inference"),
    ),
    Fault(
        "worker-killed-after-publish",
        "outputs whose inputs were not acknowledged come again under the same ids",
        _TRIED,
        partial(killed_at, "after-publish"),
    ),
    Fault(
        "worker-killed-in-a-swap",
        "the next worker serves the version that the registry says, and reads all",
        _TRIED,
        killed_in_a_swap,
    ),
    Fault(
        "worker-killed-in-recovery",
        "the next worker reads the state again from its beginning",
        f"{_TRIED}; test: the counts are those of an undisturbed run (tests/integration/test_surge.py)",
        killed_in_recovery,
    ),
    Fault(
        "worker-killed-at-random",
        "whenever it is killed, nothing is lost, and what is repeated bears the same id",
        "trial: SIGKILL 20 times while batches are in hand",
        killed_at_random,
    ),
)
