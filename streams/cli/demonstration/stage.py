"""Where the demonstration plays: settings of its own, and a worker that is a process like any other."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from pydantic import BaseModel

from streams.brokers.broker import free_port
from streams.brokers.process import ChildProcess
from streams.cli.common import CommandError
from streams.contract.model_settings import RetrainSettings, SwapSettings
from streams.contract.service_settings import RecommendSettings
from streams.contract.settings import (
    AlertmanagerSettings,
    KafkaSettings,
    LogSettings,
    MetricsSettings,
    Settings,
    SurgeSettings,
    TopicsSettings,
)

_READY_SECONDS = 90.0
_POLL_SECONDS = 0.1
_PROBE_SECONDS = 2.0
_STOP_SECONDS = 10.0

EASILY_ALARMED = (
    "This desk is easily alarmed: it knows one morning, counts in windows of two minutes, and may err eight times in a "
    "morning, not twice in a week."
)
"""How the stage's surge detection differs from what is usual, for who sees it ring."""
# A sample is a morning of three hours, of which a week has 56.
_MORNINGS_A_WEEK = 56
_FALSE_ALARMS_A_MORNING = 8


def stage_settings(own: Settings, bootstrap_servers: str, folder: Path) -> Settings:
    """Settings for the stage: the user's domain and model, and nothing of the user's Kafka or Alertmanager.

    Args:
        own: The user's settings.
        bootstrap_servers: Address of the embedded broker.
        folder: For what the worker writes.
    """
    kafka = KafkaSettings(
        bootstrap_servers=bootstrap_servers,
        group_id="tocsin-demo",
        # Tansu lets a group wait for half of it before its first member may read.
        session_timeout_seconds=6.0,
        heartbeat_interval_seconds=1.0,
    )
    usual = RecommendSettings()
    return own.model_copy(
        update={
            "kafka": kafka,
            # One partition: what subjects have in common is learned by partition, and a morning teaches little of it.
            "topics": TopicsSettings(partitions=1),
            "surge": surge_settings(),
            # Heads alone: no torch, and some three minutes. Whether a version is served in int8 is decided on a few
            # hundred texts here, so that champion and candidate may differ in it, and in speed. The first model was
            # fitted on all of the seed but what is tested; a candidate leaves an eighth of that out, to validate on.
            # Two fits of the head of entities, equal on texts as they are, were six points apart in lower case.
            "retrain": RetrainSettings(method="heads", slowdown=3.0, margin=0.08, data_dir=folder / "retrain"),
            "swap": SwapSettings(stagger_seconds=0.0),
            "alertmanager": AlertmanagerSettings(),
            "metrics": MetricsSettings(port=free_port()),
            # The user's time-outs stay, since others of the user's settings are such as go with them.
            "worker": own.worker.model_copy(update={"data_dir": folder / "worker"}),
            # The user's names may be those of the stage's inputs.
            "recommend": own.recommend.model_copy(
                update={"items_topic": usual.items_topic, "behaviors_topic": usual.behaviors_topic}
            ),
            "log": LogSettings(level="warning"),
        }
    )


def with_borrowed_champion(own: Settings, folder: Path) -> Settings:
    """A registry of the stage's own, with the user's champion as its first version: what is taught here stays here.

    Args:
        own: The user's settings.
        folder: Where the registry is made.

    Raises:
        VersionError: The champion is missing or corrupt.
    """
    # Late, so that the command line stays quick for all other commands.
    from models.manifest import MANIFEST, Manifest, read  # noqa: PLC0415
    from models.registry import Registry  # noqa: PLC0415

    model = own.model
    _, champion = Registry.of(model).resolve_and_fetch(model.name, "champion", model.cache)
    told = read(champion / MANIFEST, Manifest)
    # Beside its files a version's folder may hold what the registry keeps there for itself.
    copy = folder / "champion"
    copy.mkdir()
    for file in told.files:
        shutil.copy(champion / file, copy / file)
    registry = Registry(str(folder / "registry"))
    version = registry.register(
        copy,
        model.name,
        precision=told.precision,
        max_tokens=told.max_tokens,
        width=told.width,
        metrics=told.metrics,
        lineage=told.lineage,
    )
    registry.set_alias(model.name, "champion", version)
    borrowed = model.model_copy(update={"registry": registry.url, "alias": "champion"})
    return own.model_copy(update={"model": borrowed})


def surge_settings() -> SurgeSettings:
    """Surge detection for a desk that sees one morning, at some two hundred times the pace of its messages' own time.

    It is the real detector on what the model really reads; what differs is told by ``EASILY_ALARMED``.
    """
    return SurgeSettings(
        # A baseline is learned by the hour, once the scan's 24 windows have left it: of five minutes each, after the
        # morning is over; of two, from its third hour on.
        window_seconds=120,
        # What was learned of the first hour is all that a morning's desk can go by.
        warm_up_hours=0.4,
        warm_up_messages=5.0,
        false_alarms_per_week=_FALSE_ALARMS_A_MORNING * _MORNINGS_A_WEEK,
        # By the messages' own time; about one second, and two and a half, of the play.
        allowed_lateness_seconds=300.0,
        max_skew_seconds=600.0,
        # By the clock.
        idle_seconds=3.0,
        checkpoint_seconds=1.0,
    )


def environment(settings: Settings, folder: Path) -> dict[str, str]:
    """This process's environment with these settings in the place of all others, of variables or a file.

    Args:
        settings: Without secrets: pydantic writes none.
        folder: Where an empty settings file is put.
    """
    variables = {name: value for name, value in os.environ.items() if not name.upper().startswith("TOCSIN_")}
    empty = folder / "empty.toml"
    empty.touch()
    variables["TOCSIN_CONFIG"] = str(empty)
    for name, value in settings:
        text = value.model_dump_json(exclude_none=True) if isinstance(value, BaseModel) else str(value)
        variables[f"TOCSIN_{name.upper()}"] = text
    return variables


class StageWorker:
    """``tocsin worker`` in a process of its own; a context manager that ends it.

    Args:
        settings: From ``stage_settings``.
        folder: For what it writes.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.url = f"http://{settings.metrics.host}:{settings.metrics.port}"
        self._process = ChildProcess(
            [sys.executable, "-m", "streams.cli.main", "worker"],
            on_parent_death=signal.SIGKILL,
            env=environment(settings, folder),
        )

    def wait_until_ready(self, tell: Callable[[str], None]) -> None:
        """Return once ``/readyz`` answers 200.

        Args:
            tell: Told what is being waited for.

        Raises:
            CommandError: The worker ended, or is not ready in time; the message holds its last words.
        """
        deadline = time.monotonic() + _READY_SECONDS
        # Loopback: a proxy that the environment names is not asked.
        with httpx.Client(trust_env=False, timeout=_PROBE_SECONDS) as probe:
            while True:
                self.require_running()
                try:
                    answer = probe.get(f"{self.url}/readyz")
                except httpx.TransportError:
                    tell("it loads the model")
                else:
                    if answer.is_success:
                        return
                    tell(f"it joins the consumer group ({answer.json()['checks']['partitions']})")
                if time.monotonic() > deadline:
                    raise CommandError(
                        f"the worker was not ready within {_READY_SECONDS:g} s. Its last words:\n"
                        f"{self._process.output()}"
                    )
                time.sleep(_POLL_SECONDS)

    def require_running(self) -> None:
        """Make sure that it lives.

        Raises:
            CommandError: It has ended; the message holds its last words.
        """
        if not self._process.running:
            raise CommandError(
                f"the worker ended by itself, exit code {self._process.exit_code}. Its last words:\n"
                f"{self._process.output()}"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stop(grace=_STOP_SECONDS)
