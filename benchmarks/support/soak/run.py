"""A soak from its first broker to its last message."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.support.real_messages import load_messages
from benchmarks.support.results import ROOT
from benchmarks.support.served_version import served_version
from benchmarks.support.soak.acts import Acts, Stage
from benchmarks.support.soak.feeding import Feeding
from benchmarks.support.soak.folder import Phase
from benchmarks.support.soak.ledger import read_messages
from benchmarks.support.soak.timetable import timetable
from benchmarks.support.soak.watcher import Watcher
from benchmarks.support.stream import Stream
from benchmarks.support.swap.run import WORKERS, measure_capacity
from benchmarks.support.swap.versions import register_variants
from benchmarks.support.worker_process import WorkerProcess
from models.registry import Registry
from streams.brokers.kafka import ApacheKafkaBroker
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.support.soak.folder import Messages, Run, SoakFolder

JARS = ROOT / ".tocsin" / "kafka"

_VARIANTS = 3
# Two workers and three share them evenly.
_PARTITIONS = 6
_POLL_SECONDS = 0.5
# Of the time that the backlog's rate promises: what is drained has surge's state to write, and company.
_PATIENCE, _PATIENCE_SECONDS = 2.0, 180.0
_LINGER_MS = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how much."""

    steady_seconds: float
    overload_seconds: float
    overload_times: float
    """Of the most that the workers manage."""
    backlog: int
    """Messages by which that is found."""
    guest_seconds: float
    """How long a further worker stays."""


class Soak:
    """Runs a plan.

    Args:
        plan: What is to be done.
        run: How it is set up; what is found out is written into it.
        folder: Where samples and figures go.
        registry: Of the served version.
        say: Told what is under way.
    """

    def __init__(self, plan: Plan, run: Run, folder: SoakFolder, registry: Path, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._run = run
        self._folder = folder
        self._registry = registry
        self._say = say
        self._workers: list[WorkerProcess] = []

    def measure(self) -> None:
        """Do it all, and leave in the folder what a report needs.

        Raises:
            WorkerError: A worker ended, or was not ready in time.
            RoomError: The producer failed.
            UnansweredError: The backlog did not come out whole.
            BrokerError: The broker failed.
        """
        path, plan, run = self._folder.path, self._plan, self._run
        with ExitStack() as stack:
            work = stack.enter_context(_passing(path / "work"))
            variants = Registry(str(work / "registry"))
            numbers = register_variants(variants, served_version(self._registry), _VARIANTS, work)
            variants.set_alias(Settings().model.name, "champion", numbers[0])
            broker = stack.enter_context(ApacheKafkaBroker(work / "kafka", jars=JARS, on_progress=self._say))
            self._say("what two workers manage")
            messages = [message.of_now() for message in load_messages(plan.backlog)]
            run.messages_per_second = measure_capacity(broker, work / "registry", messages, path / "capacity")
            self._folder.keep_run(run)
            self._say(f"{run.messages_per_second:.0f} messages/s")
            stream = stack.enter_context(Stream(broker, work / "registry", partitions=_PARTITIONS))
            self._start_workers(stack, stream)
            watched = {f"worker-{number}": worker.pid for number, worker in enumerate(self._workers, 1)}
            with Watcher(stream.settings, watched, self._folder) as watcher:
                stage = Stage(stream, variants, numbers, WORKERS, plan.guest_seconds)
                self._steady(stage, watcher)
                if plan.overload_seconds:
                    self._overload(stream, watcher)
            for worker in self._workers:
                worker.stop()
            self._say("reading all that came out")
            found = read_messages(stream, _sent(run))
            self._folder.keep_messages(found)
            for phase in _phases(run):
                _take_times(phase, found)
            self._folder.keep_run(run)

    def _steady(self, stage: Stage, watcher: Watcher) -> None:
        plan, run = self._plan, self._run
        rate = run.messages_per_second * run.rate_share
        acts = Acts(stage, self._folder, self._folder.path, self._say)
        self._say(f"{plan.steady_seconds / 60:.1f} min at {rate:.0f} messages/s")
        begin = time.monotonic()
        run.steady = Phase(first=0, rate=rate, begin=time.time())
        due = timetable(plan.steady_seconds)
        try:
            with Feeding(stage.stream, rate, plan.steady_seconds) as feeding:
                while not feeding.is_over:
                    time.sleep(_POLL_SECONDS)
                    self._require_workers()
                    acts.look()
                    if due and time.monotonic() - begin >= due[0].at:
                        acts.perform(due.pop(0))
                self._close(run.steady, feeding)
            acts.leave_out(due)
        finally:
            acts.close()
        self._drain(run.steady, watcher, backlog=rate * _PATIENCE_SECONDS)

    def _overload(self, stream: Stream, watcher: Watcher) -> None:
        plan, run = self._plan, self._run
        rate = run.messages_per_second * plan.overload_times
        self._say(f"overload: {plan.overload_seconds / 60:.1f} min at {rate:.0f} messages/s")
        run.overload = Phase(first=_sent(run), rate=rate, begin=time.time())
        first, seconds = run.overload.first, plan.overload_seconds
        with Feeding(stream, rate, seconds, first=first, linger_ms=_LINGER_MS) as feeding:
            while not feeding.is_over:
                time.sleep(_POLL_SECONDS)
                self._require_workers()
            self._close(run.overload, feeding)
        self._drain(run.overload, watcher, backlog=run.overload.messages)

    def _close(self, phase: Phase, feeding: Feeding) -> None:
        phase.end = time.time()
        phase.messages, phase.sent_per_second, phase.latest_seconds = feeding.finish()
        self._folder.keep_run(self._run)

    def _drain(self, phase: Phase, watcher: Watcher, *, backlog: float) -> None:
        """Wait until nothing is left to read."""
        within = _PATIENCE * backlog / self._run.messages_per_second + _PATIENCE_SECONDS
        self._say(f"sent {phase.messages}; waiting for the last, at most {within / 60:.0f} min")
        deadline = time.monotonic() + within
        reached = None
        while reached is None and time.monotonic() < deadline:
            self._require_workers()
            reached = watcher.wait_for_lag(0, min(deadline, time.monotonic() + 10 * _POLL_SECONDS))
        if reached is None:
            # The figures tell it: what was measured until now is not thrown away.
            self._say(f"not all {phase.messages} messages were done {within:.0f} s after the last was sent")
        else:
            phase.drained = reached.time
        self._folder.keep_run(self._run)

    def _start_workers(self, stack: ExitStack, stream: Stream) -> None:
        for number in range(1, WORKERS + 1):
            own = self._folder.path / f"worker-{number}"
            own.mkdir(parents=True, exist_ok=True)
            self._workers.append(stack.enter_context(WorkerProcess(stream, own)))
        for worker in self._workers:
            worker.wait_until_ready()

    def _require_workers(self) -> None:
        for worker in self._workers:
            worker.require_alive()


def _take_times(phase: Phase, messages: Messages) -> None:
    """Have a phase begin with its first message and end with its last, whatever else was under way then."""
    sent = messages.sent[phase.place]
    if np.isfinite(sent).any():
        phase.begin, phase.end = float(np.nanmin(sent)), float(np.nanmax(sent))


def _sent(run: Run) -> int:
    return sum(phase.messages for phase in _phases(run))


def _phases(run: Run) -> list[Phase]:
    return [phase for phase in (run.steady, run.overload) if phase is not None]


@contextmanager
def _passing(folder: Path) -> Iterator[Path]:
    """A folder that goes when it is left: the broker's data are gigabytes."""
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
