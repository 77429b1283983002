"""One training run from the labels to a decision, such that it may be killed at any point.

The champion is only ever moved by the very last step, which is one compare-and-set; all before it writes a folder of
the run's own and a new version that nobody serves. Where a run fails it says so; where it is killed, whoever holds the
lock next says so for it, and may go on from what it left.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from models.aliases import AliasConflictError, PinnedError
from models.promoting import Details
from retrain.decisions import DecisionRecord, keep_decision
from retrain.lock import sole_run
from retrain.patience import is_away, patiently
from retrain.promotion import UntoldError
from retrain.run import Run
from retrain.run_record import RunRecord, read_record, runs_folder
from retrain.work import DataT, Messenger, NothingToLearnError, TunedT, Work
from streams.brokers.errors import BrokerError, BrokerRefusesError
from streams.contract.credentials import hide_credentials
from streams.contract.masking import mask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.manifest import Kind
    from models.registry import Registry
    from retrain.gate import Decision
    from retrain.run_record import Outcome
    from streams.contract.model_records import RetrainRequest
    from streams.contract.model_settings import RetrainSettings
    from streams.contract.settings import Settings

JudgedT = TypeVar("JudgedT")
ResultT = TypeVar("ResultT")

_WORK, _OUT = "work", "version"

_log = structlog.get_logger(__name__)


def settle(settings: Settings, registry: Registry, messenger: Messenger) -> RunRecord | None:
    """Tell of the latest run if it was killed, or could not tell its outcome.

    Args:
        settings: Of the model.
        registry: Where the versions are.
        messenger: Tells it.

    Returns:
        Its record; None before the first run.

    Raises:
        BusyError: A run is under way on this machine.
        BrokerError: The brokers do not take it.
        VersionError: The registry's aliases are corrupt.
        OSError: The registry, or the disk, does not answer.
    """
    with sole_run(runs_folder(settings)):
        return _settle(settings, registry, messenger)


def _settle(settings: Settings, registry: Registry, messenger: Messenger) -> RunRecord | None:
    """As ``settle``, under the lock."""
    folder = runs_folder(settings)
    record = read_record(folder)
    if record is None or record.ended is not None:
        return record
    run = Run(settings.model.name, folder, registry, messenger, record)
    run.close()
    return run.record


class JobError(Exception):
    """A run cannot begin, or its candidate cannot come to serve; the message says what to do, or what is left of it."""


class Job(Generic[DataT, TunedT, JudgedT]):
    """Training runs of the served model.

    Args:
        settings: Of the model, and of what a candidate must show.
        registry: Where the versions are.
        work: The steps that take time.
        messenger: Moves aliases and tells events.
        decide: The gate.
        kind: What loads a version.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        work: Work[DataT, TunedT, JudgedT],
        messenger: Messenger,
        *,
        decide: Callable[[JudgedT, JudgedT, RetrainSettings], Decision],
        kind: Kind = "encoder",
    ) -> None:
        self._settings = settings
        self._name = settings.model.name
        self._registry = registry
        self._work = work
        self._messenger = messenger
        self._decide = decide
        self._kind: Kind = kind
        self._folder = runs_folder(settings)

    def run(self, request: RetrainRequest) -> RunRecord:
        """Make a candidate, judge it, and promote it if it is better.

        Args:
            request: Who asks, and why.

        Returns:
            What became of it; a failure too is an outcome.

        Raises:
            BusyError: Another run is under way on this machine.
            BrokerError: The brokers do not take what became of the run before.
            VersionError: The registry's aliases are corrupt.
            OSError: The registry does not answer; what became of the run is told once it does.
        """
        with sole_run(self._folder):
            _settle(self._settings, self._registry, self._messenger)
            left = self._left()
            run = self._run(
                RunRecord(
                    id=uuid.uuid4().hex,
                    by=request.by,
                    reason=request.reason,
                    request=request.id,
                    began=datetime.now(UTC),
                    attempt=1 if left is None else left.attempt + 1,
                    stops=0 if left is None else left.stops + left.stopped,
                )
            )
            if left is None:
                self._clear()
            try:
                self._perform(run)
            except Exception as error:  # noqa: BLE001  whatever a step raises is told as the run's failure
                _log.exception("the training run failed", step=run.record.step)
                # First, since the disk may be full.
                self._clear()
                run.break_off(f"{type(error).__name__}: {_shown(error)}")
            except BaseException:
                self._clear()
                run.break_off("it was stopped")
                raise
            self._clear()
            return run.record

    def _perform(self, run: Run) -> None:
        state = self._registry.state(self._name)
        champion = state.aliases.champion
        if champion is None:
            command = "generator bootstrap" if self._kind == "generator" else "models bootstrap"
            raise JobError(f"no version of {self._name} serves: `tocsin {command}` makes a first one")
        run.at("data", champion=champion)
        run.mention("retrain_started", [run.record.reason] if run.record.reason else [])
        if state.aliases.pin is not None:
            run.end("rejected", [f"Version {champion} is pinned {state.aliases.pin}, so that none may replace it."])
            return
        serving = self._registry.fetch(self._name, champion, self._settings.model.cache)
        try:
            dataset, version = self._make(run, champion, serving)
        except NothingToLearnError as error:
            run.end("rejected", [_shown(error)])
            return
        decision = self._judge(run, champion, serving, version, dataset)
        run.at("promote")
        if decision.promote:
            self._promote(run, champion, version, decision)
        else:
            run.end("rejected", decision.reasons, metrics=decision.figures)

    def _make(self, run: Run, champion: int, serving: Path) -> tuple[DataT, int]:
        """The data set, and the version that was made from it and registered."""
        folder, out = self._folder / _WORK, self._folder / _OUT
        folder.mkdir(exist_ok=True)
        dataset = self._work.data(serving, folder)
        run.at("finetune", offsets=dict(dataset.offsets))
        tuned = self._work.finetune(dataset, folder)
        run.at("export")
        # A killed run may have left half a version.
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        made = self._work.export(tuned, dataset, out)
        run.at("register")
        lineage = made.lineage | {
            "parent": champion,
            "run": run.record.id,
            "label_offsets": {str(partition): offset for partition, offset in dataset.offsets.items()},
            "data_sha256": dataset.sha256,
            "settings": self._settings.retrain.model_dump(mode="json", exclude={"data_dir", "port"}),
        }
        version = self._once_the_registry_is_there(
            lambda _: self._registry.register(
                out,
                self._name,
                precision=made.precision,
                max_tokens=made.max_tokens,
                width=made.width,
                metrics=made.metrics,
                lineage=lineage,
                kind=self._kind,
            )
        )
        run.at("judge", version=version)
        run.mention("registered", metrics=made.metrics, lineage=lineage)
        return dataset, version

    def _judge(self, run: Run, champion: int, serving: Path, version: int, dataset: DataT) -> DecisionRecord:
        """The decision, which is kept beside the version."""
        candidate = self._once_the_registry_is_there(
            lambda _: self._registry.fetch(self._name, version, self._settings.model.cache)
        )
        decision = self._decide(*self._work.judge(serving, candidate, dataset), self._settings.retrain)
        kept = DecisionRecord(
            run=run.record.id,
            time=datetime.now(UTC),
            champion=champion,
            promote=decision.promote,
            reasons=decision.reasons,
            figures=decision.figures,
        )

        def keep(again: bool) -> None:
            # Nobody else judges this version: what is there was put there by the try whose answer did not come.
            with suppress(FileExistsError) if again else nullcontext():
                keep_decision(self._registry, self._name, version, kept)

        self._once_the_registry_is_there(keep)
        return kept

    def _promote(self, run: Run, champion: int, version: int, decision: DecisionRecord) -> None:
        details = Details(reasons=decision.reasons, metrics=decision.figures, request=run.record.request)
        reason = decision.reasons[0]
        outcome: Outcome = "challenging" if self._settings.swap.shadow else "promoted"
        move = self._messenger.challenge if outcome == "challenging" else self._messenger.promote

        def let_serve(again: bool) -> None:
            # Whoever tries again must not take his own move for another's.
            if again and run.has_moved:
                raise UntoldError("the registry did not answer when it moved")
            move(version, champion, reason, details)

        try:
            self._patiently(let_serve, passes=_may_pass)
        except (AliasConflictError, PinnedError) as error:
            run.end("rejected", [_shown(error)], metrics=decision.figures)
        except UntoldError as error:
            _log.warning("the registry moved, and the brokers were not told", problem=str(error))
            run.end(outcome, decision.reasons)
        except (BrokerError, OSError) as error:
            raise JobError(
                f"version {version} passed the gate, and is kept, but could not come to serve: {error}"
            ) from error
        else:
            run.end(outcome, decision.reasons, told=True)

    def _once_the_registry_is_there(self, act: Callable[[bool], ResultT]) -> ResultT:
        return self._patiently(act, passes=is_away)

    def _patiently(self, act: Callable[[bool], ResultT], *, passes: Callable[[Exception], bool]) -> ResultT:
        grace = self._settings.retrain.misfire_grace_seconds
        return patiently(act, passes=passes, at_most_seconds=grace, what="the candidate")

    def _left(self) -> RunRecord | None:
        """The latest run, where it was killed, and what it left may be gone on with."""
        latest = read_record(self._folder)
        if latest is None or not latest.can_go_on or latest.champion != self._champion():
            return None
        return latest

    def _run(self, record: RunRecord) -> Run:
        return Run(self._name, self._folder, self._registry, self._messenger, record)

    def _champion(self) -> int | None:
        return self._registry.state(self._name).aliases.champion

    def _clear(self) -> None:
        for name in (_WORK, _OUT):
            shutil.rmtree(self._folder / name, ignore_errors=True)


def _may_pass(error: Exception) -> bool:
    """Whether brokers or registry, which keep a version from serving, may come back; nothing has moved then."""
    return isinstance(error, (BrokerError, OSError)) and not isinstance(error, (UntoldError, BrokerRefusesError))


def _shown(error: Exception) -> str:
    """An error as it may stand on a topic: of a registry it tells the address, which may hold a password."""
    # In this order: a password before a host looks like an e-mail, and would be hidden in part.
    return mask(hide_credentials(str(error)))
