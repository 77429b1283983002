"""One model of the schedule: what calls for its runs, its clock, and how far it has learnt, kept on the disk."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import structlog
from fsspec.implementations.local import LocalFileSystem

from models import atomic
from models.manifest import encode
from retrain.clockwork import Clockwork
from retrain.lock import BusyError, sole_run
from retrain.run_record import read_record, runs_folder, write_record
from retrain.triggers import Demand, Seen
from streams.contract.topics import labels_topic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporters.retrain_metrics import RetrainMetrics
    from retrain.learner import Learner
    from retrain.run_record import RunRecord
    from streams.contract.model_records import RetrainRequest

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
        seen = _read_seen(self._folder)
        self.demand = Demand(learner, seen)
        self.given_up: RunRecord | None = None
        self._rang = deque(seen.rang)
        self._keeping = threading.Lock()
        self._kept = encode(seen)
        self._is_kept = True
        self._is_measured = learner.counted == "records"
        self.clock = Clockwork(
            learner.cron,
            learner.settings.retrain.misfire_grace_seconds,
            self._folder,
            self._ring,
            setting=learner.cron_setting,
        )

    def reach(self, bounds: Mapping[int, tuple[int, int]]) -> None:
        """Its topic reaches so far; empty where there is no such topic yet."""
        self.demand.reach(bounds)
        self._is_measured = True

    def hear(self) -> None:
        """Take account of the clock, once it is known whether anything is new."""
        while self._rang and (self._is_measured or not self.learner.idles):
            self.demand.ring(self._rang[0])
            # Only now, so that it is kept as the one or the other whenever that is written.
            self._rang.popleft()

    def begin(self) -> None:
        """A run has begun for all that was called for; it is kept how far that is."""
        self.demand.begin()
        self.keep()

    def keep(self) -> None:
        """Keep what is to outlive this process, where it has changed."""
        # The clock's thread keeps too, and nothing older may be written over what is newer.
        with self._keeping:
            content = encode(msgspec.structs.replace(self.demand.kept, rang=list(self._rang)))
            if content == self._kept:
                return
            try:
                atomic.write(LocalFileSystem(), str(self._folder / _SEEN), content)
            except OSError as error:
                # Told once: the next round tries again.
                if self._is_kept:
                    _log.warning("it is not kept what is new", folder=str(self._folder), problem=str(error))
                self._is_kept = False
            else:
                self._kept, self._is_kept = content, True

    def stop(self, request: RetrainRequest) -> None:
        """Its run was ended, since the schedule is: that is no kill, and what called for it is not lost."""
        try:
            with sole_run(self._folder):
                record = read_record(self._folder)
                if record is None or record.request != request.id:
                    # It had not come to its first word yet.
                    self.demand.ask_again(request)
                elif record.outcome is None:
                    write_record(self._folder, msgspec.structs.replace(record, stopped=True))
        except BusyError:
            pass  # somebody runs one by hand, and has found what this one left
        except OSError as error:
            _log.warning("it is not kept that the run was stopped", folder=str(self._folder), problem=str(error))
        self.keep()

    def show(self, metrics: RetrainMetrics, *, runs: bool) -> None:
        """Show where it stands."""
        due = self.clock.next_run
        metrics.stands(self.learner.name, runs=runs, new=self.demand.new, next_run=due.timestamp() if due else 0)

    def knows(self, metrics: RetrainMetrics, record: RunRecord) -> None:
        """Show a run that had ended before this process began."""
        self.account(record)
        metrics.knows(self.learner.name, record.outcome or "failed", _times(record)[1])

    def ended(self, metrics: RetrainMetrics, record: RunRecord) -> None:
        """Show a run that has ended."""
        self.account(record)
        metrics.ended(self.learner.name, record.outcome or "failed", *_times(record))

    def account(self, record: RunRecord) -> None:
        """Take account of what a run has learnt; of one that came to no decision, nothing."""
        # What a run says is how far it has read the labels, whatever else it learns from.
        if record.outcome not in (None, "failed") and self.learner.topic == labels_topic(self.learner.settings.topics):
            self.demand.learn(record.id, record.offsets)

    def failed(self, metrics: RetrainMetrics) -> None:
        """Show a run that came to nothing before it could be told of."""
        now = datetime.now(UTC).timestamp()
        metrics.ended(self.learner.name, "failed", now, now)

    def _ring(self) -> None:
        self._rang.append(datetime.now(UTC))
        self.keep()


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
