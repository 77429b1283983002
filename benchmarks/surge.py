"""How often surge detection rings for nothing, what it finds and how late, beside others that ring as seldom.

One run on one machine, windows of five minutes: (a) stationary traffic, real and made, of 10 to 1,000 subjects;
(b) surges planted into a desk of known rates, beside what is possible at all; (c) the real week of tweets to airlines;
(d) what it costs. docs/surge.md tells the method; ``--quick`` only shows that everything runs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.support.machine import describe_machine
from benchmarks.support.real_messages import RealDataError
from benchmarks.support.report import update_page
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.rooms import RoomError, run_room
from benchmarks.support.surge import tasks
from benchmarks.support.surge.alarms import UntunableError
from benchmarks.support.surge.corpora import CORPORA
from benchmarks.support.surge.figures import collect
from benchmarks.support.surge.planted import BASES
from benchmarks.support.surge.real_week import ring_week
from benchmarks.support.surge.replay import load_week
from benchmarks.support.surge.rivals import RIVALS
from benchmarks.support.surge.tables import tables
from benchmarks.support.surge.tasks import DeskPlan, PlantedPlan
from benchmarks.support.surge.traffic import WEEK
from streams.contract.settings import TopicsSettings

if TYPE_CHECKING:
    from collections.abc import Callable

_PAGE = ROOT / "docs" / "surge.md"
_SEED = 20260105
# The least noise that counts can have, so that what is impossible here is impossible.
_POISSON = 1e6
# Of the signals topic, which has as many as any other at its creation.
_PARTITIONS = TopicsSettings().partitions


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    warm_up: int
    """Weeks before the first false alarm counts; as long as the seasonal rival needs for its first fit."""
    small: DeskPlan
    middle: DeskPlan
    others: tuple[DeskPlan, ...]
    planted: PlantedPlan
    planted_warm_up: int
    """Weeks, one more, in which sequential rivals settle."""
    oracle_weeks: int
    """Subject-weeks by which oracles' thresholds are set."""
    cost: tuple[tuple[int, int], ...]
    """Subjects and signals."""

    @property
    def desks(self) -> tuple[DeskPlan, ...]:
        """All stationary desks."""
        return (self.small, self.middle, *self.others)


_FULL = Sizes(
    warm_up=3,
    small=DeskPlan("mixed", 10, desks=4, weeks=4, partitions=_PARTITIONS),
    middle=DeskPlan("mixed", 100, desks=1, weeks=8, partitions=_PARTITIONS),
    others=(
        DeskPlan("mixed", 1000, desks=1, weeks=3, partitions=_PARTITIONS),
        DeskPlan("replayed", 10, desks=2, weeks=4, partitions=_PARTITIONS),
        *(DeskPlan(corpus, 100, desks=1, weeks=4, partitions=_PARTITIONS) for corpus in CORPORA if corpus != "mixed"),
    ),
    planted=PlantedPlan(100, weeks=8, moments=60, each=4, shape=_POISSON, partitions=_PARTITIONS),
    planted_warm_up=4,
    oracle_weeks=5_200,
    cost=((1_000, 400_000), (100_000, 800_000)),
)
_QUICK = Sizes(
    warm_up=3,
    small=DeskPlan("mixed", 8, desks=1, weeks=1, partitions=1),
    middle=DeskPlan("mixed", 12, desks=1, weeks=1, partitions=1),
    others=(DeskPlan("replayed", 8, desks=1, weeks=1, partitions=1),),
    planted=PlantedPlan(12, weeks=1, moments=3, each=1, shape=_POISSON, partitions=1),
    planted_warm_up=4,
    oracle_weeks=100,
    cost=((1_000, 20_000),),
)


class Progress:
    """Runs tasks on all cores and says how many are done."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def run(self, title: str, calls: dict[Any, tuple[Callable[..., Any], tuple[Any, ...]]]) -> dict[Any, Any]:
        """Results by the calls' own keys."""
        futures = {self._pool.submit(function, *arguments): key for key, (function, arguments) in calls.items()}
        results = {}
        for done, future in enumerate(as_completed(futures), 1):
            results[futures[future]] = future.result()
            _say(f"{title}: {done} of {len(futures)}")
        return results


def measure(sizes: Sizes) -> dict[str, Any]:
    """Everything that is measured, by part."""
    week = load_week()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        progress = Progress(pool)
        alarms = progress.run(
            "(a) Tocsin on stationary desks",
            {
                (plan, desk, partition): (tasks.tocsin_alarms, (plan, sizes.warm_up, _SEED, desk, partition))
                for plan in sorted(sizes.desks, key=lambda plan: -plan.subjects)
                for desk in range(plan.desks)
                for partition in range(plan.partitions)
            },
        )
        places = range(len(RIVALS))
        tuned = progress.run(
            "(a) rivals, tuned",
            {
                (plan, rival): (tasks.rival_tuned, (plan, sizes.warm_up, _SEED, rival))
                for plan in (sizes.middle, sizes.small)
                for rival in reversed(places)
            },
        )
        elsewhere = progress.run(
            "(a) rivals elsewhere",
            {
                (plan, rival): (
                    tasks.rival_elsewhere,
                    (plan, sizes.warm_up, _SEED, rival, tuned[_tuned_for(plan, sizes), rival]["threshold"]),
                )
                for plan in sizes.others
                for rival in reversed(places)
            },
        )
        planted = (sizes.planted, sizes.planted_warm_up, _SEED)
        found = progress.run(
            "(b) planted surges",
            {("rival", rival): (tasks.planted_on_rival, (*planted, rival)) for rival in reversed(places)}
            | {
                ("tocsin", partition): (tasks.planted_on_tocsin, (*planted, partition))
                for partition in range(sizes.planted.partitions)
            }
            | {("oracle", base): (tasks.planted_on_oracle, (*planted, base, sizes.oracle_weeks)) for base in BASES},
        )
    _say("(c) the real week")
    able = {rival: tuned[sizes.small, place]["threshold"] for place, rival in enumerate(RIVALS) if rival.memory < WEEK}
    real = ring_week(week, tasks.SETTINGS, sizes.planted.partitions, able)
    cost = []
    for subjects, signals in sizes.cost:
        _say(f"(d) cost with {subjects} subjects")
        cost.append(run_room("surge.cost", ["--subjects", str(subjects), "--signals", str(signals)]))
    return {
        "alarms": alarms,
        "tuned": tuned,
        "elsewhere": elsewhere,
        "found": found,
        "real_week": real,
        "cost": cost,
    }


def _tuned_for(plan: DeskPlan, sizes: Sizes) -> DeskPlan:
    """The mixed desk by which rivals' thresholds for another desk are set: the one of its size, else the larger."""
    return sizes.small if plan.subjects == sizes.small.subjects else sizes.middle


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


def run(*, quick: bool) -> None:
    """Measure, print the tables, and keep the figures of a full run."""
    machine = describe_machine()
    # One process a core is all; threads of BLAS would only get in each other's way.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    sizes = _QUICK if quick else _FULL
    started = time.monotonic()
    figures = collect(measure(sizes), sizes.desks, sizes.warm_up, sizes.planted, sizes.planted_warm_up, seed=_SEED)
    figures["seconds"] = round(time.monotonic() - started, 1)
    content = tables(figures)
    print(content)
    if not quick:
        _say(f"written: {write_result('surge', figures, machine=machine)}")
        update_page(_PAGE, content, "surge")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="A smoke run of less than a minute; writes nothing.")
    given = parser.parse_args()
    try:
        run(quick=given.quick)
    except (RealDataError, RoomError, UntunableError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
