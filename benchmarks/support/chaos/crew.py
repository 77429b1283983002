"""Real workers under a supervisor that starts again whatever ends unasked, as systemd or Kubernetes would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Self

from benchmarks.support.chaos.waiting import TrialError, wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.support.stream import Stream

PLAIN = "streams.cli.main"
DOOMED = "benchmarks.support.chaos.doomed"

_READY_SECONDS = 120.0
_STOP_SECONDS = 40.0
_WATCH_SECONDS = 0.2
_RESTART_SECONDS = 0.5
_ADDRESS = "metrics: "


class Worker:
    """One place in the crew: a process, and those that come after it.

    Args:
        environment: Variables of the process.
        log: Where all its lives write to.
        module: What the first life runs.
    """

    def __init__(self, environment: Mapping[str, str], log: Path, module: str) -> None:
        self._environment = environment
        self._log = log
        self.wanted = True
        """Whether it is to be started again."""
        self.exits: list[int] = []
        """Exit codes of the lives that are over; negative for a signal."""
        self._popen = self._start(module)

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._popen.poll() is None

    @property
    def log(self) -> str:
        """What all its lives have written."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to the process of now."""
        self._popen.kill()

    def ask_to_stop(self) -> None:
        """SIGTERM, and no further life."""
        self.wanted = False
        self._popen.terminate()

    def wait(self) -> int:
        """Wait for the end of a worker that was asked to stop, and return its exit code.

        Raises:
            TrialError: It does not end.
        """
        try:
            return self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise TrialError(f"a worker did not stop within {_STOP_SECONDS:g} s") from None

    def is_ready(self) -> bool:
        """Whether its model answers and partitions are assigned to it."""
        return self._get("/readyz") is not None

    def page(self, path: str) -> str:
        """One of its pages; empty where it does not answer."""
        return self._get(path) or ""

    def metric(self, sample: str) -> float:
        """Value of a metric's sample, such as ``tocsin_assigned_partitions``; 0 where it is not shown."""
        page = self.page("/metrics")
        values = [line.rsplit(" ", 1)[1] for line in page.splitlines() if line.startswith(f"{sample} ")]
        return float(values[0]) if values else 0.0

    def look(self) -> None:
        """Start it again where it has ended unasked."""
        if self.wanted and not self.running:
            self.exits.append(self._popen.returncode)
            self._popen = self._start(PLAIN)

    def end(self) -> None:
        """Kill it for good."""
        self.wanted = False
        if self.running:
            self._popen.send_signal(signal.SIGKILL)
        self._popen.wait()

    def _start(self, module: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, "worker"],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _get(self, path: str) -> str | None:
        told = [line.removeprefix(_ADDRESS) for line in self.log.splitlines() if line.startswith(_ADDRESS)]
        if not told or not self.running:
            return None
        try:
            with urllib.request.urlopen(told[-1].removesuffix("/metrics") + path, timeout=5) as answer:  # noqa: S310  loopback, told by our own process
                text: str = answer.read().decode()
                return text
        except OSError:
            return None


class Crew:
    """The workers of one group. A context manager that ends them.

    Args:
        stream: What they read and write.
        folder: For their logs and state.
        further: Settings over the stream's, as variables.
    """

    def __init__(self, stream: Stream, folder: Path, further: Mapping[str, str]) -> None:
        self._environment = {**stream.environment, **further, "TOCSIN_METRICS__PORT": "0"}
        self._folder = folder
        self._stop = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self.workers: list[Worker] = []

    def add(self, module: str = PLAIN, **more: str) -> Worker:
        """One worker more.

        Args:
            module: What its first life runs; those after it run ``tocsin``.
            more: Further variables.
        """
        own = self._folder / f"worker-{len(self.workers)}"
        own.mkdir(parents=True, exist_ok=True)
        environment = {**self._environment, "TOCSIN_WORKER__DATA_DIR": str(own / "data"), **more}
        worker = Worker(environment, own / "worker.log", module)
        self.workers.append(worker)
        return worker

    @property
    def log(self) -> str:
        """What all have written."""
        return "".join(worker.log for worker in self.workers)

    @property
    def exits(self) -> list[int]:
        """Exit codes of all lives that ended unasked."""
        return [code for worker in self.workers for code in worker.exits]

    def wait_until_ready(self, *, which: Worker | None = None) -> None:
        """Wait until all that are wanted are ready, or one of them.

        Raises:
            TrialError: That takes too long.
        """
        workers = [which] if which is not None else [worker for worker in self.workers if worker.wanted]
        try:
            wait_for(
                lambda: all(worker.is_ready() for worker in workers), _READY_SECONDS, "for ready workers", every=0.3
            )
        except TrialError as error:
            raise TrialError(f"{error}. The last words:\n{self.log[-1500:]}") from error

    def wait_for_log(self, text: str, seconds: float = 90.0) -> None:
        """Wait until some worker has written this.

        Raises:
            TrialError: None does.
        """
        try:
            wait_for(lambda: text in self.log, seconds, f"for a worker to say {text!r}", every=0.3)
        except TrialError as error:
            raise TrialError(f"{error}. The last words:\n{self.log[-1500:]}") from error

    def stop(self) -> list[int]:
        """Ask all to stop, and return their exit codes."""
        running = [worker for worker in self.workers if worker.wanted]
        for worker in running:
            worker.ask_to_stop()
        return [worker.wait() for worker in running]

    def _watch(self) -> None:
        while not self._stop.wait(_WATCH_SECONDS):
            for worker in list(self.workers):
                if worker.wanted and not worker.running and not self._stop.wait(_RESTART_SECONDS):
                    worker.look()

    def __enter__(self) -> Self:
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watching.join()
        for worker in self.workers:
            worker.end()
