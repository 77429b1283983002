"""Whether Tocsin stays as it is, hour after hour: two workers on Apache Kafka at a share of the most that they manage.

Meanwhile versions are swapped, models are trained, and a third worker comes and goes, once by kill -9. Memory, lag and
latency are looked at all the time, every message is accounted for by the id of its output, and in the end three times
of what the workers manage is sent to them for a while. docs/performance.md tells the method.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.support.machine import Machine, describe_machine
from benchmarks.support.real_messages import RealDataError
from benchmarks.support.report import update_page
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.rooms import RoomError
from benchmarks.support.served_version import served_version
from benchmarks.support.soak.folder import FolderError, Run, SoakFolder
from benchmarks.support.soak.household import StoppedError, household, pin
from benchmarks.support.soak.plot import plot
from benchmarks.support.soak.run import JARS, Plan, Soak
from benchmarks.support.soak.summary import summarise
from benchmarks.support.soak.tables import tables
from benchmarks.support.stream import UnansweredError, forget_own_settings
from benchmarks.support.worker_process import WorkerError
from models.manifest import VersionError
from streams.brokers.errors import BrokerError
from streams.brokers.jars import find_java, kafka_classpath

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAGE = ROOT / "docs" / "performance.md"
_PICTURE = ROOT / "docs" / "images" / "soak.png"
_TIMES = 3.0
_BACKLOG, _QUICK_BACKLOG = 30_000, 1_500
_GUEST_SECONDS, _QUICK_GUEST_SECONDS = 60.0, 5.0
_QUICK_STEADY_SECONDS, _QUICK_OVERLOAD_SECONDS = 60.0, 5.0
_LEAST_HOURS = 0.5
"""Of a run that is shorter nothing is published: its tenths hold no swap each."""
_STOPPED_CODE = 130


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0, help=f"How long; less than {_LEAST_HOURS} writes nothing.")
    parser.add_argument("--rate-share", type=float, default=0.7, help="Of the most that the two workers manage.")
    parser.add_argument("--overload-minutes", type=float, default=10.0, help="How long thrice the most is sent.")
    parser.add_argument("--cores", type=_cores, help="Keep all processes to these cores, such as 0 or 0,2.")
    parser.add_argument("--quick", action="store_true", help="A smoke run of some two minutes; writes nothing.")
    parser.add_argument("--folder", type=Path, help="Where samples are kept; .tocsin/soak/TIME where absent.")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="Measure nothing: report what a run left there.")
    parser.add_argument("--registry", type=Path, default=ROOT / ".tocsin" / "registry", help="Of the model versions.")
    given = parser.parse_args()
    try:
        if given.report is not None:
            _report(SoakFolder(given.report))
            return
        if given.cores is not None:
            pin(given.cores)
        with household(), tempfile.TemporaryDirectory(prefix="tocsin-soak-") as empty:
            forget_own_settings(Path(empty))
            folder = _measure(given)
        _report(folder)
    except StoppedError as error:
        _say(f"stopped by {error}: nothing is written")
        sys.exit(_STOPPED_CODE)
    except (RealDataError, VersionError, BrokerError, WorkerError, UnansweredError, RoomError, FolderError) as error:
        sys.exit(f"error: {error}")
    except ValueError as error:
        parser.error(str(error))


def _measure(given: argparse.Namespace) -> SoakFolder:
    path: Path = given.folder or ROOT / ".tocsin" / "soak" / datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    if path.exists() and any(path.iterdir()):
        raise ValueError(f"--folder: {path} is not empty, and samples of two runs would be mixed")
    path.mkdir(parents=True, exist_ok=True)
    folder = SoakFolder(path.resolve())
    machine = describe_machine()
    # What is missing is told before anything is measured, and what is to be fetched disturbs nothing.
    find_java()
    kafka_classpath(JARS, lambda name: _say(f"fetching Apache Kafka: {name}"))
    run = Run(
        machine=asdict(machine),
        hours=given.hours,
        rate_share=given.rate_share,
        cores=given.cores,
        model=_model(given.registry),
        is_quick=given.quick,
    )
    folder.keep_run(run)
    _say(f"samples go to {_shown(path)}; the report of what is there: --report {_shown(path)}")
    Soak(_plan(given), run, folder, given.registry.resolve(), _say).measure()
    return folder


def _plan(given: argparse.Namespace) -> Plan:
    if given.quick:
        return Plan(_QUICK_STEADY_SECONDS, _QUICK_OVERLOAD_SECONDS, _TIMES, _QUICK_BACKLOG, _QUICK_GUEST_SECONDS)
    return Plan(given.hours * 3600, given.overload_minutes * 60, _TIMES, _BACKLOG, _GUEST_SECONDS)


def _report(folder: SoakFolder) -> None:
    run, samples, acts, messages = folder.run(), folder.samples(), folder.acts(), folder.messages()
    figures = summarise(run, samples, acts, messages)
    content = tables(figures)
    print(content)
    if run.is_quick or run.hours < _LEAST_HOURS:
        plot(folder.path / "soak.png", run, samples, acts, messages)
        return
    _PICTURE.parent.mkdir(parents=True, exist_ok=True)
    plot(_PICTURE, run, samples, acts, messages)
    machine = Machine(**run.machine)
    _say(f"written: {_shown(write_result('soak', figures, machine=machine))}")
    update_page(_PAGE, content, "soak")


def _model(registry: Path) -> str:
    manifest = served_version(registry.resolve()).manifest
    return f"{manifest.name}:{manifest.version}"


def _cores(text: str) -> Sequence[int]:
    return sorted({int(part) for part in text.split(",")})


def _shown(path: Path) -> Path:
    path = path.resolve()
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
