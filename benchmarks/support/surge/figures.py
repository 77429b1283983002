"""What was measured, part by part, as the figures that are kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.support.surge.limits import greatest_share, least_base
from benchmarks.support.surge.outcome import by_cell, twice_over
from benchmarks.support.surge.planted import BASES, FACTORS
from benchmarks.support.surge.rivals import RIVALS
from benchmarks.support.surge.tasks import BUDGET, planted_desk
from benchmarks.support.surge.traffic import HOUR, WEEK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.support.surge.planted import Surge
    from benchmarks.support.surge.tasks import DeskPlan, PlantedPlan

_WAITS = {"within_30_minutes": HOUR // 2, "within_2_hours": 2 * HOUR}
_AIM = 0.8


def collect(
    measured: Mapping[str, Any],
    desks: Sequence[DeskPlan],
    warm_up: int,
    planted: PlantedPlan,
    planted_warm_up: int,
    *,
    seed: int,
) -> dict[str, Any]:
    """All figures.

    Args:
        measured: Results of the tasks, by part and by their own keys.
        desks: The stationary desks.
        warm_up: Their weeks before false alarms count.
        planted: The planted desk.
        planted_warm_up: Its weeks before surges and false alarms count.
        seed: Of everything.

    Returns:
        The headline figures, on mixed traffic of 100 subjects and of surges of twice over at 20 an hour or more; the
        same under each rival's name; and every single figure under the name of its part.
    """
    _, surges = planted_desk(planted, planted_warm_up, seed)
    stationary = _stationary(measured, desks, warm_up)
    found, twice, alarms = _found(measured["found"], surges, planted, planted_warm_up)
    headline = next(plan for plan in reversed(desks[:2]) if plan.corpus == "mixed")
    at_headline = stationary["mixed"][str(headline.subjects)]
    figures: dict[str, Any] = {}
    for name in ("tocsin", *(rival.name for rival in RIVALS)):
        told = {
            "false_alarms_per_week": at_headline[name],
            "budget_per_week": BUDGET,
            "detected_2x": twice[name]["within_30_minutes"],
            "delay_minutes_2x": twice[name]["delay_minutes"],
        }
        figures |= told if name == "tocsin" else {name: told}
    return figures | {
        "subject_days": sum(size["subject_days"] for sizes in stationary.values() for size in sizes.values()),
        "partitions": planted.partitions,
        "warm_up_weeks": warm_up,
        "planted_warm_up_weeks": planted_warm_up,
        "seed": seed,
        "stationary": stationary,
        "thresholds": _thresholds(measured),
        "planted": {
            "subjects": planted.subjects,
            "weeks": planted.weeks,
            "false_alarms_per_week": alarms,
            "found": found,
            "oracle": _oracle(measured["found"], surges),
            "bound": _bounds(planted),
            "least_base_2x": {
                name: {
                    wait: round(least_base(2.0, windows, _AIM, alarms_a_week=BUDGET / share, shape=planted.shape), 1)
                    for wait, windows in _WAITS.items()
                }
                for name, share in (("subject_of_desk", planted.subjects), ("only_subject", 1))
            },
        },
        "real_week": measured["real_week"],
        "cost": measured["cost"],
    }


def _stationary(measured: Mapping[str, Any], desks: Sequence[DeskPlan], warm_up: int) -> dict[str, dict[str, Any]]:
    stationary: dict[str, dict[str, Any]] = {}
    for plan in sorted(desks, key=lambda plan: (plan.corpus != "mixed", desks.index(plan), plan.subjects)):
        alarms = sum(
            row >= warm_up * WEEK for key, rows in measured["alarms"].items() if key[0] == plan for row in rows
        )
        told = {
            "subject_days": plan.subjects * plan.desks * (plan.weeks + warm_up) * 7,
            "desk_weeks": plan.desks * plan.weeks,
            "alarms": alarms,
            "tocsin": alarms / (plan.desks * plan.weeks),
        }
        for place, rival in enumerate(RIVALS):
            if (plan, place) in measured["tuned"]:
                told[rival.name] = measured["tuned"][plan, place]["rest"]
            else:
                told[rival.name] = measured["elsewhere"][plan, place]
        stationary.setdefault(plan.corpus, {})[str(plan.subjects)] = told
    return stationary


def _thresholds(measured: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """Of each rival by where it was tuned, with its false alarms a week there."""
    thresholds: dict[str, dict[str, dict[str, float]]] = {rival.name: {} for rival in RIVALS}
    for (plan, place), told in measured["tuned"].items():
        thresholds[RIVALS[place].name][f"mixed, {plan.subjects} subjects"] = told
    for (who, place), told in measured["found"].items():
        if who == "rival":
            thresholds[RIVALS[place].name]["planted desk"] = {key: told[key] for key in ("threshold", "tuned", "rest")}
    return thresholds


def _found(
    results: Mapping[tuple[str, int], Any], surges: Sequence[Surge], planted: PlantedPlan, warm_up: int
) -> tuple[dict[str, Any], dict[str, Any], dict[str, float]]:
    """Outcomes by detector and cell, those of twice over together, and false alarms a week on the undisturbed desk."""
    of_tocsin = [results["tocsin", partition] for partition in range(planted.partitions)]
    by_number: dict[int, float | None] = {}
    for told in of_tocsin:
        by_number |= told["delays"]
    delays = {"tocsin": [by_number[number] for number in range(len(surges))]}
    rung = sum(row >= warm_up * WEEK for told in of_tocsin for row in told["alarms"])
    alarms = {"tocsin": rung / planted.weeks}
    for place, rival in enumerate(RIVALS):
        delays[rival.name] = results["rival", place]["delays"]
        alarms[rival.name] = results["rival", place]["rest"]
    return (
        {name: _cells(surges, told) for name, told in delays.items()},
        {name: asdict(twice_over(surges, told)) for name, told in delays.items()},
        alarms,
    )


def _cells(surges: Sequence[Surge], delays: Sequence[float | None]) -> dict[str, dict[str, Any]]:
    return {
        factor: {base: asdict(outcome) for base, outcome in bases.items()}
        for factor, bases in by_cell(surges, delays).items()
    }


def _oracle(results: Mapping[tuple[str, int], Any], surges: Sequence[Surge]) -> dict[str, Any]:
    """In each cell and of each figure, the better of the two oracles."""
    of_both = []
    for statistic in ("cusum", "half_hour"):
        by_number: dict[int, float | None] = {}
        for base in BASES:
            by_number |= results["oracle", base][statistic]
        of_both.append(_cells(surges, [by_number[number] for number in range(len(surges))]))
    return {
        factor: {
            base: {
                "within_30_minutes": max(cell["within_30_minutes"] for cell in cells),
                "within_2_hours": max(cell["within_2_hours"] for cell in cells),
                "delay_minutes": min(
                    (cell["delay_minutes"] for cell in cells if cell["delay_minutes"] is not None), default=None
                ),
            }
            for base, *cells in ((base, *(both[factor][base] for both in of_both)) for base in map(str, BASES))
        }
        for factor in (f"{factor:g}" for factor in FACTORS)
    }


def _bounds(planted: PlantedPlan) -> dict[str, Any]:
    alarms = BUDGET / planted.subjects
    return {
        f"{factor:g}": {
            str(base): {
                wait: greatest_share(base, factor, windows, alarms_a_week=alarms, shape=planted.shape)
                for wait, windows in _WAITS.items()
            }
            for base in BASES
        }
        for factor in FACTORS
    }
