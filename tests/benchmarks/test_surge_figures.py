import json
import math
from typing import Any

import pytest

from benchmarks.support.surge.figures import collect
from benchmarks.support.surge.planted import BASES
from benchmarks.support.surge.rivals import RIVALS
from benchmarks.support.surge.tables import tables
from benchmarks.support.surge.tasks import DeskPlan, PlantedPlan, planted_desk
from benchmarks.support.surge.traffic import WEEK

_SMALL = DeskPlan("mixed", 4, desks=2, weeks=1, partitions=2)
_MIDDLE = DeskPlan("mixed", 6, desks=1, weeks=2, partitions=2)
_OTHER = DeskPlan("replayed", 6, desks=1, weeks=1, partitions=2)
_PLANTED = PlantedPlan(6, weeks=1, moments=4, each=1, shape=1e6, partitions=2)
_SEED = 5
_COST = {
    "subjects": 1000,
    "signals": 50_000,
    "signals_per_second": 60_000.0,
    "signals_per_second_with_checkpoints": 40_000.0,
    "memory_bytes_per_subject": 2048.0,
    "state_bytes_mean": 1024.0,
    "state_bytes_greatest": 2048,
    "state_bytes_per_signal": 100.0,
}


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    surges = planted_desk(_PLANTED, 1, _SEED)[1]
    parts = {p: [n for n, surge in enumerate(surges) if surge.subject % 2 == p] for p in range(2)}
    places = range(len(RIVALS))
    measured = {
        # One alarm of the warm-up, which does not count, and one after it, in each partition.
        "alarms": {
            (plan, desk, partition): [3, WEEK]
            for plan in (_SMALL, _MIDDLE, _OTHER)
            for desk in range(plan.desks)
            for partition in range(2)
        },
        "tuned": {
            (plan, place): {"threshold": 9.0, "tuned": 2.0, "rest": 3.0}
            for plan in (_SMALL, _MIDDLE)
            for place in places
        },
        "elsewhere": {(_OTHER, place): 7.0 for place in places},
        "found": {("tocsin", p): {"alarms": [3, WEEK], "delays": dict.fromkeys(parts[p], 20.0)} for p in parts}
        | {
            ("rival", place): {"threshold": 8.0, "tuned": 2.0, "rest": 1.0, "delays": [math.inf] * len(surges)}
            for place in places
        }
        | {
            ("oracle", base): {
                statistic: {n: delay for n, surge in enumerate(surges) if surge.base == base}
                for statistic, delay in (("cusum", 40.0), ("half_hour", 10.0))
            }
            for base in BASES
        },
        "real_week": {
            "days": {"Here": {"2015-02-21": (1, 2), "2015-02-22": (30, 40)}},
            "rings": {"tocsin": {"Here": ["2015-02-22 13:05"]}, RIVALS[0].name: {"Here": []}},
        },
        "cost": [_COST],
    }
    return collect(measured, (_SMALL, _MIDDLE, _OTHER), 1, _PLANTED, 1, seed=_SEED)


def test_the_headline_figures_stand_at_the_top_and_under_each_rival(figures: dict[str, Any]) -> None:
    assert figures["false_alarms_per_week"] == 1.0
    assert figures["budget_per_week"] == 2.0
    assert figures["detected_2x"] == 1.0
    assert figures["delay_minutes_2x"] == 20.0
    for rival in RIVALS:
        assert figures[rival.name] == {
            "false_alarms_per_week": 3.0,
            "budget_per_week": 2.0,
            "detected_2x": 0.0,
            "delay_minutes_2x": None,
        }


def test_false_alarms_are_those_after_the_warm_up_by_desk_and_week(figures: dict[str, Any]) -> None:
    assert (
        figures["stationary"]["mixed"]["4"] | {"alarms": 4, "desk_weeks": 2, "tocsin": 2.0, "subject_days": 112}
        == (figures["stationary"]["mixed"]["4"])
    )
    assert figures["stationary"]["replayed"]["6"]["fixed_threshold"] == 7.0
    assert figures["planted"]["false_alarms_per_week"]["tocsin"] == 2.0


def test_of_two_oracles_the_better_one_is_told(figures: dict[str, Any]) -> None:
    cell = figures["planted"]["oracle"]["2"]["20"]
    assert cell == {"within_30_minutes": 1.0, "within_2_hours": 1.0, "delay_minutes": 10.0}


def test_the_bound_and_the_least_base_rate_belong_together(figures: dict[str, Any]) -> None:
    bound, least = figures["planted"]["bound"]["2"], figures["planted"]["least_base_2x"]["subject_of_desk"]
    for base in BASES:
        for wait in ("within_30_minutes", "within_2_hours"):
            assert (bound[str(base)][wait] >= 0.8) == (base >= least[wait])


def test_figures_are_json_and_tables_show_them(figures: dict[str, Any]) -> None:
    shown = tables(json.loads(json.dumps(figures, allow_nan=False)))
    assert "| 2 x 20/h |" in shown
    assert "30 / 40 | 22. 13:05" in shown
    assert "60,000" in shown
    assert all(rival.title in shown for rival in RIVALS)
    widths = [[line.count(" | ") for line in block.splitlines()] for block in shown.split("\n\n")]
    assert all(len(set(block)) == 1 for block in widths)
