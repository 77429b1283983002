"""What calls for a training run: a request, enough that is new, the clock. Pure: no Kafka, no clock of its own."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct, field

from streams.contract.model_records import RetrainRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from retrain.learner import Learner

_log = structlog.get_logger(__name__)


class Seen(Struct, kw_only=True):
    """How far the topics were taken account of when the latest run began: by partition, one past the last record."""

    # Files of the days when labels alone called for runs say so.
    learnt: dict[int, int] = field(default_factory=dict, name="labels")
    requests: dict[int, int] = field(default_factory=dict)


class Demand:
    """Collects what calls for a run, and makes one of all that has come since the latest began.

    Args:
        learner: Name of the model; how many new records call for a run; whether drift does.
        seen: How far the topics were taken account of; what lies before is old.
    """

    def __init__(self, learner: Learner, seen: Seen) -> None:
        self._learner = learner
        self._grace = timedelta(seconds=learner.settings.retrain.misfire_grace_seconds)
        self._seen = dict(seen.learnt)
        self._read = Seen(learnt=dict(seen.learnt), requests=dict(seen.requests))
        self._asked: list[RetrainRequest] = []
        self.new = 0
        """Records of the learner's topic that came since the latest run began, changes of a mind counted too."""

    def add_record(self, partition: int, offset: int) -> None:
        """A record was read from the learner's topic."""
        if offset >= self._read.learnt.get(partition, 0):
            self._read.learnt[partition] = offset + 1
            self.new += 1

    def reach(self, bounds: Mapping[int, tuple[int, int]]) -> None:
        """The learner's topic reaches so far: by partition, the first offset that is there and one past the last."""
        new = 0
        for partition, (first, end) in bounds.items():
            seen = self._seen.get(partition, 0)
            # A topic that was made anew begins at 0 again, and all of it is new.
            new += end - first if seen > end else end - max(first, seen)
            self._read.learnt[partition] = end
        self.new = new

    def add_request(self, request: RetrainRequest, partition: int, offset: int, now: datetime) -> None:
        """A request was read from its topic; an old one, or one for another model, calls for nothing."""
        if offset < self._read.requests.get(partition, 0):
            return
        self._read.requests[partition] = offset + 1
        if request.model != self._learner.name or (request.by == "drift" and not self._learner.on_drift):
            return
        if now - request.time > self._grace:
            _log.warning("a request came too late (retrain.misfire_grace_seconds)", id=request.id, by=request.by)
            return
        self.ask(request)

    def ring(self, now: datetime) -> None:
        """The clock calls for a run; of a model that idles, only where something is new."""
        if self.new or not self._learner.idles:
            self.ask(self._request("cron", f"the schedule {self._learner.cron}", now))

    def go_on(self, by: str, now: datetime) -> None:
        """A run was killed, and calls to be gone on with."""
        self.ask(self._request(by, "a run that was killed is gone on with", now))

    def ask(self, request: RetrainRequest) -> None:
        """Call for a run."""
        self._asked.append(request)

    def due(self, now: datetime) -> RetrainRequest | None:
        """What the next run is for, all that calls for one together; None where nothing does."""
        enough = 0 < self._learner.enough <= self.new
        if not self._asked and not enough:
            return None
        asked = list(self._asked)
        if enough:
            what = self._learner.what
            asked.append(self._request(what, f"{self.new} {what} are new", now))
        if len(asked) == 1:
            return asked[0]
        return RetrainRequest(
            id=asked[0].id,
            model=self._learner.name,
            time=asked[0].time,
            by=", ".join(dict.fromkeys(request.by for request in asked)),
            reason="; ".join(dict.fromkeys(request.reason for request in asked if request.reason)),
        )

    def begin(self) -> Seen:
        """A run has begun for all that was called for.

        Returns:
            How far the topics are taken account of now, to be kept.
        """
        self._asked.clear()
        self.new = 0
        self._seen = dict(self._read.learnt)
        return Seen(learnt=dict(self._read.learnt), requests=dict(self._read.requests))

    def _request(self, by: str, reason: str, time: datetime) -> RetrainRequest:
        return RetrainRequest(id=uuid.uuid4().hex, model=self._learner.name, time=time, by=by, reason=reason)
