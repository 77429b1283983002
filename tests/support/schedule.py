"""A schedule under test: its runs end when they are told to, and leave what record they are told to leave."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import generate_latest
from support.processes import wait_for

from exporters.retrain_metrics import RetrainMetrics
from retrain.learner import Learner
from retrain.lock import BusyError
from retrain.run_record import RunRecord
from retrain.scheduler import Scheduler
from streams.brokers.errors import BrokerUnreachableError
from streams.contract.topics import labels_topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.learner import Tell, Trains
    from retrain.triggers import Demand
    from streams.contract.model_records import RetrainRequest
    from streams.contract.settings import Settings


class ToyRun:
    """A run that ends when it is told to."""

    def __init__(self) -> None:
        self.exitcode: int | None = None
        self.terminated = False

    def terminate(self) -> None:
        self.terminated = True
        self.exitcode = -15

    def join(self) -> None:
        assert self.exitcode is not None


def never(settings: Settings, tell: Tell) -> Trains:
    raise AssertionError("toys run here")


class Bench:
    """A schedule under test, what it started, and what the runs left behind."""

    def __init__(self, settings: Settings, **ranker: Any) -> None:  # noqa: ANN401  fields of the learner
        self.settings = settings
        rules = settings.retrain
        encoder = Learner(
            "encoder",
            settings,
            never,
            cron=rules.cron,
            topic=labels_topic(settings.topics),
            enough=rules.min_new_labels,
        )
        others = [Learner("ranker", settings, never, what="behaviors", counted="offsets", **ranker)] if ranker else []
        self.requests: list[RetrainRequest] = []
        self.runs: list[ToyRun] = []
        self.record: RunRecord | None = None
        self.busy = False
        self.away = False
        self.refused = 0
        self.metrics = RetrainMetrics()
        self.scheduler = Scheduler([encoder, *others], self._start, self._settle, self.metrics)

    @property
    def demand(self) -> Demand:
        """What calls for a run of the encoder."""
        return next(model.demand for model in self.scheduler._models if model.learner.name == "encoder")

    def _start(self, learner: Learner, request: RetrainRequest) -> ToyRun:
        assert learner.name == request.model
        self.requests.append(request)
        self.runs.append(ToyRun())
        return self.runs[-1]

    def _settle(self, learner: Learner) -> RunRecord | None:
        if learner.name != "encoder":
            return None
        if self.away:
            raise BrokerUnreachableError("no broker")
        if self.busy:
            self.refused += bool(self.demand._asked)
            raise BusyError("by hand")
        return self.record

    def end(self, **what: object) -> None:
        """Let the latest run end, and leave such a record."""
        now = datetime.now(UTC)
        fields = {"id": "run", "by": "ann", "began": now, "ended": now, "outcome": "rejected"} | what
        self.record = RunRecord(**fields)
        self.runs[-1].exitcode = 0

    def wait_for_runs(self, count: int) -> None:
        wait_for(lambda: len(self.runs) >= count, 20)
        assert len(self.runs) == count

    def metric(self, sample: str) -> float:
        lines = generate_latest(self.metrics.registry).decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{sample} ")).rsplit(" ", 1)[1])

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        failures: list[BaseException] = []

        def go() -> None:
            try:
                self.scheduler.run(stop.wait)
            except BaseException as error:  # noqa: BLE001  told in the test's own thread
                failures.append(error)

        thread = threading.Thread(target=go)
        thread.start()
        try:
            wait_for(lambda: self.scheduler.problem is None or failures, 20)
            yield
        finally:
            stop.set()
            thread.join()
        assert failures == []
