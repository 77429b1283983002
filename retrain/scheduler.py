"""The schedule: a small process that waits for what calls for a run, and starts each run as a process of its own.

So the memory and the libraries of training are gone when a run is over, and a run that is killed is seen at once.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog
from fsspec.implementations.local import LocalFileSystem
from kafka.errors import KafkaError

from models import atomic
from models.manifest import encode
from retrain.clockwork import Clockwork
from retrain.lock import BusyError
from retrain.run_record import runs_folder
from retrain.triggers import Demand, Seen
from streams.brokers.errors import BrokerError
from streams.brokers.following import Follower
from streams.contract.model_records import RetrainRequest
from streams.contract.topics import labels_topic, retrain_requests_topic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kafka.consumer.fetcher import ConsumerRecord

    from exporters.retrain_metrics import RetrainMetrics
    from retrain.run_record import RunRecord
    from streams.contract.settings import Settings

BUSY_CODE = 75
"""Exit code of a run that did not begin, since another one was under way (EX_TEMPFAIL of sysexits)."""

_SEEN = "seen.json"
_POLL_SECONDS = 0.5
_PAUSE_SECONDS = 5.0
_STUCK_SECONDS = 60.0

_log = structlog.get_logger(__name__)


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
    """Starts training runs, one at a time.

    Args:
        settings: When runs are due, and where the topics are.
        start: Starts a run of its own accord.
        settle: Tells of the latest run if it was killed; its record, None before the first.
        metrics: What is shown.
    """

    def __init__(
        self,
        settings: Settings,
        start: Callable[[RetrainRequest], Started],
        settle: Callable[[], RunRecord | None],
        metrics: RetrainMetrics,
    ) -> None:
        self._settings = settings
        self._start = start
        self._settle = settle
        self._metrics = metrics
        self._folder = runs_folder(settings)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._demand = Demand(settings, _read_seen(self._folder))
        self._rang: deque[datetime] = deque()
        self._running: tuple[RetrainRequest, Started] | None = None
        self._moved = time.monotonic()
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
            SettingsError: ``retrain.cron`` is no line of cron.
        """
        with Clockwork(self._settings.retrain, self._folder, lambda: self._rang.append(datetime.now(UTC))) as clock:
            self._resume()
            while not stopped(0):
                try:
                    self._follow(clock, stopped)
                except (BrokerError, KafkaError, OSError) as error:
                    self._tell_problem(str(error))
                    self._round(clock)
                    stopped(_PAUSE_SECONDS)
            if self._running is not None:
                _, process = self._running
                process.terminate()
                process.join()

    def _follow(self, clock: Clockwork, stopped: Callable[[float], bool]) -> None:
        topics = self._settings.topics
        names = [labels_topic(topics), retrain_requests_topic(topics)]
        # From the beginning, since what came while nobody was there counts too; what was seen before does not.
        with Follower(self._settings.kafka, names, from_beginning=True) as follower:
            if not follower.partitions:
                raise BrokerError(f"no topic {names[0]}: `tocsin topics create` makes it")
            self.problem = None
            while not stopped(0):
                for record in follower.poll(_POLL_SECONDS):
                    self._take(record)
                self._round(clock)

    def _take(self, record: ConsumerRecord) -> None:
        if record.topic == labels_topic(self._settings.topics):
            self._demand.add_label(record.partition, record.offset)
            return
        try:
            request = msgspec.json.decode(record.value or b"", type=RetrainRequest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            place = f"{record.topic}[{record.partition}]@{record.offset}"
            _log.warning("left out: no request for a run", place=place, error=str(error))
            return
        self._demand.add_request(request, record.partition, record.offset, datetime.now(UTC))

    def _round(self, clock: Clockwork) -> None:
        """Look at what is under way and what is called for."""
        self._moved = time.monotonic()
        while self._rang:
            self._demand.ask(self._request("cron", f"the schedule {self._settings.retrain.cron}", self._rang.popleft()))
        if self._running is not None and self._running[1].exitcode is not None:
            self._ended(*self._running)
        if self._running is None and (request := self._demand.due(datetime.now(UTC))) is not None:
            self._begin(request)
        self._metrics.running.set(self._running is not None)
        self._metrics.new_labels.set(self._demand.new_labels)
        self._metrics.next_run.set(clock.next_run.timestamp() if clock.next_run else 0)

    def _begin(self, request: RetrainRequest) -> None:
        try:
            self._settle()
        except BusyError:
            return  # somebody runs one by hand: it is asked again in the next round
        except BrokerError as error:
            self._tell_problem(str(error))
            return
        _log.info("a training run begins", by=request.by, reason=request.reason, request=request.id)
        self._running = (request, self._start(request))
        # Only now: a run too many does no harm, and one too few might never be made up for.
        _write_seen(self._folder, self._demand.begin())

    def _ended(self, request: RetrainRequest, process: Started) -> None:
        self._running = None
        if process.exitcode == BUSY_CODE:
            self._demand.ask(request)
            return
        self._learn(lambda record: self._metrics.ended(record.outcome or "failed", *_times(record)))

    def _resume(self) -> None:
        """Know what became of the latest run before this process began."""
        self._learn(lambda record: self._metrics.knows(record.outcome or "failed", _times(record)[1]))

    def _learn(self, show: Callable[[RunRecord], None]) -> None:
        try:
            record = self._settle()
        except BusyError:
            return
        except BrokerError as error:
            self._tell_problem(str(error))
            return
        if record is None:
            return
        show(record)
        _log.info("the latest training run", outcome=record.outcome, version=record.version, reasons=record.reasons)
        if record.killed and record.attempt == 1:
            self._demand.ask(self._request(record.by, "a run that was killed is gone on with", datetime.now(UTC)))

    def _request(self, by: str, reason: str, time: datetime) -> RetrainRequest:
        return RetrainRequest(id=uuid.uuid4().hex, model=self._settings.model.name, time=time, by=by, reason=reason)

    def _tell_problem(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("the schedule waits", problem=problem)
        self.problem = problem


def _times(record: RunRecord) -> tuple[float, float]:
    ended = record.ended or datetime.now(UTC)
    return record.began.timestamp(), ended.timestamp()


def _read_seen(folder: Path) -> Seen:
    path = folder / _SEEN
    try:
        return msgspec.json.decode(path.read_bytes(), type=Seen)
    except FileNotFoundError:
        return Seen()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # All labels count as new then: one run too many.
        _log.warning("it is not known which labels are new", path=str(path), error=str(error))
        return Seen()


def _write_seen(folder: Path, seen: Seen) -> None:
    try:
        atomic.write(LocalFileSystem(), str(folder / _SEEN), encode(seen))
    except OSError as error:
        _log.warning("it is not kept which labels are new", folder=str(folder), problem=str(error))
