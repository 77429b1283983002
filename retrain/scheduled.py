"""One model of the schedule: what calls for its runs, its clock, and how far it has learnt, kept on the disk."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import structlog
from fsspec.implementations.local import LocalFileSystem

from models import atomic
from models.manifest import encode
from retrain.clockwork import Clockwork
from retrain.run_record import runs_folder
from retrain.triggers import Demand, Seen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporters.retrain_metrics import RetrainMetrics
    from retrain.learner import Learner
    from retrain.run_record import RunRecord

_SEEN = "seen.json"

_log = structlog.get_logger(__name__)


class Scheduled:
    """A model of the schedule.

    Args:
        learner: The model.

    Attributes:
        learner: The model.
        demand: What calls for a run of it.
        clock: Its line of cron, once it is entered.
        given_up: Record of a run that was killed, and that could not be gone on with.
    """

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self._folder = runs_folder(learner.own_settings)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.demand = Demand(learner, _read_seen(self._folder))
        self.given_up: RunRecord | None = None
        self._rang: deque[datetime] = deque()
        self._is_measured = learner.counted == "records"
        self.clock = Clockwork(
            learner.cron,
            learner.settings.retrain.misfire_grace_seconds,
            self._folder,
            lambda: self._rang.append(datetime.now(UTC)),
            setting=learner.cron_setting,
        )

    def reach(self, bounds: Mapping[int, tuple[int, int]]) -> None:
        """Its topic reaches so far; empty where there is no such topic yet."""
        self.demand.reach(bounds)
        self._is_measured = True

    def hear(self) -> None:
        """Take account of the clock, once it is known whether anything is new."""
        while self._rang and (self._is_measured or not self.learner.idles):
            self.demand.ring(self._rang.popleft())

    def begin(self) -> None:
        """A run has begun for all that was called for; it is kept how far that is."""
        seen = self.demand.begin()
        if seen is None:
            return
        try:
            atomic.write(LocalFileSystem(), str(self._folder / _SEEN), encode(seen))
        except OSError as error:
            _log.warning("it is not kept what is new", folder=str(self._folder), problem=str(error))

    def show(self, metrics: RetrainMetrics, *, runs: bool) -> None:
        """Show where it stands."""
        due = self.clock.next_run
        metrics.stands(self.learner.name, runs=runs, new=self.demand.new, next_run=due.timestamp() if due else 0)

    def knows(self, metrics: RetrainMetrics, record: RunRecord) -> None:
        """Show a run that had ended before this process began."""
        metrics.knows(self.learner.name, record.outcome or "failed", _times(record)[1])

    def ended(self, metrics: RetrainMetrics, record: RunRecord) -> None:
        """Show a run that has ended."""
        metrics.ended(self.learner.name, record.outcome or "failed", *_times(record))

    def failed(self, metrics: RetrainMetrics) -> None:
        """Show a run that came to nothing before it could be told of."""
        now = datetime.now(UTC).timestamp()
        metrics.ended(self.learner.name, "failed", now, now)


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
        # All counts as new then: one run too many.
        _log.warning("it is not known what is new", path=str(path), error=str(error))
        return Seen()
