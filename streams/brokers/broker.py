"""A broker that runs on this machine, for as long as this process wants it."""

from __future__ import annotations

import signal
import socket
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from streams.brokers.errors import BrokerError
from streams.brokers.process import ChildProcess
from streams.brokers.ready import wait_until_ready
from streams.contract.settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

Engine = Literal["tansu", "kafka"]
LOOPBACK = "127.0.0.1"


class Broker(ABC):
    """What every broker on this machine can do; a context manager that starts and stops it.

    Args:
        port: Port on the loopback interface; 0 takes a free one, which is then kept over restarts.
    """

    engine: ClassVar[Engine]
    keeps_data: ClassVar[bool]
    _on_parent_death: ClassVar[signal.Signals] = signal.SIGKILL
    _ready_seconds: ClassVar[float]
    _stop_seconds: ClassVar[float]

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._process: ChildProcess | None = None

    @property
    def port(self) -> int:
        """Port that it listens on; 0 before the first start where none was given."""
        return self._port

    @property
    def bootstrap_servers(self) -> str:
        """Address for the clients."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def running(self) -> bool:
        """Whether the broker's process lives."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int | None:
        """Process id of the broker, where it was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it, and return once it answers a metadata request; nothing happens where it runs.

        Raises:
            BrokerError: The port is taken, a program is missing, or the broker ended or did not get ready; the
                message holds the last lines that it wrote.
        """
        if self.running:
            return
        self._port = self._port or free_port()
        _require_free(self._port)
        self._process = ChildProcess(self._command(), on_parent_death=self._on_parent_death)
        try:
            wait_until_ready(
                KafkaSettings(bootstrap_servers=self.bootstrap_servers),
                timeout=self._ready_seconds,
                alive=lambda: self.running,
            )
        except BaseException as error:
            self._process.kill()
            if not isinstance(error, BrokerError):  # such as Ctrl-C
                raise
            raise BrokerError(f"{self.engine}: {error}. Its last words:\n{self._process.output()}") from error

    def stop(self) -> None:
        """Stop it in order, by force where that takes too long."""
        if self._process is not None:
            self._process.stop(grace=self._stop_seconds)

    def kill(self) -> None:
        """Kill it (SIGKILL), as a crash would."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Stop it where it runs, and start it on the same port."""
        self.stop()
        self.start()

    def why_it_ended(self) -> str:
        """Exit code and last words, for a message about a broker that is no longer running."""
        if self._process is None:
            return "it was never started"
        return f"exit code {self._process.exit_code}. Its last words:\n{self._process.output()}"

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Make ready what the broker needs, and tell the program and arguments that run it."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """A port on the loopback interface that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])


def _require_free(port: int) -> None:
    # Else we would take another broker's answer for that of ours.
    with socket.socket() as sock:
        # As a server does: connections of a broker that was killed may linger on the port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOOPBACK, port))
        except OSError as error:
            raise BrokerError(
                f"port {port} cannot be had on {LOOPBACK} ({error.strerror}): stop what listens there, or choose "
                "another with --port (0 takes a free one)"
            ) from error
