"""One training run whose heavy steps are toys, on a real registry and real topics: told at which step to die.

Run as a process of its own by ``faults_retrain``, under the trial's settings.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from benchmarks.support.chaos.doomed import kill_oneself
from models.manifest import MANIFEST, Manifest, read
from models.registry import Registry
from retrain.gate import Decision
from retrain.job import Job
from retrain.messenger import KafkaMessenger
from streams.contract.logs import configure_logging
from streams.contract.model_records import RetrainRequest
from streams.contract.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.manifest import Precision

KILLED_AT = ("data", "finetune", "export", "register", "judge", "promote")
FULL_DISK = "full-disk"
WHOLE = "none"
_A_PAGE = 4096


@dataclass(frozen=True)
class _Data:
    offsets: dict[int, int] = field(default_factory=lambda: {0: 1})
    sha256: str = "0" * 64


@dataclass(frozen=True)
class _Made:
    precision: Precision
    max_tokens: int
    width: int
    metrics: dict[str, Any]
    lineage: dict[str, Any]


@dataclass
class _Work:
    """Steps that take no time; the candidate is the champion again."""

    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    champion: Path | None = None

    def data(self, champion: Path, folder: Path) -> _Data:
        self.champion = champion
        (folder / "snapshot").write_bytes(b"rows")
        self._do("data")
        return _Data()

    def finetune(self, dataset: _Data, folder: Path) -> str:  # noqa: ARG002  as the job calls it
        (folder / "checkpoint").write_bytes(b"weights")
        self._do("finetune")
        return "tuned"

    def export(self, tuned: str, dataset: _Data, out: Path) -> _Made:  # noqa: ARG002  as the job calls it
        if self.champion is None:
            raise RuntimeError("the job exports before it has data")
        for path in self.champion.iterdir():
            if not path.name.startswith(".") and path.name not in (MANIFEST, "decision.json"):
                os.link(path, out / path.name)
        self._do("export")
        made = read(self.champion / MANIFEST, Manifest)
        return _Made(made.precision, made.max_tokens, made.width, made.metrics, made.lineage)

    def judge(self, champion: Path, candidate: Path, dataset: _Data) -> tuple[None, None]:  # noqa: ARG002  as the job calls it
        self._do("judge")
        return None, None

    def _do(self, step: str) -> None:
        if (what := self.before.get(step)) is not None:
            what()


def main() -> None:
    """Run, or die at the step that is asked for."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("step", choices=[*KILLED_AT, FULL_DISK, WHOLE])
    step = parser.parse_args().step
    settings = load_settings()
    configure_logging(settings.log)
    registry = Registry(settings.model.registry)
    messenger = KafkaMessenger(settings, registry)
    work = _Work()
    if step == "register":
        # In its midst: the number is claimed and files are written, and the manifest is not.
        _die_at_manifest(registry)
    elif step == "promote":
        messenger.promote = lambda *_: kill_oneself()  # type: ignore[method-assign]
    elif step == FULL_DISK:
        work.before["export"] = _fill_the_disk
    elif step != WHOLE:
        work.before[step] = kill_oneself
    job = Job(settings, registry, work, messenger, decide=lambda *_: Decision(True, ["It is a trial."], {}))  # noqa: FBT003  a plain decision
    now = datetime.now(UTC)
    record = job.run(RetrainRequest(id=uuid4().hex, model=settings.model.name, time=now, by="chaos"))
    sys.stdout.write(json.dumps({"outcome": record.outcome, "version": record.version}))


def _fill_the_disk() -> None:
    """From here on no file may grow beyond a page, as on a disk that has no more room."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_A_PAGE, _A_PAGE))


def _die_at_manifest(registry: Registry) -> None:
    path_of = registry._path  # noqa: SLF001  the moment that is wanted

    def path(name: str, *parts: str | int) -> str:
        # Where it is asked for to be written there is a claim, and no manifest yet.
        found = Path(path_of(name, *parts))
        if found.name == MANIFEST and found.with_name("model.onnx").exists() and not found.exists():
            kill_oneself()
        return str(found)

    registry._path = path  # type: ignore[method-assign]  # noqa: SLF001  likewise


if __name__ == "__main__":
    main()
