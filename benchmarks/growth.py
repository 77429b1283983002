"""What a message costs as everything about it grows: subjects, answers, partitions, workers.

Subjects, answers and partitions are measured without Kafka, in processes of their own or in this one; workers through a
real broker, with a wait in the place of the model's computing, since this machine has few cores. docs/performance.md
tells the method; ``--quick`` only shows that everything runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.growth import partitions, workers
from benchmarks.support.growth.plot import plot
from benchmarks.support.growth.tables import tables
from benchmarks.support.machine import describe_machine
from benchmarks.support.real_messages import RealDataError
from benchmarks.support.report import update_page
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.rooms import RoomError, run_room
from benchmarks.support.served_version import served_version
from benchmarks.support.stream import UnansweredError, forget_own_settings
from benchmarks.support.worker_process import WorkerError
from models.manifest import VersionError
from streams.brokers.errors import BrokerError
from streams.brokers.kafka import ApacheKafkaBroker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_JARS = ROOT / ".tocsin" / "kafka"
_PAGE = ROOT / "docs" / "performance.md"
_PICTURE = ROOT / "docs" / "images" / "growth.png"
_PARTS = ("subjects", "answers", "partitions", "workers")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    subjects: Sequence[int] = (10, 100, 1_000, 10_000, 100_000)
    signals: int = 400_000
    answers: Sequence[int] = (1_000, 10_000, 100_000)
    questions: int = 500
    partitions: Sequence[int] = (4, 12, 48, 96, 384)
    clock_signals: int = 40_000
    workers: Sequence[int] = (1, 2, 4, 8)
    worker_seconds: float = 30.0


_QUICK = Sizes(
    subjects=(10, 1_000),
    signals=20_000,
    answers=(300, 1_000),
    questions=50,
    clock_signals=2_000,
    workers=(1, 2),
    worker_seconds=12.0,
)


class Growth:
    """Measures one part after the other.

    Args:
        registry: Folder of the model versions.
        sizes: How much is measured.
        workspace: A folder that goes away.
    """

    def __init__(self, registry: Path, sizes: Sizes, workspace: Path) -> None:
        self._registry = registry
        self._sizes = sizes
        self._workspace = workspace

    def measure(self, parts: Sequence[str]) -> dict[str, Any]:
        """The parts' figures, by their names."""
        measures: dict[str, Callable[[], Any]] = {
            "subjects": self._subjects,
            "answers": self._answers,
            "partitions": self._partitions,
            "workers": self._workers,
        }
        return {name: measures[name]() for name in parts}

    def _subjects(self) -> list[Any]:
        found = []
        for count in self._sizes.subjects:
            _say(f"{count} subjects")
            # Each is to be heard of more than once.
            signals = max(self._sizes.signals, 8 * count)
            found.append(run_room("surge.cost", ["--subjects", str(count), "--signals", str(signals)]))
        return found

    def _answers(self) -> list[Any]:
        width, questions = served_version(self._registry).manifest.width, self._sizes.questions
        found = []
        for count in self._sizes.answers:
            _say(f"{count} answers")
            arguments = {"--answers": count, "--questions": questions, "--width": width}
            told = (str(part) for pair in arguments.items() for part in pair)
            found.append(run_room("growth.answers", list(told)))
        return found

    def _partitions(self) -> list[dict[str, Any]]:
        _say("the clock of surge detection")
        return partitions.measure(self._sizes.partitions, self._sizes.clock_signals)

    def _workers(self) -> dict[str, Any]:
        wait = workers.seconds_per_text(served_version(self._registry))
        plan = workers.Plan(self._sizes.workers, self._sizes.worker_seconds)
        with ApacheKafkaBroker(self._workspace / "kafka", jars=_JARS, on_progress=_say) as broker:
            _say(f"workers that wait {1000 * wait:.2f} ms for each text")
            runs = workers.measure(broker, self._registry, plan, wait, self._workspace)
        return {"seconds_per_text": wait, "partitions": workers.PARTITIONS, "runs": runs}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="A smoke run of some two minutes; writes nothing.")
    parser.add_argument("--only", choices=_PARTS, action="append", help="Not all; may be given again; writes nothing.")
    parser.add_argument("--registry", type=Path, default=ROOT / ".tocsin" / "registry", help="Of the model versions.")
    given = parser.parse_args()
    parts = [part for part in _PARTS if given.only is None or part in given.only]
    try:
        _run(given.registry.resolve(), parts, quick=given.quick)
    except (RealDataError, VersionError, BrokerError, WorkerError, UnansweredError, RoomError, ValueError) as error:
        sys.exit(f"error: {error}")


def _run(registry: Path, parts: Sequence[str], *, quick: bool) -> None:
    machine = describe_machine()
    with tempfile.TemporaryDirectory(prefix="tocsin-growth-") as folder:
        workspace = Path(folder)
        forget_own_settings(workspace)
        figures = Growth(registry, _QUICK if quick else Sizes(), workspace).measure(parts)
    content = tables(figures)
    print(content)
    if not quick and len(parts) == len(_PARTS):
        _say(f"written: {write_result('growth', figures, machine=machine)}")
        plot(_PICTURE, figures)
        update_page(_PAGE, content, "growth")


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
