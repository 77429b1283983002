"""What brokers do to a stream: they die, stop for a while, or are not there yet."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from benchmarks.support.chaos.ledger import read_ledger
from benchmarks.support.chaos.trial import Bench, Fault, Found, Trial
from benchmarks.support.chaos.waiting import wait_for
from streams.brokers.tansu import TansuBroker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.brokers.broker import Broker

_DOWN_SECONDS = 3.0
_FROZEN_SECONDS = 12.0
_MESSAGES = 200
_GONE = "no topic"
_ENDING_SECONDS = 60.0


def kafka_killed(bench: Bench) -> Found:
    """Kill Kafka under two workers and a feed, twice, and start it again."""
    with Trial(bench, bench.versions.served) as trial:
        for _ in range(2):
            trial.crew.add()
        trial.crew.wait_until_ready()
        with trial.feed() as feed:
            for _ in range(1 if bench.quick else 2):
                feed.wait_for_more(_MESSAGES)
                trial.broker.kill()
                time.sleep(_DOWN_SECONDS)
                trial.broker.start()
            feed.wait_for_more(_MESSAGES)
        found = Found(trial.settle(feed))
    found.seen = f"{len(trial.crew.exits)} workers restarted"
    return found


def tansu_killed(bench: Bench) -> Found:
    """Kill the embedded broker and start it again: it keeps nothing, and the worker is to say so."""
    with TansuBroker() as broker, Trial(bench, bench.versions.served, broker=broker) as trial:
        worker = trial.crew.add()
        trial.crew.wait_until_ready()
        with trial.feed() as feed:
            feed.wait_for_more(_MESSAGES)
            before = read_ledger(trial.stream.settings)
        broker.kill()
        time.sleep(_DOWN_SECONDS)
        broker.start()
        trial.crew.wait_for_log(_GONE)
        wait_for(lambda: worker.exits, _ENDING_SECONDS, "for the worker's end")
        found = Found()
        found.require(bool(worker.exits) and 0 not in worker.exits, f"the worker ended with {worker.exits}")
    found.seen = f"{before.inputs} inputs went with the broker; exit codes {_codes(worker.exits)}"
    return found


def broker_frozen(bench: Bench) -> Found:
    """Stop the broker's process (SIGSTOP) for longer than the session time-out, and let it go on."""
    with Trial(bench, bench.versions.served) as trial:
        for _ in range(2):
            trial.crew.add()
        trial.crew.wait_until_ready()
        with trial.feed() as feed:
            feed.wait_for_more(_MESSAGES)
            with frozen(trial.broker):
                time.sleep(_FROZEN_SECONDS)
            feed.wait_for_more(_MESSAGES)
        found = Found(trial.settle(feed))
    found.seen = f"frozen for {_FROZEN_SECONDS:g} s; {len(trial.crew.exits)} workers restarted"
    return found


def broker_absent(bench: Bench) -> Found:
    """Start a worker while nobody listens at the broker's address."""
    with Trial(bench, bench.versions.served) as trial:
        with trial.feed() as feed:
            feed.wait_for_more(_MESSAGES)
        trial.broker.stop()
        try:
            worker = trial.crew.add()
            time.sleep(_DOWN_SECONDS)
            waited = worker.running and not worker.exits
        finally:
            trial.broker.start()
        found = Found(trial.settle(feed))
    found.require(waited, "the worker did not wait for the broker")
    found.seen = f"the worker waited {_DOWN_SECONDS:g} s and the broker's start, and then read"
    return found


@contextmanager
def frozen(broker: Broker) -> Iterator[None]:
    """The broker's processes stopped until left."""
    root = psutil.Process(broker.pid)
    processes = [root, *root.children(recursive=True)]
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process.pid, signal.SIGCONT)


def _codes(exits: list[int]) -> str:
    return ", ".join(map(str, sorted(set(exits)))) or "none"


FAULTS = (
    Fault(
        "broker-killed",
        "Apache Kafka killed (SIGKILL) and started again: nothing it acknowledged is lost",
        "trial: two workers, killed in mid-stream",
        kafka_killed,
    ),
    Fault(
        "embedded-broker-killed",
        "the embedded broker keeps nothing over its own death; the worker ends non-zero and says which topics are gone",
        "trial: Tansu killed in mid-stream",
        tansu_killed,
    ),
    Fault(
        "broker-frozen",
        "a broker that answers nobody for longer than the session time-out delays, and loses nothing",
        "trial: SIGSTOP for 12 s",
        broker_frozen,
    ),
    Fault(
        "broker-absent",
        "a worker that starts before its broker waits for it",
        "trial: started while nobody listened",
        broker_absent,
    ),
)
