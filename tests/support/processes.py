"""Real ``tocsin`` processes under test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streams.contract.settings import Settings

T = TypeVar("T")

_GRACE_SECONDS = 10.0
_TOCSIN = "streams.cli.main"


def settings_env(settings: Settings) -> dict[str, str]:
    """The ``TOCSIN_*`` variables under which a process has these settings."""
    variables = {}
    for section, value in settings:
        if not isinstance(value, BaseModel):
            variables[f"TOCSIN_{section.upper()}"] = str(value)
            continue
        for name, field in value:
            if field is not None:
                variables[f"TOCSIN_{section.upper()}__{name.upper()}"] = _text(field)
    return variables


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, dict | list | tuple | bool) else str(value)


def wait_for(predicate: Callable[[], T], timeout: float = 30.0, *, every: float = 0.05, what: str = "") -> T:
    """Ask until the answer is true, and return it; fail the test after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain {what or f'for {predicate}'}")
        time.sleep(every)


class TocsinProcess:
    """A running ``tocsin``; a context manager that ends it. Its output is kept in files, so that it never blocks.

    Args:
        args: Arguments after ``tocsin``.
        env: Variables over this process's own.
        module: What is run.
    """

    def __init__(self, args: Sequence[str], env: Mapping[str, str], module: str = _TOCSIN) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tocsin-test-")
        self._out, self._err = (Path(self._folder.name, name) for name in ("out", "err"))
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", module, *args],
                env={**os.environ, **_path_to(module), **env, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self.popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.popen.poll() is None

    @property
    def stdout(self) -> str:
        """What it has written to standard output so far."""
        return self._out.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """What it has written to standard error so far."""
        return self._err.read_text(errors="replace")

    def wait(self, timeout: float = 30.0) -> int:
        """Wait for its end, and return its exit code; fail the test after ``timeout`` seconds."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.popen.args} did not end within {timeout:g} s: {self.stderr}") from None

    def terminate(self, timeout: float = 30.0) -> int:
        """Ask it to end (SIGTERM), wait, and return its exit code."""
        self.popen.terminate()
        return self.wait(timeout)

    def kill(self) -> None:
        """Kill it (SIGKILL)."""
        self.popen.kill()
        self.popen.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self.popen.terminate()
            try:
                self.popen.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._folder.cleanup()


def _path_to(module: str) -> dict[str, str]:
    return {} if module == _TOCSIN else {"PYTHONPATH": str(Path(__file__).parents[1])}


def run_tocsin(args: Sequence[str], env: Mapping[str, str], module: str = _TOCSIN) -> TocsinProcess:
    """Start ``tocsin`` with these arguments and variables; or another module of the same command line."""
    return TocsinProcess(args, env, module)
