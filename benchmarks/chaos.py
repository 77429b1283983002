"""What goes wrong, on purpose: each fault with a steady feed, the fault, recovery awaited, and then the sums.

Real processes on a real broker (Apache Kafka; the embedded one where the fault is its own). Every input must have come
out as a prediction or a dead letter, and what came out twice must bear one id. Where a promise is not kept the command
ends non-zero, after all faults were tried. docs/reliability.md holds the table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmarks.support.chaos import (
    faults_alerts,
    faults_broker,
    faults_clock,
    faults_group,
    faults_model,
    faults_partitions,
    faults_registry,
    faults_retrain,
    faults_worker,
)
from benchmarks.support.chaos.table import markdown, rows
from benchmarks.support.chaos.trial import Bench, Found
from benchmarks.support.chaos.versions import Versions
from benchmarks.support.machine import describe_machine
from benchmarks.support.report import update_page
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.served_version import served_version
from benchmarks.support.stream import forget_own_settings
from models.manifest import VersionError
from streams.brokers.errors import BrokerError
from streams.brokers.jars import find_java, kafka_classpath
from streams.brokers.kafka import ApacheKafkaBroker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.support.chaos.trial import Fault

_JARS = ROOT / ".tocsin" / "kafka"
_PAGE = ROOT / "docs" / "reliability.md"

FAULTS: tuple[Fault, ...] = (
    *faults_broker.FAULTS,
    *faults_worker.FAULTS,
    *faults_group.FAULTS,
    *faults_retrain.FAULTS,
    *faults_registry.FAULTS,
    *faults_clock.FAULTS,
    *faults_alerts.FAULTS,
    *faults_model.FAULTS,
    *faults_partitions.FAULTS,
)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help="One fault; may be repeated.")
    parser.add_argument("--quick", action="store_true", help="Shorter storms and fewer kills; writes nothing.")
    parser.add_argument("--list", action="store_true", help="Name the faults and their promises, and end.")
    parser.add_argument("--registry", type=Path, default=ROOT / ".tocsin" / "registry", help="Of the model versions.")
    given = parser.parse_args()
    faults = [fault for fault in FAULTS if given.only is None or fault.name in given.only]
    if given.list:
        for fault in faults:
            print(f"{fault.name}: {fault.promise}")
        return
    try:
        tried = _try(faults, given.registry.resolve(), quick=given.quick)
    except (VersionError, BrokerError) as error:
        sys.exit(f"error: {error}")
    Console().print(rows(tried))
    if not all(entry["held"] for entry in tried):
        sys.exit("error: a promise was not kept; see the table")


def _try(faults: Sequence[Fault], registry: Path, *, quick: bool) -> list[dict[str, Any]]:
    machine = describe_machine()
    find_java()
    kafka_classpath(_JARS, lambda name: _say(f"fetching Apache Kafka: {name}"))
    with tempfile.TemporaryDirectory(prefix="tocsin-chaos-") as name:
        folder = Path(name)
        forget_own_settings(folder)
        versions = Versions(served_version(registry), folder)
        with ApacheKafkaBroker(folder / "kafka", jars=_JARS, on_progress=_say) as broker:
            bench = Bench(broker, versions, folder, quick, _say)
            tried = [_try_one(fault, bench, f"{number}/{len(faults)}") for number, fault in enumerate(faults, 1)]
    if len(faults) == len(FAULTS) and not quick:
        figures = {
            "faults": tried,
            "missing": sum(entry["missing"] for entry in tried),
            "duplicates_told_by_id": sum(entry["duplicates_told_by_id"] for entry in tried),
            "duplicates_untold": sum(entry["duplicates_untold"] for entry in tried),
        }
        _say(f"written: {write_result('chaos', figures, machine=machine)}")
        update_page(_PAGE, markdown(tried), "chaos")
    return tried


def _try_one(fault: Fault, bench: Bench, place: str) -> dict[str, Any]:
    _say(f"{place} {fault.name}: {fault.promise}")
    started = time.monotonic()
    try:
        found = fault.run(bench)
    except Exception as error:  # noqa: BLE001  whatever it is, the other faults are tried
        found = Found(problems=[f"{type(error).__name__}: {error}"])
        if not bench.broker.running:  # the next fault needs it
            bench.broker.start()
    seconds = time.monotonic() - started
    ledger = found.ledger
    _say(
        f"  {'held' if found.held else 'NOT HELD'} after {seconds:.0f} s: {ledger.inputs} inputs, {ledger.outputs} "
        f"outputs, {ledger.dead_letters} dead letters, {ledger.missing} missing, {ledger.told_by_id} repeats told by "
        f"id, {ledger.untold} untold. {found.seen}"
    )
    for problem in found.problems:
        _say(f"  {problem}")
    return {
        "name": fault.name,
        "promise": fault.promise,
        "tried": fault.tried,
        "held": found.held,
        "inputs": ledger.inputs,
        "outputs": ledger.outputs,
        "dead_letters": ledger.dead_letters,
        "missing": ledger.missing,
        "duplicates_told_by_id": ledger.told_by_id,
        "duplicates_untold": ledger.untold,
        "seconds": round(seconds, 1),
        "seen": found.seen,
        "problems": found.problems,
    }


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
