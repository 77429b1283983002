"""A training run in a process of its own, as the schedule starts it."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from typing import TYPE_CHECKING

import structlog

from models.registry import Registry
from retrain.job import settle as settle_latest
from retrain.lock import BusyError
from retrain.messenger import KafkaMessenger
from retrain.scheduler import BUSY_CODE
from streams.contract.logs import configure_logging

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from retrain.learner import Learner
    from retrain.run_record import RunRecord
    from streams.contract.model_records import RetrainRequest

_log = structlog.get_logger(__name__)


def start(learner: Learner, request: RetrainRequest) -> SpawnProcess:
    """Start a run; it ends by itself, and its exit code says no more than whether it began."""
    # Spawned, not forked: the schedule has threads, and torch is none of its own.
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(learner, request), name="retrain")
    process.start()
    return process


def settle(learner: Learner) -> RunRecord | None:
    """Tell of a model's latest run if it was killed, without the libraries of training.

    Returns:
        Its record; None before the first run.

    Raises:
        BusyError: A run is under way on this machine.
        BrokerError: The brokers do not take it.
        VersionError: The registry holds what cannot be read.
        OSError: The registry is out of reach.
    """
    settings = learner.own_settings
    registry = Registry.of(settings.model)
    return settle_latest(settings, registry, KafkaMessenger(settings, registry))


def _run(learner: Learner, request: RetrainRequest) -> None:
    # Ctrl-C reaches all processes of a terminal. It is the schedule's: that ends this one so that it is gone on with.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logging(learner.settings.log)
    stages: set[str] = set()

    def tell(stage: str, _done: int, _total: int) -> None:
        if stage not in stages:
            stages.add(stage)
            _log.info("a stage of the training run begins", model=learner.name, stage=stage)

    try:
        learner.job(learner.settings, tell).run(request)
    except BusyError:
        sys.exit(BUSY_CODE)
