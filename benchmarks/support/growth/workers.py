"""Messages a second by the number of workers, which wait where they would compute."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psutil

from benchmarks.support.real_messages import load_messages
from benchmarks.support.stream import Stream
from benchmarks.support.worker_process import WorkerProcess
from models.runtime import Encoder
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.support.real_messages import RealMessage
    from benchmarks.support.served_version import ServedVersion
    from streams.brokers.broker import Broker

PARTITIONS = 16
_LAUNCHER = "benchmarks.support.growth.waiting_worker"
_DISTINCT = 12_000
_TIMED_TEXTS = 480
_BATCH = 32
# Of the outputs, those before the last of which every worker still has something to read.
_UNTIL = 0.8
_SETTLED_SECONDS = 1.0


class Plan(NamedTuple):
    """What is tried."""

    workers: Sequence[int]
    seconds: float
    """So much is there to be read by each worker, by its wait alone."""


def seconds_per_text(version: ServedVersion) -> float:
    """How long one lane computes for a text, in batches, with nothing else under way: the wait's length."""
    model = Settings().model
    encoder = Encoder.load(version.folder, threads=model.threads, sub_batch=model.sub_batch)
    encoder.warm_up()
    texts = [message.text for message in load_messages(_TIMED_TEXTS)]
    begin = time.perf_counter()
    for first in range(0, len(texts), _BATCH):
        encoder.read(texts[first : first + _BATCH])
    return (time.perf_counter() - begin) / len(texts)


def measure(broker: Broker, registry: Path, plan: Plan, wait: float, folder: Path) -> list[dict[str, Any]]:
    """One run for each number of workers.

    Args:
        broker: A running broker.
        registry: Folder of the model versions.
        plan: What is tried.
        wait: Seconds for each text.
        folder: Folder for the workers' logs and state.

    Raises:
        UnansweredError: Not every message came out as a prediction.
        WorkerError: A worker failed.
    """
    return [_run(broker, registry, count, plan.seconds, wait, folder / f"of-{count}") for count in plan.workers]


def _run(broker: Broker, registry: Path, count: int, seconds: float, wait: float, folder: Path) -> dict[str, Any]:
    messages = _messages(math.ceil(count * seconds / wait))
    with ExitStack() as stack:
        stream = stack.enter_context(Stream(broker, registry, partitions=PARTITIONS))
        workers = [_worker(stack, stream, folder / f"worker-{number}", wait) for number in range(1, count + 1)]
        for worker in workers:
            worker.wait_until_ready()
        stream.fill(messages)
        # To fill costs the cores, too: what is read meanwhile does not count.
        begin = time.time() + _SETTLED_SECONDS
        psutil.cpu_percent()
        workers[0].wait_until_committed(math.floor(_UNTIL * len(messages)))
        busy = psutil.cpu_percent()
        workers[0].wait_until_committed(len(messages))
        for worker in workers:
            worker.stop()
        answered = np.sort(list(stream.answered_times(len(messages)).values()))
    rate = rate_from(answered, begin, _UNTIL)
    return {
        "workers": count,
        "messages_per_second": rate,
        "messages": len(messages),
        "share_of_waits": rate * wait / count,
        "machine_busy": busy / 100,
    }


def rate_from(times: NDArray[np.float64], begin: float, until: float) -> float:
    """Events a second from a moment on to a quantile of all, by a straight line through their count.

    They come in batches: a rate from one event to another would depend on where in its batch each of them is.

    Args:
        times: Ascending, seconds.
        begin: The moment.
        until: The quantile, as a share.

    Raises:
        ValueError: By then most had happened.
    """
    first, last = int(np.searchsorted(times, begin)), math.floor(until * (len(times) - 1))
    if last - first < len(times) / 10:
        raise ValueError("most of the messages were read while they were sent: give each worker more of them")
    window = times[first : last + 1]
    return float(np.polyfit(window - window[0], np.arange(len(window)), 1)[0])


def _messages(count: int) -> list[RealMessage]:
    found = cycle(load_messages(min(count, _DISTINCT)))
    return [message.of_now()._replace(id=str(number)) for number, message in enumerate(islice(found, count))]


def _worker(stack: ExitStack, stream: Stream, folder: Path, wait: float) -> WorkerProcess:
    folder.mkdir(parents=True)
    module = [_LAUNCHER, "--seconds-per-text", str(wait)]
    # One lane each: what a core reads.
    return stack.enter_context(WorkerProcess(stream, folder, module=module, variables={"TOCSIN_ENRICH__LANES": "1"}))
