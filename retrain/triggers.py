"""What calls for a training run: a request, enough that is new, the clock. Pure: no Kafka, no clock of its own."""

from __future__ import annotations

import math
import uuid
from array import array
from bisect import bisect_left
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
import structlog
from msgspec import Meta, Struct, field

from streams.contract.model_records import RetrainRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.learner import Learner

# Ids of requests that are kept: far more than may be asked again.
_TAKEN = 1000

_log = structlog.get_logger(__name__)


class Seen(Struct, kw_only=True):
    """How far the topics were taken account of when the latest run began: by partition, one past the last record.

    And what has been accepted since, and must outlive a restart.
    """

    # Files of the days when labels alone called for runs say so.
    learnt: dict[int, int] = field(default_factory=dict, name="labels")
    requests: dict[int, int] = field(default_factory=dict)
    learnt_until: dict[int, float] = field(default_factory=dict)
    """When the latest was written, seconds since the epoch: a lower offset that is later is of a topic made anew."""
    requests_until: dict[int, float] = field(default_factory=dict)
    trained: dict[int, int] = field(default_factory=dict)
    """What a run has read itself: to the end of the topic, and so beyond what was seen here when it began."""
    run: str = ""
    """Id of the run that was last accounted for so."""
    taken: list[str] = field(default_factory=list)
    """Ids of the latest requests for which runs have begun."""
    asked: list[RetrainRequest] = field(default_factory=list)
    """What calls for the next run."""
    rang: list[Annotated[datetime, Meta(tz=True)]] = field(default_factory=list)
    """When the clock rang, where it is not known yet whether that calls for a run."""


class Demand:
    """Collects what calls for a run, and makes one of all that has come since the latest began.

    Args:
        learner: Name of the model; how many new records call for a run; whether drift does.
        seen: How far the topics were taken account of; what lies before is old.
    """

    def __init__(self, learner: Learner, seen: Seen) -> None:
        self._learner = learner
        self._grace = timedelta(seconds=learner.settings.retrain.misfire_grace_seconds)
        self._kept = msgspec.structs.replace(_copy(seen), asked=[], rang=[])
        self._read = _copy(self._kept)
        self._asked = {request.id: request for request in seen.asked}
        self._again: RetrainRequest | None = None
        """To go on with a run that was killed, on the data that it has: nothing that came since is in them."""
        self._goes_on = False
        self._counted: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))
        """Offsets of the records that are new, by partition."""
        self._anew: set[int] = set()
        """Partitions that were made anew since the latest run began: what it tells of them is of those before."""
        self.new = 0
        """Records of the learner's topic that came since the latest run began, changes of a mind counted too."""

    @property
    def kept(self) -> Seen:
        """What is to outlive the process: what was read since the latest run began is not in it, and is read again."""
        return msgspec.structs.replace(self._kept, asked=list(self._asked.values()))

    def add_record(self, partition: int, offset: int, written: float) -> None:
        """A record was read from the learner's topic, written then (seconds since the epoch)."""
        is_lower = offset < self._read.learnt.get(partition, 0)
        if not _is_new(self._read.learnt, self._read.learnt_until, partition, offset, written):
            return
        if is_lower:
            self._anew.add(partition)
            self._kept.trained.pop(partition, None)
            self._counted.pop(partition, None)
        if offset >= self._kept.trained.get(partition, 0):
            self._counted[partition].append(offset)
            self.new += 1

    def learn(self, run: str, offsets: Mapping[int, int]) -> None:
        """A run has learnt what lies before these offsets of its topic, though it came after the run began.

        Args:
            run: Its id; of one run it is taken account of once.
            offsets: By partition, the first offset that it has not read.
        """
        if run == self._kept.run:
            return
        self._kept.run = run
        for partition, end in offsets.items():
            if partition in self._anew:
                continue
            self._kept.trained[partition] = max(end, self._kept.trained.get(partition, 0))
            learnt = bisect_left(self._counted[partition], end)
            del self._counted[partition][:learnt]
            self.new -= learnt

    def reach(self, bounds: Mapping[int, tuple[int, int]]) -> None:
        """The learner's topic reaches so far: by partition, the first offset that is there and one past the last."""
        new = 0
        for partition, (first, end) in bounds.items():
            seen = self._kept.learnt.get(partition, 0)
            # A topic that was made anew begins at 0 again, and all of it is new.
            new += end - first if seen > end else end - max(first, seen)
            self._read.learnt[partition] = end
        self.new = new

    def add_request(self, request: RetrainRequest, partition: int, offset: int, written: float, now: datetime) -> None:
        """A request was read from its topic; an old one, a repeated one, or one for another model calls for nothing."""
        if not _is_new(self._read.requests, self._read.requests_until, partition, offset, written):
            return
        if request.model != self._learner.name or (request.by == "drift" and not self._learner.on_drift):
            return
        # Each worker tells of a drift that it finds, and tells it again once it has started anew.
        if request.id in self._asked or request.id in self._kept.taken:
            return
        if now - request.time > self._grace:
            _log.warning("a request came too late (retrain.misfire_grace_seconds)", id=request.id, by=request.by)
            return
        self.ask(request)

    def ring(self, now: datetime) -> None:
        """The clock calls for a run; of a model that idles, only where something is new."""
        if self.new or not self._learner.idles:
            self.ask(self._request("cron", f"the schedule {self._learner.cron}", now))

    @property
    def goes_on(self) -> bool:
        """Whether what is due is to go on with a run that was killed."""
        return self._again is not None

    def go_on(self, by: str, now: datetime) -> None:
        """A run was killed, and calls to be gone on with."""
        self._again = self._request(by, "a run that was killed is gone on with", now)

    def ask(self, request: RetrainRequest) -> None:
        """Call for a run."""
        self._asked[request.id] = request

    def ask_again(self, request: RetrainRequest) -> None:
        """Call once more for the run that began last, since it could not."""
        if self._goes_on:
            self._again = request
        else:
            self.ask(request)

    def due(self, now: datetime) -> RetrainRequest | None:
        """What the next run is for; None where nothing calls for one.

        A run that is gone on with comes first and alone; else all that calls for one together.
        """
        if self._again is not None:
            return self._again
        enough = 0 < self._learner.enough <= self.new
        if not self._asked and not enough:
            return None
        asked = list(self._asked.values())
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

    def begin(self) -> None:
        """A run has begun for what was due."""
        self._goes_on = self._again is not None
        if self._goes_on:
            self._again = None
            return
        taken = dict.fromkeys([*self._kept.taken, *self._asked])
        self._asked.clear()
        self.new = 0
        self._counted.clear()
        self._anew.clear()
        self._kept = msgspec.structs.replace(
            _copy(self._read), trained=self._kept.trained, run=self._kept.run, taken=list(taken)[-_TAKEN:]
        )

    def _request(self, by: str, reason: str, time: datetime) -> RetrainRequest:
        return RetrainRequest(id=uuid.uuid4().hex, model=self._learner.name, time=time, by=by, reason=reason)


def _copy(seen: Seen) -> Seen:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(seen), type=Seen)


def _is_new(read: dict[int, int], until: dict[int, float], partition: int, offset: int, written: float) -> bool:
    """Whether a record was not read before; if so it is from now on.

    A topic that was made anew begins at 0 again. Its records are known by their time, since the end of a topic, as the
    embedded broker tells it, is too small.
    """
    if offset < read.get(partition, 0) and written <= until.get(partition, math.inf):
        return False
    read[partition] = offset + 1
    until[partition] = max(written, until.get(partition, written))
    return True
