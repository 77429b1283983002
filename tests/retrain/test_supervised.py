"""A run in a process of its own: whose signals it minds."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from support.processes import wait_for

from retrain.learner import Learner
from retrain.supervised import start
from streams.contract.model_records import RetrainRequest
from streams.contract.settings import Settings, WorkerSettings

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.learner import Tell
    from retrain.run_record import RunRecord


class Waits:
    """A run that goes on until it is killed, and writes down whether anything else has ended it."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.worker.data_dir

    def run(self, _request: RetrainRequest) -> RunRecord:
        (self._folder / "began").touch()
        try:
            threading.Event().wait()
        finally:
            (self._folder / "broken off").touch()
        raise AssertionError("nobody sets it")


def waits(settings: Settings, _tell: Tell) -> Waits:
    return Waits(settings)


def test_ctrl_c_is_the_schedules_which_ends_the_run_so_that_it_is_gone_on_with(
    tmp_path: Path, clean_environment: None
) -> None:
    learner = Learner("encoder", Settings(worker=WorkerSettings(data_dir=tmp_path)), waits)
    process = start(learner, RetrainRequest(id="r", model="encoder", time=datetime.now(UTC), by="ann"))
    try:
        wait_for((tmp_path / "began").exists, 60)
        assert process.pid is not None
        # As a terminal does to all of its processes.
        os.kill(process.pid, signal.SIGINT)
        process.join(1.0)
        assert process.is_alive()
        # As the schedule does then.
        process.terminate()
        process.join(30)
        assert process.exitcode == -signal.SIGTERM
        assert not (tmp_path / "broken off").exists()
    finally:
        process.kill()
