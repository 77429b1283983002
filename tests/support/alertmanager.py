"""The real Alertmanager under test, with the configuration that ships."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
from support.processes import wait_for

from streams.brokers.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIG = Path(__file__).parents[2] / "exporters" / "alertmanager" / "alertmanager.yml"
# Debian gives the program its package's name.
_PROGRAMS = ("prometheus-alertmanager", "alertmanager")


def require_program(*names: str) -> str:
    """Path of the first of these programs that is on this machine; without one the test is skipped by name."""
    for name in names:
        if path := shutil.which(name):
            return path
    reason = f"no {names[0]} on this machine: on Debian, apt-get install prometheus-alertmanager"
    if os.environ.get("TOCSIN_REQUIRE_PROMETHEUS") == "1":
        pytest.fail(f"TOCSIN_REQUIRE_PROMETHEUS=1, but {reason}")
    pytest.skip(reason)


def amtool(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Alertmanager's own tool."""
    return subprocess.run([require_program("amtool"), *args], capture_output=True, text=True, timeout=30, check=False)


class Alertmanager:
    """One Alertmanager on the loopback interface, without a cluster. A context manager.

    Args:
        folder: For its own state.
        config: Its configuration.
    """

    def __init__(self, folder: Path, config: Path = CONFIG) -> None:
        self._program = require_program(*_PROGRAMS)
        self._folder, self._config = folder, config
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        """Base address of it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return once it is ready."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._config}",
                    f"--storage.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                ],
                stdout=log,
                stderr=log,
            )
        wait_for(self._is_ready, what="for Alertmanager to be ready")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def alerts(self, *matchers: str) -> list[dict[str, Any]]:
        """What it holds for firing, inhibited or not, in order of subject and severity."""
        answer = httpx.get(f"{self.url}/api/v2/alerts", params={"filter": list(matchers)}, timeout=10, trust_env=False)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return sorted(found, key=lambda alert: (alert["labels"].get("subject", ""), alert["labels"]["severity"]))

    def firing(self) -> list[tuple[str, str]]:
        """Subject and severity of each alert that it holds for firing."""
        return _names(self.alerts())

    def inhibited(self) -> list[tuple[str, str]]:
        """Subject and severity of each that is muted by a stronger or wider one."""
        return _names([alert for alert in self.alerts() if alert["status"]["inhibitedBy"]])

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=1, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _names(alerts: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(alert["labels"]["subject"], alert["labels"]["severity"]) for alert in alerts]
