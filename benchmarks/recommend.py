"""How well readers are recommended to, beside others, and what it costs.

Real, time-stamped behaviors: MovieLens small, or MIND where ``--mind`` names its folder. The first four fifths of each
reader's behaviors are learned from and the rest is asked; all items are ranked. docs/recommendations.md tells the
method; ``--quick`` only shows that everything runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support.machine import describe_machine
from benchmarks.support.mind import load_mind
from benchmarks.support.real_messages import RealDataError, data_folder
from benchmarks.support.recommend.log import Log, drawn
from benchmarks.support.recommend.movielens import FOLDER, load_movielens
from benchmarks.support.recommend.tables import tables, through
from benchmarks.support.recommend.through_kafka import Load, measure_through
from benchmarks.support.recommend.tocsin import Shelf
from benchmarks.support.recommend.trials import cold, overall
from benchmarks.support.report import update_page
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.rooms import RoomError, run_room
from benchmarks.support.served_version import served_version
from benchmarks.support.worker_process import WorkerError
from models.manifest import VersionError
from models.runtime import Encoder
from streams.brokers.errors import BrokerError
from streams.brokers.kafka import ApacheKafkaBroker
from streams.brokers.tansu import TansuBroker

_PAGE = ROOT / "docs" / "recommendations.md"
_SEED = 13
_FOLDS = 5
_QUICK_READERS = 60
_MIND_READERS = 2000
_AT_ONCE = 512
_JARS = ROOT / ".tocsin" / "kafka"


def _embed(log: Log, registry: Path) -> Shelf:
    """The champion's vectors of all items."""
    encoder = Encoder.load(served_version(registry).folder, threads=0, sub_batch=32)
    texts = [item.text for item in log.items]
    parts = []
    for start in range(0, len(texts), _AT_ONCE):
        parts.append(encoder.embed(texts[start : start + _AT_ONCE]))
        _say(f"embedded {min(start + _AT_ONCE, len(texts))} of {len(texts)} items")
    return Shelf(log.items, np.concatenate(parts))


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


def _through_kafka(registry: Path, *, quick: bool) -> dict[str, Any]:
    """Behaviors through a broker: Apache Kafka in full, and the embedded one where little is measured."""
    load = Load(200, 2000, 200, 5.0) if quick else Load(10_000, 100_000, 1000, 60.0)
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        made = TansuBroker() if quick else ApacheKafkaBroker(Path(folder) / "kafka", jars=_JARS, on_progress=_say)
        with made as broker:
            return measure_through(broker, registry.resolve(), load, _say)


def run(log: Log, registry: Path, *, quick: bool, keep: bool) -> None:
    """Measure, print the tables, and keep the figures of a full run.

    Args:
        log: The data set.
        registry: Where the encoder is.
        quick: Measure little.
        keep: Write the result and the page.
    """
    machine = describe_machine()
    started = time.monotonic()
    shelf = _embed(log, registry)
    figures: dict[str, Any] = overall(log, shelf, _say)
    figures["cold"] = cold(log, shelf, 2 if quick else _FOLDS, _say)
    _say("cost")
    sizes = (200, 2000, 2000) if quick else (10_000, 100_000, 60_000)
    arguments = zip(("--readers", "--items", "--behaviors"), map(str, sizes), strict=True)
    figures["cost"] = run_room("recommend.cost", [part for pair in arguments for part in pair])
    figures["through_kafka"] = _through_kafka(registry, quick=quick)
    figures["behaviors_per_second"] = figures["cost"]["behaviors_per_second"]
    figures |= {"items": len(log.items), "behaviors": len(log.behaviors), "folds": _FOLDS, "seed": _SEED}
    figures["seconds"] = round(time.monotonic() - started, 1)
    content = tables(figures)
    print(content)
    if keep:
        _say(f"written: {write_result('recommend', figures, machine=machine)}")
        update_page(_PAGE, content, "recommend")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="A smoke run of a minute or two; writes nothing.")
    parser.add_argument("--mind", type=Path, help="Folder of MIND's news.tsv and behaviors.tsv; writes nothing.")
    parser.add_argument("--through-kafka", action="store_true", help="Measure that part alone; writes nothing.")
    parser.add_argument("--registry", type=Path, default=Path(".tocsin/registry"), help="Where the encoder is.")
    given = parser.parse_args()
    try:
        if given.through_kafka:
            print(through(_through_kafka(given.registry, quick=given.quick)))
            return
        log = load_mind(given.mind) if given.mind else load_movielens(data_folder() / FOLDER)
        if given.quick or given.mind:
            log = drawn(log, _QUICK_READERS if given.quick else _MIND_READERS, _SEED)
        run(log, given.registry, quick=given.quick, keep=not given.quick and not given.mind)
    except (RealDataError, RoomError, VersionError, BrokerError, WorkerError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
