"""The schedule: a small process that waits for what calls for a run, and starts each run as a process of its own.

So the memory and the libraries of training are gone when a run is over, and a run that is killed is seen at once.
"""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeGuard

import msgspec
import structlog
from kafka.errors import KafkaError

from models.manifest import VersionError
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


class _AwayError(Exception):
    """What became of the latest run is not to be learnt now."""


class Started(Protocol):
    """A run that was started, such as a ``multiprocessing.Process``."""

    @property
    def exitcode(self) -> int | None:
        """None while it runs."""

    def terminate(self) -> None:
        """End it; it is gone on with."""

    def join(self) -> None:
        """Wait for its end."""


class _Running(NamedTuple):
    """A run under way."""

    model: Scheduled
    request: RetrainRequest
    process: Started
    before: RunRecord | None
    """What was told of the model's latest run when this one began."""


class _Untold(NamedTuple):
    """A run that has ended, and who shows it."""

    model: Scheduled
    show: Callable[[RetrainMetrics, RunRecord], None]
    run: _Running | None = None
    """None for the latest one of before this process began."""


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
        self._running: _Running | None = None
        self._untold: list[_Untold] = []
        """Runs that have ended, and of which it was not to be learnt yet what became of them."""
        self._moved = time.monotonic()
        self._reached = -_REACH_SECONDS
        self._met: str | None = None
        """What the latest round met with."""
        self.problem: str | None = "not begun"
        """What keeps it from its work now."""

    @property
    def is_alive(self) -> bool:
        """Whether it went its round within the last minute, and no clock has stopped."""
        # A copy, since the models change places meanwhile.
        clocks = [model.clock for model in self._models]
        return time.monotonic() - self._moved < _STUCK_SECONDS and all(clock.is_alive for clock in clocks)

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
                self._untold.append(_Untold(model, model.knows))
            self._learn()
            while not stopped(0):
                try:
                    self._follow(stopped)
                except (BrokerError, KafkaError, OSError) as error:
                    self._tell_problem(str(error))
                    if not stopped(0):
                        # A run that is begun now would find no labels, and they would count as learnt.
                        self._round(begin=False)
                    stopped(_PAUSE_SECONDS)
            if self._running is not None:
                self._stop(self._running)

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
                # Whoever stops services may end the run at the same moment, which is no kill then.
                if stopped(0):
                    return
                before, self._met = self._met, None
                self._round()
                if before is not None and self._met is None:
                    self.problem = None

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

    def _round(self, *, begin: bool = True) -> None:
        """Look at what is under way and what is called for."""
        self._moved = time.monotonic()
        now = datetime.now(UTC)
        for model in self._models:
            model.hear()
        if self._running is not None and self._running.process.exitcode is not None:
            self._ended(self._running)
        self._learn()
        for model in self._models:
            if begin and self._running is None and model.demand.due(now) is not None:
                self._begin(model, now)
        if self._running is not None and self._running.model is not self._models[-1]:
            # Whose turn it was is asked last the next time, so that none keeps the others from theirs.
            self._models.remove(self._running.model)
            self._models.append(self._running.model)
        for model in self._models:
            model.keep()
            model.show(self._metrics, runs=self._running is not None and self._running.model is model)

    def _begin(self, model: Scheduled, now: datetime) -> None:
        try:
            before = self._settled(model)
        except _AwayError:
            return  # it is asked again in the next round
        if before is not None:
            model.account(before)
        request = model.demand.due(now)
        if request is None:
            return  # somebody has run one by hand, and it has learnt what is new
        if _is_gone_on_with(before) and not model.demand.goes_on and before != model.given_up:
            # Killed by hand, or out of sight of this process. It is gone on with first, and on the data that it has:
            # what calls for a run now is not in them, and goes on calling.
            model.demand.go_on(before.by, datetime.now(UTC))
            return
        _log.info("a run begins", model=request.model, by=request.by, reason=request.reason, request=request.id)
        self._running = _Running(model, request, self._start(model.learner, request), before)
        # Only now: a run too many does no harm, and one too few might never be made up for.
        model.begin()

    def _ended(self, ended: _Running) -> None:
        self._running = None
        if ended.process.exitcode == BUSY_CODE:
            ended.model.demand.ask_again(ended.request)
        else:
            self._untold.append(_Untold(ended.model, ended.model.ended, ended))

    def _stop(self, running: _Running) -> None:
        ended = running.process.exitcode
        running.process.terminate()
        running.process.join()
        if ended in (None, BUSY_CODE, -signal.SIGTERM):
            running.model.stop(running.request)

    def _learn(self) -> None:
        """Show what became of runs that have ended; what is not to be learnt yet is asked for in the next round."""
        for one in list(self._untold):
            try:
                record = self._settled(one.model)
            except _AwayError:
                continue
            self._untold.remove(one)
            self._show(one, record)

    def _settled(self, model: Scheduled) -> RunRecord | None:
        """The model's latest run, of which all is told.

        Raises:
            _AwayError: That is not to be learnt now.
        """
        try:
            return self._settle(model.learner)
        except BusyError as error:
            raise _AwayError from error  # somebody runs one by hand
        except (BrokerError, VersionError, OSError) as error:
            self._tell_problem(str(error))
            raise _AwayError from error
        except Exception as error:
            # Whatever it is: where the schedule ends, no model of any kind is trained any more.
            self._tell_problem(repr(error))
            raise _AwayError from error

    def _show(self, of: _Untold, record: RunRecord | None) -> None:
        model = of.model
        if of.run is not None and record == of.run.before:
            # It is not gone on with: it would most likely end in the same way, again and again.
            _log.error(
                "a run ended before it began: its own output says why",
                model=model.learner.name,
                exit_code=of.run.process.exitcode,
            )
            model.given_up = record
            model.failed(self._metrics)
            return
        if record is None:
            return
        of.show(self._metrics, record)
        _log.info(
            "the latest run",
            model=model.learner.name,
            outcome=record.outcome,
            version=record.version,
            reasons=record.reasons,
        )
        if _is_gone_on_with(record):
            model.demand.go_on(record.by, datetime.now(UTC))

    def _tell_problem(self, problem: str) -> None:
        self._met = problem
        if problem != self.problem:
            _log.warning("the schedule waits", problem=problem)
        self.problem = problem


def _is_gone_on_with(record: RunRecord | None) -> TypeGuard[RunRecord]:
    """Whether the latest run was killed, and is to be gone on with."""
    return record is not None and record.can_go_on
