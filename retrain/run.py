"""The run in hand: its record on the disk, and what is told of it.

Whatever ends a run is written down first and told then; what could not be told is told with the next run.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from models.manifest import VersionError
from models.promoting import event_id
from retrain.decisions import decision_of
from retrain.run_record import RunRecord, write_record
from streams.brokers.errors import BrokerError
from streams.contract.model_records import ModelEvent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.aliases import State
    from models.registry import Registry
    from retrain.run_record import Outcome, Step
    from retrain.work import Messenger
    from streams.contract.model_records import ModelEventKind

BY = "gate"
"""Who moves aliases and tells events in training runs."""

_KINDS: dict[Outcome, ModelEventKind] = {
    "promoted": "promoted",
    "challenging": "challenged",
    "rejected": "rejected",
    "failed": "retrain_failed",
}

_log = structlog.get_logger(__name__)


class Run:
    """A training run.

    Args:
        name: Name of the model.
        folder: Where the record is kept.
        registry: Where the versions are.
        messenger: Tells events.
        record: As it stands.

    Attributes:
        record: As it stands now.
    """

    def __init__(self, name: str, folder: Path, registry: Registry, messenger: Messenger, record: RunRecord) -> None:
        self._name = name
        self._folder = folder
        self._registry = registry
        self._messenger = messenger
        self.record = record

    def at(self, step: Step, **found: int | dict[int, int]) -> None:
        """Go to a step, with what the one before found: ``champion``, ``offsets`` or ``version``.

        Raises:
            OSError: The disk does not take the record.
        """
        self.record = msgspec.structs.replace(self.record, step=step, **found)
        write_record(self._folder, self.record)

    def tell(
        self,
        kind: ModelEventKind,
        reasons: Sequence[str] = (),
        *,
        moved: State | None = None,
        metrics: dict[str, Any] | None = None,
        lineage: dict[str, Any] | None = None,
    ) -> None:
        """Publish an event of this run.

        Args:
            kind: What happened.
            reasons: Why.
            moved: The state of the aliases, where they moved.
            metrics: Figures.
            lineage: What the version was made from.

        Raises:
            BrokerError: It is not taken.
        """
        record = self.record
        event = ModelEvent(
            # A move has an id of its own for its event: who has that event already can tell.
            id=event_id(self._name, kind, record.id if moved is None else moved.epoch),
            model=self._name,
            kind=kind,
            time=datetime.now(UTC),
            by=BY,
            version=record.version,
            previous=record.champion,
            epoch=None if moved is None else moved.epoch,
            request=record.request,
            reasons=list(reasons),
            metrics=metrics or {},
            lineage=lineage or {},
        )
        self._messenger.tell(event)

    def mention(self, kind: ModelEventKind, reasons: Sequence[str] = (), **figures: Any) -> None:  # noqa: ANN401  as tell
        """Publish an event of this run as ``tell`` does; where it is not taken, the run goes on all the same."""
        try:
            self.tell(kind, reasons, **figures)
        except BrokerError as error:
            _log.warning("the brokers do not take an event of the run, which goes on", kind=kind, problem=str(error))

    def end(self, outcome: Outcome, reasons: Sequence[str], *, told: bool = False, **figures: dict[str, Any]) -> None:
        """Keep what became of it, and tell it if the brokers take it; where not, whoever settles the run tells it.

        Args:
            outcome: What became of it.
            reasons: Why.
            told: The move of the registry has told it.
            figures: ``metrics`` and ``lineage``, for the event.
        """
        self._keep(outcome=outcome, reasons=tuple(reasons))
        if told:
            self._keep(ended=datetime.now(UTC))
            return
        try:
            self.close(**figures)
        except (BrokerError, VersionError, OSError) as error:
            _log.warning("the outcome cannot be told yet: the next run tells it", problem=str(error))

    def close(self, **figures: dict[str, Any]) -> None:
        """Tell the outcome that is kept; an outcome of its own is found for a run that has none, since it was killed.

        Raises:
            BrokerError: It is not taken.
            VersionError: The registry's aliases are corrupt.
            OSError: The registry does not tell whether it moved.
        """
        if self.record.outcome is None:
            killed = "the schedule was stopped" if self.record.stopped else "its process was killed"
            found = self._broken_off(self.record.why or killed)
            # One that had come to its end but for the telling is not gone on with.
            self._keep(killed=found["outcome"] == "failed" and not self.record.why, **found)
        moved = self._moved()
        if moved is not None:
            self._messenger.announce()
        told = self._known() | figures
        self.tell(_KINDS[self.record.outcome or "failed"], self.record.reasons, moved=moved, **told)
        self._keep(ended=datetime.now(UTC))

    def break_off(self, why: str) -> None:
        """End a run that did not come to its own end, as ``end`` does.

        Raises:
            VersionError: The registry's aliases are corrupt.
            OSError: The registry does not tell whether it moved: the outcome is open, until somebody settles the run.
        """
        try:
            broken_off = self._broken_off(why)
        except (VersionError, OSError):
            self._keep(why=why)
            raise
        self.end(broken_off["outcome"], broken_off["reasons"])

    @property
    def has_moved(self) -> bool:
        """Whether the candidate serves, or challenges.

        Raises:
            VersionError: The registry's aliases are corrupt.
            OSError: The registry does not tell it.
        """
        return self._moved() is not None

    def _broken_off(self, why: str) -> dict[str, Any]:
        """Outcome and reasons of such a run: it has failed, unless the registry had moved before."""
        moved = self._moved()
        if moved is None:
            says = f"The run ended at the step {self.record.step}, and the champion stays: {why}."
            return {"outcome": "failed", "reasons": (says,)}
        promoted = moved.aliases.champion == self.record.version
        says = f"The run ended once the registry had moved, and before it could tell so: {why}."
        return {"outcome": "promoted" if promoted else "challenging", "reasons": (says,)}

    def _known(self) -> dict[str, dict[str, Any]]:
        """What the registry keeps of the candidate: what it was made from, and what decided on it."""
        version = self.record.version
        if version is None:
            return {}
        try:
            lineage = self._registry.manifest(self._name, version).lineage
            decision = decision_of(self._registry, self._name, version)
        except (VersionError, OSError) as error:
            _log.warning("the registry does not tell of the candidate", version=version, problem=str(error))
            return {}
        return {"lineage": lineage, "metrics": {} if decision is None else decision.figures}

    def _moved(self) -> State | None:
        """The state of the aliases by which the candidate came to serve, or to challenge; None where it did not."""
        record = self.record
        if record.step != "promote" or record.version is None:
            return None
        found = None
        for epoch in range(self._registry.state(self._name).epoch, 0, -1):
            state = self._registry.state(self._name, epoch)
            if record.version in (state.aliases.champion, state.aliases.challenger):
                found = state
            elif found is not None:
                break
        return found

    def _keep(self, **changes: Any) -> None:  # noqa: ANN401  fields of the record
        self.record = msgspec.structs.replace(self.record, **changes)
        try:
            write_record(self._folder, self.record)
        except OSError as error:
            # The event says it all the same; the record that is there makes the next run tell it once more.
            _log.warning("the run's record is not written", folder=str(self._folder), problem=str(error))
