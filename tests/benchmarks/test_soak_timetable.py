"""Acts are spread so that parts which are compared have as many of each."""

from collections import Counter

import pytest

from benchmarks.support.soak.timetable import WARM_UP_SHARE, Act, swap_period, timetable

HOUR = 3600.0


def by_part(acts: list[Act], kind: str, begin: float, seconds: float, parts: int) -> set[int]:
    """How many acts of a kind the parts of a time have."""
    counts = Counter(int((act.at - begin) / seconds * parts) for act in acts if act.kind == kind and act.at >= begin)
    return {counts[part] for part in range(parts)}


@pytest.mark.parametrize("hours", [0.5, 1.0, 2.0, 8.0])
def test_parts_that_are_compared_have_as_many_acts_of_each_kind(hours: float) -> None:
    seconds = hours * HOUR
    acts, warm_up = timetable(seconds), WARM_UP_SHARE * seconds
    assert len(by_part(acts, "swap", 0.0, seconds, 10)) == 1
    for kind in ("rebalance", "retraining"):
        counts = by_part(acts, kind, warm_up, seconds - warm_up, 4)
        assert len(counts) == 1
        assert min(counts) >= 1
        assert not [act for act in acts if act.kind == kind and act.at < warm_up]


def test_an_hour_has_a_swap_about_every_five_minutes_and_a_guest_about_every_ten() -> None:
    acts = timetable(HOUR)
    assert Counter(act.kind for act in acts) == {"swap": 10, "rebalance": 8, "retraining": 4}
    assert [act.is_kill for act in acts if act.kind == "rebalance"].count(True) == 1
    assert swap_period(HOUR) == 360
    assert swap_period(10 * HOUR) == 300


def test_acts_come_in_their_order_and_within_the_run() -> None:
    for seconds in (60.0, 1800.0, HOUR, 8 * HOUR):
        moments = [act.at for act in timetable(seconds)]
        assert moments == sorted(moments)
        assert moments[0] >= 0
        assert moments[-1] < seconds


def test_a_short_run_has_one_of_each() -> None:
    assert Counter(act.kind for act in timetable(60.0)) == {"swap": 1, "rebalance": 1, "retraining": 1}
