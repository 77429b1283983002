"""Swaps under way: two workers, a feed, and a registry that points at another version again and again."""

from __future__ import annotations

import math
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import psutil

from benchmarks.support.figures import rate_between
from benchmarks.support.stream import Stream
from benchmarks.support.swap.ledger import Window, read_ledger
from benchmarks.support.swap.traffic import steady_feed
from benchmarks.support.worker_process import WorkerProcess
from retrain.promotion import promote
from streams.brokers.following import Follower
from streams.contract.model_records import ModelEvent
from streams.contract.topics import model_events_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.support.real_messages import RealMessage
    from benchmarks.support.swap.ledger import Ledger
    from models.registry import Registry
    from streams.brokers.broker import Broker

WORKERS = 2

# A worker's first seconds are its slowest, and no calm to compare with.
_SETTLING_SECONDS = 30.0
# The pair's rate on a backlog is that between these shares of its outputs: by then both read.
_LOW, _HIGH = 0.3, 0.9
_LIVE_SECONDS = 40.0
# By then the feed has told something of every subject.
_PASS_SECONDS = 60.0
# After the exchange: what the new version's first batches cost is the swap's too.
_AFTER_SECONDS = 2.0
_LONGEST_SWAP_SECONDS = 180.0


class SwapError(Exception):
    """A swap did not come about."""


@dataclass(slots=True)
class SwapRun:
    """What was seen of a run."""

    ledger: Ledger
    calm: list[Window]
    """While nobody swapped: before the first swap, between any two, and after the last."""
    swapping: list[Window]
    """From each change of the registry until shortly after the last worker's exchange."""
    seconds: list[float]
    """From each change of the registry to the last worker's exchange."""
    rss_bytes: list[int] = field(default_factory=list)
    """Of all workers together, at rest after each swap."""
    rss_bytes_calm: list[int] = field(default_factory=list)
    """The same at both ends of the first and of the last calm time: what the stream itself keeps grows there too."""


def measure_capacity(broker: Broker, registry: Path, messages: Sequence[RealMessage], folder: Path) -> float:
    """Messages a second that two workers read while more than that is sent to them.

    As in the run, broker and feed share the machine with the workers: of a backlog, while nobody sends, they read more,
    and half of that is no half of what the machine can do.

    Args:
        broker: A running broker.
        registry: With the versions.
        messages: Read first, as a backlog dated when it is sent (a replay by the messages' own times costs more: years
            of windows close in it). The rate at which they are read is the one at which the feed then sends.
        folder: Folder for the workers' logs and state.

    Raises:
        UnansweredError: Not every message of the backlog came out as a prediction.
        WorkerError: A worker failed.
        RoomError: The feed failed.
    """
    with ExitStack() as stack:
        stream = stack.enter_context(Stream(broker, registry, [message.of_now() for message in messages]))
        workers = _workers(stack, stream, folder)
        workers[0].wait_until_committed(len(messages))
        most = rate_between(list(stream.answered_times(len(messages)).values()), _LOW, _HIGH)
        with steady_feed(stream, most) as feed:
            time.sleep(_SETTLING_SECONDS)
            before = workers[0].sample()
            time.sleep(_LIVE_SECONDS)
            feed.require()
            after = workers[0].sample()
        for worker in workers:
            worker.stop()
    return (after.committed - before.committed) / (after.time - before.time)


class SwapBench:
    """Two workers of one group under a steady feed.

    Args:
        broker: A running broker.
        registry: With the versions.
        versions: Numbers of the versions, the one that serves first.
        rate: Mean messages a second.
        folder: Folder for the workers' logs and state.
        say: Told what is under way.
    """

    def __init__(
        self,
        broker: Broker,
        registry: Registry,
        versions: Sequence[int],
        rate: float,
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self._broker = broker
        self._registry = registry
        self._versions = versions
        self._rate = rate
        self._folder = folder
        self._say = say

    def run(self, swaps: int, calm_seconds: float, rest_seconds: float, registry_folder: Path) -> SwapRun:
        """Swap so many times, with calm times before, after and between: a machine's speed changes by the minute.

        Args:
            swaps: How many.
            calm_seconds: Length of the first and of the last calm time.
            rest_seconds: Length of the one after each swap, in which the new version is watched.
            registry_folder: Where the workers find the registry.

        Raises:
            SwapError: A swap takes too long.
            WorkerError: A worker failed.
            RoomError: The feed failed.
        """
        swapping: list[Window] = []
        took: list[float] = []
        rss: list[int] = []
        with ExitStack() as stack:
            stream = stack.enter_context(Stream(self._broker, registry_folder))
            workers = _workers(stack, stream, self._folder)
            of_calm: list[int] = []
            with steady_feed(stream, self._rate) as feed:
                self._say("until the first windows have closed")
                surge = stream.settings.surge
                time.sleep(until_first_close(time.time(), surge.window_seconds, surge.allowed_lateness_seconds))
                calm = [_long_calm(calm_seconds, workers, of_calm)]
                events = stack.enter_context(
                    Follower(stream.settings.kafka, [model_events_topic(stream.settings.topics)], from_beginning=True)
                )
                for number in range(1, swaps + 1):
                    version = self._versions[number % len(self._versions)]
                    window, seconds = self._swap(stream, events, version)
                    swapping.append(window)
                    took.append(seconds)
                    time.sleep(_AFTER_SECONDS)
                    calm.append(_calm(rest_seconds))
                    feed.require()
                    rss.append(_rss(workers))
                    self._say(f"swap {number}: version {version} after {seconds:.1f} s, {rss[-1] / 1e6:.0f} MB")
                calm.append(_long_calm(calm_seconds, workers, of_calm))
            sent = len(stream.sent_times())
            workers[0].wait_until_committed(sent)
            for worker in workers:
                worker.stop()
            return SwapRun(read_ledger(stream), calm, swapping, took, rss, of_calm)

    def _swap(self, stream: Stream, events: Follower, version: int) -> tuple[Window, float]:
        pointer = promote(stream.settings, self._registry, version, "benchmark", "to be measured")
        done: dict[str, float] = {}
        deadline = time.monotonic() + _LONGEST_SWAP_SECONDS
        while len(done) < WORKERS:
            if time.monotonic() > deadline:
                raise SwapError(f"{len(done)} of {WORKERS} workers took version {version} up; see their logs")
            for record in events.poll(0.5):
                event = msgspec.json.decode(record.value, type=ModelEvent)
                if event.epoch == pointer.epoch and event.kind == "swapped":
                    done[event.by] = event.time.timestamp()
                elif event.kind in ("swap_failed", "rolled_back"):
                    raise SwapError(f"version {event.version}: {event.kind}: {' '.join(event.reasons)}")
        begin, end = pointer.time.timestamp(), max(done.values())
        return Window(begin, end + _AFTER_SECONDS), end - begin


def _workers(stack: ExitStack, stream: Stream, folder: Path) -> list[WorkerProcess]:
    folders = [folder / f"worker-{number}" for number in range(WORKERS)]
    for own in folders:
        own.mkdir(parents=True, exist_ok=True)
    # As docs/operating.md has it for several workers on one machine.
    lanes = max(1, (os.cpu_count() or 1) // WORKERS)
    variables = {"TOCSIN_ENRICH__LANES": str(lanes)}
    workers = [stack.enter_context(WorkerProcess(stream, own, variables=variables)) for own in folders]
    for worker in workers:
        worker.wait_until_ready()
    return workers


def until_first_close(now: float, window_seconds: float, patience_seconds: float) -> float:
    """Seconds until a window is over that all subjects were heard in.

    A subject's state comes to be when its first window closes: what memory it takes is no swap's.

    Args:
        now: When the feed began, seconds since the epoch.
        window_seconds: Length of a window.
        patience_seconds: How long after its end a window stays open.
    """
    end = math.ceil((now + _PASS_SECONDS) / window_seconds) * window_seconds
    return end + patience_seconds + _SETTLING_SECONDS - now


def _calm(seconds: float) -> Window:
    begin = time.time()
    time.sleep(seconds)
    return Window(begin, time.time())


def _long_calm(seconds: float, workers: Sequence[WorkerProcess], rss_bytes: list[int]) -> Window:
    rss_bytes.append(_rss(workers))
    window = _calm(seconds)
    rss_bytes.append(_rss(workers))
    return window


def _rss(workers: Sequence[WorkerProcess]) -> int:
    return sum(psutil.Process(worker.pid).memory_info().rss for worker in workers)
