"""A real ``tocsin worker``, watched from outside: its memory, its processor time, how far it has come."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, NamedTuple, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from benchmarks.support.stream import Stream

_READY_SECONDS = 120.0
_STILL_SECONDS = 120.0
_POLL_SECONDS = 1.0
_ADDRESS = "metrics: "


class WorkerError(Exception):
    """The worker ended or stood still; the message holds its last words."""


class Sample(NamedTuple):
    """The worker at one moment."""

    time: float
    """Seconds, monotonic."""
    committed: int
    """Messages committed so far."""
    rss_bytes: int
    cpu_seconds: float
    """Processor time of all its threads so far, the runtime's among them."""


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time of a process so far, all threads, in user and system mode."""
    times = process.cpu_times()
    return float(times.user + times.system)


class WorkerProcess:
    """Runs ``tocsin worker`` on a stream until left; with the defaults of everything but addresses and names.

    Args:
        stream: What it reads and writes.
        folder: Folder for its log and state.
        module: What is run in the place of the command line, with what arguments.
        variables: Environment variables over those of the stream.
    """

    def __init__(
        self,
        stream: Stream,
        folder: Path,
        *,
        module: Sequence[str] = ("streams.cli.main", "worker"),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._stream = stream
        self._log = folder / "worker.log"
        environment = {
            **os.environ,
            **stream.environment,
            "TOCSIN_METRICS__PORT": "0",
            "TOCSIN_WORKER__DATA_DIR": str(folder / "worker"),
            **(variables or {}),
        }
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", *module],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._process = psutil.Process(self._popen.pid)
        self.samples: list[Sample] = []

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def sample(self) -> Sample:
        """Look at it once; the broker is asked how far it is, never the worker itself."""
        self.require_alive()
        now = Sample(
            time.monotonic(), self._stream.committed(), self._process.memory_info().rss, cpu_seconds(self._process)
        )
        self.samples.append(now)
        return now

    def wait_until_ready(self) -> None:
        """Wait until its model answers and partitions are assigned to it.

        Raises:
            WorkerError: It ends before that, or is not ready in time.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            self.require_alive()
            if time.monotonic() > deadline:
                raise WorkerError(f"the worker was not ready within {_READY_SECONDS:g} s. {self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def wait_until_committed(self, count: int) -> Sample:
        """Wait until the group has committed so many messages, and take samples meanwhile.

        Returns:
            The last of them; always a new one.

        Raises:
            WorkerError: It ends before that, or nothing moves for long.
        """
        done, moved = -1, time.monotonic()
        while True:
            time.sleep(_POLL_SECONDS)
            now = self.sample()
            if now.committed >= count:
                return now
            if now.committed > done:
                done, moved = now.committed, now.time
            elif now.time - moved > _STILL_SECONDS:
                raise WorkerError(f"the worker stands still at {done} of {count} messages. {self._last_words()}")

    def stop(self) -> None:
        """Stop it in order.

        Raises:
            WorkerError: It does not end well.
        """
        self.require_alive()
        self._popen.terminate()
        if self._popen.wait(_READY_SECONDS) != 0:
            raise WorkerError(f"the worker ended with {self._popen.returncode}. {self._last_words()}")

    def require_alive(self) -> None:
        """Make sure that it runs.

        Raises:
            WorkerError: It has ended.
        """
        if self._popen.poll() is not None:
            raise WorkerError(f"the worker ended with {self._popen.returncode}. {self._last_words()}")

    def _is_ready(self) -> bool:
        lines = self._log.read_text(errors="replace").splitlines()
        address = next((line.removeprefix(_ADDRESS) for line in lines if line.startswith(_ADDRESS)), None)
        if address is None:
            return False
        try:
            with urllib.request.urlopen(address.removesuffix("/metrics") + "/readyz", timeout=5):  # noqa: S310  loopback, told by our own process
                return True
        except urllib.error.URLError:
            return False

    def _last_words(self) -> str:
        return "Its last words:\n" + self._log.read_text(errors="replace")[-2000:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()
