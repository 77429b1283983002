"""A child process on a leash: its output in a bounded buffer, ended with us, asked to stop before it is made to."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence

_LEASH = Path(__file__).with_name("leash.py")
_LINES_KEPT = 200


class ChildProcess:
    """A running program whose output is read all the time, so that it never blocks on a full pipe.

    The kernel ties it to the thread that started it: start it from one that lives as long as the program shall.

    Args:
        argv: The program and its arguments.
        on_parent_death: What the program gets when this process dies (Linux).
        env: Its environment; this process's own where absent.
    """

    def __init__(
        self, argv: Sequence[str], *, on_parent_death: signal.Signals, env: Mapping[str, str] | None = None
    ) -> None:
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(on_parent_death))]
        # In a session of its own, so that Ctrl-C at the terminal reaches us alone and we stop it in order.
        self._process = subprocess.Popen(  # noqa: S603  the programs are ours
            [*leash, *argv],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def output(self, lines: int = 20) -> str:
        """The last lines that it wrote."""
        if not self.running:
            self._reader.join(timeout=1.0)
        return "\n".join(list(self._lines)[-lines:])

    def stop(self, *, grace: float) -> None:
        """Ask it to end (SIGTERM), and make it (SIGKILL) after ``grace`` seconds."""
        self._process.terminate()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reap()

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._process.kill()
        self._reap()

    def _reap(self) -> None:
        self._process.wait()
        self._reader.join()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            self._lines.extend(line.rstrip("\n") for line in stream)
