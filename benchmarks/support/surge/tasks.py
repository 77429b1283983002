"""The benchmark's parts as tasks for processes: each makes its traffic from the seed, so little goes between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from benchmarks.support.surge.alarms import per_week, tune
from benchmarks.support.surge.bell import alarms_of
from benchmarks.support.surge.corpora import Corpus, stationary
from benchmarks.support.surge.limits import oracles
from benchmarks.support.surge.planted import (
    FACTORS,
    KnownDesk,
    Surge,
    delays_of_rival,
    known_desk,
    plant,
    watch,
)
from benchmarks.support.surge.replay import RealWeek, load_week
from benchmarks.support.surge.rivals import RIVALS, Rival
from benchmarks.support.surge.traffic import WEEK, Traffic, join
from streams.contract.settings import SurgeSettings

SETTINGS = SurgeSettings()
BUDGET = SETTINGS.false_alarms_per_week
# Rivals look at so many subjects at a time, which bounds memory.
_AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class DeskPlan:
    """Stationary desks of one kind and size."""

    corpus: Corpus
    subjects: int
    desks: int
    weeks: int
    """After the warm-up."""
    partitions: int
    """Of the signals topic; each has its part of the subjects and of the budget."""


@dataclass(frozen=True, slots=True)
class PlantedPlan:
    """The desk into which surges are planted."""

    subjects: int
    weeks: int
    """After the warm-up."""
    moments: int
    each: int
    """Subjects of each base rate that surge at a moment."""
    shape: float
    """Gamma shape of a window's own rate; as good as Poisson where it is large."""
    partitions: int
    """Of the signals topic."""


def tocsin_alarms(plan: DeskPlan, warm_up: int, seed: int, desk: int, partition: int) -> list[int]:
    """Rows at which Tocsin rings in one partition of one desk; the warm-up's too."""
    traffic = stationary(plan.corpus, plan.subjects, warm_up + plan.weeks, seed + desk, _week())
    mine = traffic.of(slice(partition, None, plan.partitions))
    return [alarm.row for alarm in alarms_of(mine, SETTINGS, plan.partitions)] if mine.names else []


def rival_tuned(plan: DeskPlan, warm_up: int, seed: int, rival: int) -> dict[str, float]:
    """A rival's threshold to the budget on the first half of the time, and its false alarms a week on both halves.

    Several desks are tuned as one, each with the budget.
    """
    traffic = join(
        [stationary(plan.corpus, plan.subjects, warm_up + plan.weeks, seed + n, _week()) for n in range(plan.desks)]
    )
    return _tuned(RIVALS[rival], traffic, warm_up, plan.weeks, plan.desks)


def rival_elsewhere(plan: DeskPlan, warm_up: int, seed: int, rival: int, threshold: float) -> float:
    """False alarms per desk and week of a rival whose threshold was tuned elsewhere."""
    found = 0.0
    for desk in range(plan.desks):
        traffic = stationary(plan.corpus, plan.subjects, warm_up + plan.weeks, seed + desk, _week())
        for begin in range(0, plan.subjects, _AT_A_TIME):
            part = traffic.of(slice(begin, begin + _AT_A_TIME))
            found += per_week(RIVALS[rival].prepare(part)(threshold), after=warm_up * WEEK)
    return found / plan.desks


def planted_on_tocsin(plan: PlantedPlan, warm_up: int, seed: int, partition: int) -> dict[str, Any]:
    """Alarms of one partition of the undisturbed desk, and delays of the surges in it by their number."""
    desk, surges = planted_desk(plan, warm_up, seed)
    mine = desk.traffic.of(slice(partition, None, plan.partitions))
    numbers = [number for number, surge in enumerate(surges) if surge.subject % plan.partitions == partition]
    moved = [replace(surges[number], subject=surges[number].subject // plan.partitions) for number in numbers]
    rung, delays = watch(mine, moved, SETTINGS, plan.partitions)
    return {"alarms": rung, "delays": dict(zip(numbers, delays, strict=True))}


def planted_on_rival(plan: PlantedPlan, warm_up: int, seed: int, rival: int) -> dict[str, Any]:
    """A rival tuned on the first half of the undisturbed desk, and its delays."""
    desk, surges = planted_desk(plan, warm_up, seed)
    told: dict[str, Any] = _tuned(RIVALS[rival], desk.traffic, warm_up, plan.weeks, desks=1)
    return told | {"delays": delays_of_rival(desk.traffic, surges, RIVALS[rival], told["threshold"])}


def planted_on_oracle(plan: PlantedPlan, warm_up: int, seed: int, base: int, weeks: int) -> dict[str, Any]:
    """Delays of both oracles for one base rate, by their name and the surge's number.

    Args:
        plan: The desk.
        warm_up: Weeks.
        seed: Of the desk.
        base: Negatives an hour.
        weeks: Subject-weeks by which their thresholds are set.
    """
    desk, surges = planted_desk(plan, warm_up, seed)
    found: dict[str, dict[int, float | None]] = {"cusum": {}, "half_hour": {}}
    subjects = min(400, weeks)
    for oracle in oracles(
        base,
        FACTORS,
        alarms_a_week=BUDGET / plan.subjects,
        shape=plan.shape,
        subjects=subjects,
        weeks=weeks // subjects,
        seed=seed + 1,
    ):
        numbers = [n for n, surge in enumerate(surges) if (surge.base, surge.factor) == (base, oracle.factor)]
        delays = oracle.delays(desk, [surges[number] for number in numbers])
        found[oracle.statistic] |= dict(zip(numbers, delays, strict=True))
    return found


@cache
def planted_desk(plan: PlantedPlan, warm_up: int, seed: int) -> tuple[KnownDesk, list[Surge]]:
    """The desk and its surges, the same for all who watch it."""
    desk = known_desk(plan.subjects, warm_up + plan.weeks, plan.shape, seed)
    return desk, plant(desk, after=warm_up * WEEK, moments=plan.moments, each=plan.each, seed=seed)


def _tuned(rival: Rival, traffic: Traffic, warm_up: int, weeks: int, desks: int) -> dict[str, float]:
    after, middle = warm_up * WEEK, (2 * warm_up + weeks) * WEEK // 2
    threshold = tune(
        rival.prepare(traffic.rows(slice(0, middle))), BUDGET * desks, after=after, start=rival.high, name=rival.title
    )
    rings = rival.prepare(traffic)(threshold)
    return {
        "threshold": threshold,
        "tuned": per_week(rings[:middle], after=after) / desks,
        "rest": per_week(rings, after=middle) / desks,
    }


@cache
def _week() -> RealWeek:
    return load_week()
