"""The schedule: a small process that waits for what calls for a run, and starts each run as a process of its own.

So the memory and the libraries of training are gone when a run is over, and a run that is killed is seen at once.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog
from kafka.errors import KafkaError

from retrain.lock import BusyError
from retrain.scheduled import Scheduled
from streams.brokers.errors import BrokerError
from streams.brokers.following import Follower
from streams.contract.decoding import JsonDecoder
from streams.contract.model_records import RetrainRequest
from streams.contract.topics import retrain_requests_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kafka.consumer.fetcher import ConsumerRecord

    from exporters.retrain_metrics import RetrainMetrics
    from retrain.learner import Learner
    from retrain.run_record import RunRecord

BUSY_CODE = 75
"""Exit code of a run that did not begin, since another one was under way (EX_TEMPFAIL of sysexits)."""

_POLL_SECONDS = 0.5
# How often large topics are asked how far they reach.
_REACH_SECONDS = 10.0
_PAUSE_SECONDS = 5.0
_STUCK_SECONDS = 60.0

_log = structlog.get_logger(__name__)

_retrain_request = JsonDecoder(RetrainRequest)


class Started(Protocol):
    """A run that was started, such as a ``multiprocessing.Process``."""

    @property
    def exitcode(self) -> int | None:
        """None while it runs."""

    def terminate(self) -> None:
        """End it; it counts as killed, and is gone on with."""

    def join(self) -> None:
        """Wait for its end."""


class Scheduler:
    """Starts training runs of several models, one at a time, so that two never share the machine's memory.

    Args:
        learners: The models; all of one application, and so with the same brokers and topics.
        start: Starts a run of its own accord.
        settle: Tells of a model's latest run if it was killed; its record, None before the first.
        metrics: What is shown.
    """

    def __init__(
        self,
        learners: Sequence[Learner],
        start: Callable[[Learner, RetrainRequest], Started],
        settle: Callable[[Learner], RunRecord | None],
        metrics: RetrainMetrics,
    ) -> None:
        self._settings = learners[0].settings
        self._start = start
        self._settle = settle
        self._metrics = metrics
        self._models = [Scheduled(learner) for learner in learners]
        for learner in learners:
            metrics.follow(learner.name)
        self._running: tuple[Scheduled, RetrainRequest, Started] | None = None
        self._before: RunRecord | None = None
        """What was told of the model's latest run when this one began."""
        self._moved = time.monotonic()
        self._reached = -_REACH_SECONDS
        self.problem: str | None = "not begun"
        """What keeps it from its work now."""

    @property
    def is_alive(self) -> bool:
        """Whether it went its round within the last minute."""
        return time.monotonic() - self._moved < _STUCK_SECONDS

    def run(self, stopped: Callable[[float], bool]) -> None:
        """Go on until stopped; a run that is under way then is ended, and is gone on with later.

        Args:
            stopped: Waits so many seconds, and tells whether to stop.

        Raises:
            SettingsError: What should be a line of cron is none.
        """
        with ExitStack() as clocks:
            for model in self._models:
                clocks.enter_context(model.clock)
            for model in self._models:
                # What became of the latest run before this process began.
                self._learn(model, model.knows)
            while not stopped(0):
                try:
                    self._follow(stopped)
                except (BrokerError, KafkaError, OSError) as error:
                    self._tell_problem(str(error))
                    self._round()
                    stopped(_PAUSE_SECONDS)
            if self._running is not None:
                process = self._running[2]
                process.terminate()
                process.join()

    def _follow(self, stopped: Callable[[float], bool]) -> None:
        requests = retrain_requests_topic(self._settings.topics)
        read = {model.learner.topic for model in self._models if model.learner.counted == "records"}
        names = [*sorted(topic for topic in read if topic is not None), requests]
        # From the beginning, since what came while nobody was there counts too; what was seen before does not.
        with Follower(self._settings.kafka, names, from_beginning=True) as follower:
            if not follower.partitions:
                raise BrokerError(f"no topic {names[0]}: `tocsin topics create` makes it")
            self.problem = None
            while not stopped(0):
                for record in follower.poll(_POLL_SECONDS):
                    self._take(record)
                self._reach(follower)
                self._round()

    def _take(self, record: ConsumerRecord) -> None:
        if record.topic != retrain_requests_topic(self._settings.topics):
            for model in self._models:
                if model.learner.topic == record.topic and model.learner.counted == "records":
                    model.demand.add_record(record.partition, record.offset, record.timestamp / 1e3)
            return
        place = f"{record.topic}[{record.partition}]@{record.offset}"
        try:
            request = _retrain_request.decode(record.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            _log.warning("left out: no request for a run", place=place, error=str(error))
            return
        for model in self._models:
            written = record.timestamp / 1e3
            model.demand.add_request(request, record.partition, record.offset, written, datetime.now(UTC))
        if request.model not in {model.learner.name for model in self._models}:
            _log.warning("left out: no such model is trained here", place=place, model=request.model)

    def _reach(self, follower: Follower) -> None:
        """See how far the topics reach that are too large to be read for a count."""
        if time.monotonic() - self._reached < _REACH_SECONDS:
            return
        self._reached = time.monotonic()
        for model in self._models:
            if model.learner.counted == "offsets" and model.learner.topic is not None:
                model.reach(follower.bounds(model.learner.topic))

    def _round(self) -> None:
        """Look at what is under way and what is called for."""
        self._moved = time.monotonic()
        now = datetime.now(UTC)
        for model in self._models:
            model.hear()
        if self._running is not None and self._running[2].exitcode is not None:
            self._ended(*self._running)
        for model in self._models:
            if self._running is None and (request := model.demand.due(now)) is not None:
                self._begin(model, request)
        if self._running is not None and self._running[0] is not self._models[-1]:
            # Whose turn it was is asked last the next time, so that none keeps the others from theirs.
            self._models.remove(self._running[0])
            self._models.append(self._running[0])
        for model in self._models:
            model.show(self._metrics, runs=self._running is not None and self._running[0] is model)

    def _begin(self, model: Scheduled, request: RetrainRequest) -> None:
        try:
            self._before = self._settle(model.learner)
        except BusyError:
            return  # somebody runs one by hand: it is asked again in the next round
        except BrokerError as error:
            self._tell_problem(str(error))
            return
        _log.info("a run begins", model=request.model, by=request.by, reason=request.reason, request=request.id)
        self._running = (model, request, self._start(model.learner, request))
        # Only now: a run too many does no harm, and one too few might never be made up for.
        model.begin()

    def _ended(self, model: Scheduled, request: RetrainRequest, process: Started) -> None:
        self._running = None
        if process.exitcode == BUSY_CODE:
            model.demand.ask_again(request)
            return
        self._learn(model, model.ended, process)

    def _learn(
        self, model: Scheduled, show: Callable[[RetrainMetrics, RunRecord], None], process: Started | None = None
    ) -> None:
        """Tell what became of a model's latest run; of a process, whether it came to write anything down at all."""
        try:
            record = self._settle(model.learner)
        except BusyError:
            return
        except BrokerError as error:
            self._tell_problem(str(error))
            return
        if process is not None and record == self._before:
            # It is not gone on with: it would most likely end in the same way, again and again.
            _log.error(
                "a run ended before it began: its own output says why",
                model=model.learner.name,
                exit_code=process.exitcode,
            )
            model.failed(self._metrics)
            return
        if record is None:
            return
        show(self._metrics, record)
        _log.info(
            "the latest run",
            model=model.learner.name,
            outcome=record.outcome,
            version=record.version,
            reasons=record.reasons,
        )
        if record.killed and record.attempt == 1:
            model.demand.go_on(record.by, datetime.now(UTC))

    def _tell_problem(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("the schedule waits", problem=problem)
        self.problem = problem
