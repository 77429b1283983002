"""A consumer group that never comes to rest."""

from __future__ import annotations

import random
import time

from benchmarks.support.chaos.trial import Bench, Fault, Found, Trial

_SECONDS, _QUICK_SECONDS = 300.0, 30.0
_EVERY_SECONDS = 4.0
_FEWEST, _MOST = 1, 3
_SEED = 11


def rebalance_storm(bench: Bench) -> Found:
    """Workers join and leave, in order and by force, every few seconds."""
    draw = random.Random(_SEED)  # noqa: S311  no secret
    joined = stopped = killed = 0
    codes: list[int] = []
    with Trial(bench, bench.versions.served) as trial:
        trial.crew.add()
        trial.crew.wait_until_ready()
        with trial.feed() as feed:
            ends = time.monotonic() + (_QUICK_SECONDS if bench.quick else _SECONDS)
            while time.monotonic() < ends:
                there = [worker for worker in trial.crew.workers if worker.wanted]
                if len(there) <= _FEWEST or (len(there) < _MOST and draw.random() < 0.5):
                    trial.crew.add()
                    joined += 1
                elif draw.random() < 0.5:
                    # The supervisor starts it again: it leaves without a word, and joins.
                    draw.choice(there).kill()
                    killed += 1
                else:
                    there[0].ask_to_stop()
                    codes.append(there[0].wait())
                    stopped += 1
                time.sleep(_EVERY_SECONDS)
        found = Found(trial.settle(feed))
    found.require(not any(codes), f"workers that were asked to stop ended with {codes}")
    found.seen = f"{joined} joined, {stopped} left in order, {killed} were killed"
    return found


FAULTS = (
    Fault(
        "rebalance-storm",
        "workers that come and go, in order or not, lose nothing",
        "trial: one to three workers, one joins, leaves or is killed every 4 s for five minutes",
        rebalance_storm,
    ),
)
