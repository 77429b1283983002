"""(c) Tocsin itself: a real worker process between two topics of a real broker."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import psutil

from benchmarks.support.figures import Latency, latency, rate_between
from benchmarks.support.rooms import run_room
from benchmarks.support.stream import Stream
from benchmarks.support.worker_process import WorkerProcess, cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.support.real_messages import RealMessage
    from streams.brokers.broker import Broker

_LOW, _HIGH = 0.1, 0.9
_SETTLING_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class BacklogRun:
    """A worker on a backlog."""

    messages_per_second: float
    """Between the first and the last tenth of the outputs, by the outputs' own timestamps."""
    rss_peak_bytes: int
    rss_steady_bytes: int
    """Median over the second half of the run."""
    worker_cores: float
    """Processor seconds a second of the worker, all its threads, between the first and the last tenth."""
    broker_cores: float
    """Likewise of the broker."""


@dataclass(frozen=True, slots=True)
class PacedRun:
    """A worker on a stream below its limit."""

    offered_per_second: float
    latency: Latency
    worker_cores: float


def run_backlog(
    broker: Broker, registry: Path, messages: Sequence[RealMessage], folder: Path, *, reading_alone: bool = False
) -> BacklogRun:
    """Let a fresh worker work off a backlog; nobody reads until it is done.

    Args:
        broker: A running broker.
        registry: Folder of the model versions.
        messages: The backlog, in order of arrival.
        folder: Folder for the worker's log and state.
        reading_alone: Nothing is done with what is read but to publish it.

    Raises:
        UnansweredError: Not every message came out as a prediction.
        WorkerError: The worker failed.
    """
    broker_process = psutil.Process(broker.pid)
    with (
        Stream(broker, registry, messages, reading_alone=reading_alone) as stream,
        WorkerProcess(stream, folder) as worker,
    ):
        first = worker.wait_until_committed(math.ceil(_LOW * len(messages)))
        broker_before = cpu_seconds(broker_process)
        last = worker.wait_until_committed(math.floor(_HIGH * len(messages)))
        broker_after = cpu_seconds(broker_process)
        worker.wait_until_committed(len(messages))
        worker.stop()
        samples = worker.samples
        answered = stream.answered_times(len(messages))
    seconds = last.time - first.time
    working = [sample.rss_bytes for sample in samples if sample.committed]
    return BacklogRun(
        messages_per_second=rate_between(list(answered.values()), _LOW, _HIGH),
        rss_peak_bytes=max(sample.rss_bytes for sample in samples),
        rss_steady_bytes=round(median(working[len(working) // 2 :])),
        worker_cores=(last.cpu_seconds - first.cpu_seconds) / seconds,
        broker_cores=(broker_after - broker_before) / seconds,
    )


def run_paced(broker: Broker, registry: Path, rate: float, seconds: float, folder: Path) -> PacedRun:
    """Send at a rate that the worker keeps up with, and measure from input record to output record.

    Both timestamps are the clients' (CreateTime), of one clock: from the producer's call to the moment at which the
    output is handed to its producer.

    Args:
        broker: A running broker.
        registry: Folder of the model versions.
        rate: Mean messages a second.
        seconds: How long is measured; some seconds before it settle the stream.
        folder: Folder for the worker's log and state.

    Raises:
        UnansweredError: Not every message came out as a prediction.
        WorkerError: The worker failed.
        RoomError: The producer failed.
    """
    with Stream(broker, registry) as stream, WorkerProcess(stream, folder) as worker:
        worker.wait_until_ready()
        before = worker.sample()
        sent = run_room(
            "paced_producer",
            ["--rate", str(rate), "--seconds", str(seconds + _SETTLING_SECONDS)],
            variables=stream.environment,
        )
        after = worker.sample()
        worker.wait_until_committed(sent["messages"])
        worker.stop()
        answered, sent_at = stream.answered_times(sent["messages"]), stream.sent_times()
    return PacedRun(
        offered_per_second=sent["messages_per_second"],
        latency=latency(sent_at, answered, skip_seconds=_SETTLING_SECONDS),
        worker_cores=(after.cpu_seconds - before.cpu_seconds) / (after.time - before.time),
    )
