"""Training runs whose heavy steps are toys, on a real registry: what goes wrong in them can be chosen."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from support import toy_model
from support.judged import judged

from models import promoting
from models.promoting import Details, Story
from models.registry import Registry
from retrain.dataset import Dataset
from retrain.gate import decide
from retrain.job import Job, settle
from retrain.rows import Row
from retrain.run import BY
from streams.brokers.errors import BrokerUnreachableError
from streams.contract.model_records import ModelEvent, RetrainRequest
from streams.contract.model_settings import RetrainSettings
from streams.contract.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.manifest import Precision
    from retrain.judged import Judged
    from retrain.run_record import RunRecord, Step

TOY = "toy"
CHAMPION = judged(0.8, 0.8, recent=0.6)
BETTER = judged(0.8, 0.8, recent=0.8)
REQUEST = RetrainRequest(
    id="request-1", model="encoder", time=datetime(2026, 1, 1, tzinfo=UTC), by="ann", reason="new slang"
)


def toy_settings(folder: Path) -> Settings:
    """Settings under which everything lies in one folder."""
    return Settings(
        model=ModelSettings(registry=str(folder / "registry"), cache=folder / "cache"),
        retrain=RetrainSettings(data_dir=folder / "retrain", resamples=200),
    )


def register_champion(settings: Settings, folder: Path) -> Registry:
    """A registry with a toy version that serves."""
    registry = Registry(settings.model.registry)
    version = registry.register(toy_model.write_files(folder / TOY), settings.model.name, **toy_model.facts())
    registry.set_alias(settings.model.name, "champion", version)
    return registry


@dataclass(frozen=True)
class ToyMade:
    """What the registry is to be told of toy files."""

    precision: Precision
    max_tokens: int
    width: int
    metrics: dict[str, Any]
    lineage: dict[str, Any]


@dataclass
class FileMessenger:
    """Moves the registry's aliases as the real one does, and keeps the events in a file."""

    settings: Settings
    registry: Registry
    path: Path
    away: bool = False
    """The brokers take nothing."""

    def tell(self, event: ModelEvent) -> None:
        if self.away:
            raise BrokerUnreachableError("no broker")
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(event) + b"\n")

    def promote(self, version: int, expected: int, reason: str, details: Details) -> None:
        story = Story(by=BY, reason=reason, details=details)
        self.tell(promoting.promote(self.registry, self.settings.model.name, version, story, expected=expected).event)

    def challenge(self, version: int, expected: int, reason: str, details: Details) -> None:
        story = Story(by=BY, reason=reason, details=details)
        self.tell(promoting.challenge(self.registry, self.settings.model.name, version, story, expected=expected).event)

    def announce(self) -> None:
        if self.away:
            raise BrokerUnreachableError("no broker")

    @property
    def events(self) -> list[ModelEvent]:
        """All that was told."""
        lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        return [msgspec.json.decode(line, type=ModelEvent) for line in lines]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def nothing() -> None:
    """A step that goes well."""


@dataclass
class ToyWork:
    """Steps that take no time. Each first does what is set for it, such as raising an error."""

    files: Path
    """A version's files, of which the candidate's are copies."""
    candidate: Judged = field(default_factory=lambda: BETTER)
    before: dict[Step, Callable[[], None]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    """What the steps found in the run's folder."""

    def data(self, champion: Path, folder: Path) -> Dataset:  # noqa: ARG002  as the job calls it
        self.found = sorted(path.name for path in folder.iterdir())
        (folder / "snapshot").write_bytes(b"rows")
        self._do("data")
        row = Row(id="1", text="acme wins", kind="news", source="", origin="seed", group="1", sentiment="positive")
        return Dataset(
            train=[row],
            validation=[],
            frozen=[],
            recent=[],
            labels=toy_model.LABELS,
            class_weights={},
            offsets={0: 7},
        )

    def finetune(self, dataset: Dataset, folder: Path) -> str:  # noqa: ARG002  as the job calls it
        (folder / "checkpoint").write_bytes(b"weights")
        self._do("finetune")
        return "tuned"

    def export(self, tuned: str, dataset: Dataset, out: Path) -> ToyMade:  # noqa: ARG002  as the job calls it
        assert tuned == "tuned"
        assert not list(out.iterdir())
        shutil.copytree(self.files, out, dirs_exist_ok=True)
        self._do("export")
        return ToyMade(**toy_model.facts())

    def judge(self, champion: Path, candidate: Path, dataset: Dataset) -> tuple[Judged, Judged]:  # noqa: ARG002  as the job calls it
        self._do("judge")
        return CHAMPION, self.candidate

    def _do(self, step: Step) -> None:
        self.before.get(step, nothing)()


def toy_job(settings: Settings, work: ToyWork, folder: Path) -> tuple[Job[Dataset, str, Judged], FileMessenger]:
    """A job on the settings' registry, and what it tells."""
    registry = Registry(settings.model.registry)
    messenger = FileMessenger(settings, registry, folder / "events.jsonl")
    return Job(settings, registry, work, messenger, decide=decide), messenger


def settle_run(settings: Settings, messenger: FileMessenger) -> RunRecord:
    """What is known of the latest run, once it is settled."""
    record = settle(settings, messenger.registry, messenger)
    assert record is not None
    return record


def kill_oneself() -> None:
    """What ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def run_on_a_full_disk(folder: Path) -> None:
    """A run during which no file may grow beyond a page any more, for a process of its own."""

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    settings = toy_settings(folder)
    job, _ = toy_job(settings, ToyWork(folder / TOY, before={"finetune": fill}), folder)
    job.run(REQUEST)


def run_and_die(folder: Path, step: Step) -> None:
    """A run that is killed at a step, for a process of its own."""
    settings = toy_settings(folder)
    work = ToyWork(folder / TOY)
    job, messenger = toy_job(settings, work, folder)
    if step == "register":
        # In its midst: the number is claimed and files are written, and the manifest is not.
        messenger.registry._path = die_at_manifest(messenger.registry)  # type: ignore[method-assign]
    elif step == "promote":
        messenger.promote = lambda *_: kill_oneself()  # type: ignore[method-assign]
    else:
        work.before[step] = kill_oneself
    job.run(REQUEST)


def die_at_manifest(registry: Registry) -> Callable[..., str]:
    """The registry's way to a file, which ends the process where a new version's manifest would be written."""
    path_of = registry._path

    def path(name: str, *parts: str | int) -> str:
        if parts == (2, "manifest.json"):
            kill_oneself()
        return path_of(name, *parts)

    return path


def fail(error: Exception) -> Callable[[], None]:
    """What a step does that fails."""

    def raise_it() -> None:
        raise error

    return raise_it


def in_a_process(target: Callable[..., None], *args: object) -> int | None:
    """Exit code of a process that does this; forked, since importing everything anew would take seconds each time."""
    process = multiprocessing.get_context("fork").Process(target=target, args=args)
    process.start()
    process.join()
    return process.exitcode


def assert_champion_stays(registry: Registry, messenger: FileMessenger, why: str) -> None:
    """The first version serves on, and the last event says why."""
    assert registry.aliases("encoder") == {"champion": 1}
    last = messenger.events[-1]
    assert last.kind == "retrain_failed"
    assert why in last.reasons[0]
    assert last.request == REQUEST.id
