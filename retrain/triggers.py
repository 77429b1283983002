"""What calls for a training run: a request, enough new labels, the clock. Pure: no Kafka, no clock of its own."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct, field

from streams.contract.model_records import RetrainRequest

if TYPE_CHECKING:
    from datetime import datetime

    from streams.contract.settings import Settings

_log = structlog.get_logger(__name__)


class Seen(Struct, kw_only=True):
    """How far the topics were taken account of when the latest run began: by partition, one past the last record."""

    labels: dict[int, int] = field(default_factory=dict)
    requests: dict[int, int] = field(default_factory=dict)


class Demand:
    """Collects what calls for a run, and makes one of all that has come since the latest began.

    Args:
        settings: Name of the model; how many new labels call for a run; how late a request may be.
        seen: How far the topics were taken account of; what lies before is old.
    """

    def __init__(self, settings: Settings, seen: Seen) -> None:
        self._model = settings.model.name
        self._rules = settings.retrain
        self._read = Seen(labels=dict(seen.labels), requests=dict(seen.requests))
        self._asked: list[RetrainRequest] = []
        self.new_labels = 0
        """Labels that came since the latest run began, changes of a mind counted too."""

    def add_label(self, partition: int, offset: int) -> None:
        """A label was read from its topic."""
        if offset >= self._read.labels.get(partition, 0):
            self._read.labels[partition] = offset + 1
            self.new_labels += 1

    def add_request(self, request: RetrainRequest, partition: int, offset: int, now: datetime) -> None:
        """A request was read from its topic; an old one, or one for another model, calls for nothing."""
        if offset < self._read.requests.get(partition, 0):
            return
        self._read.requests[partition] = offset + 1
        grace = timedelta(seconds=self._rules.misfire_grace_seconds)
        if request.model != self._model or (request.by == "drift" and not self._rules.on_drift):
            return
        if now - request.time > grace:
            _log.warning("a request came too late (retrain.misfire_grace_seconds)", id=request.id, by=request.by)
            return
        self.ask(request)

    def ask(self, request: RetrainRequest) -> None:
        """Call for a run."""
        self._asked.append(request)

    def due(self, now: datetime) -> RetrainRequest | None:
        """What the next run is for, all that calls for one together; None where nothing does."""
        enough = 0 < self._rules.min_new_labels <= self.new_labels
        if not self._asked and not enough:
            return None
        asked = list(self._asked)
        if enough:
            asked.append(
                RetrainRequest(
                    id=uuid.uuid4().hex,
                    model=self._model,
                    time=now,
                    by="labels",
                    reason=f"{self.new_labels} labels are new",
                )
            )
        if len(asked) == 1:
            return asked[0]
        return RetrainRequest(
            id=asked[0].id,
            model=self._model,
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
        self.new_labels = 0
        return Seen(labels=dict(self._read.labels), requests=dict(self._read.requests))
