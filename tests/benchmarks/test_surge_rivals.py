import warnings

import numpy as np
import pytest

from benchmarks.support.surge.alarms import Alarm, UntunableError, alarms, per_week, tune
from benchmarks.support.surge.rivals import RIVALS, ChangeDetector, Rival, seasonal_forecast
from benchmarks.support.surge.traffic import DAY, HOUR, MONDAY, WEEK, Traffic, names, rhythms


def _rings(*rows: int, windows: int = 60) -> np.ndarray:
    rings = np.zeros((windows, 1), dtype=bool)
    rings[list(rows)] = True
    return rings


def _steady(weeks: int, hourly: float = 40.0, subjects: int = 3, *, rhythm: bool = True) -> Traffic:
    rng = np.random.default_rng(11)
    mean = (rhythms(rng, weeks * WEEK, subjects) if rhythm else np.ones((weeks * WEEK, subjects))) * hourly / HOUR
    negative = rng.poisson(mean).astype(np.int32)
    return Traffic(names(subjects), MONDAY, negative, negative + 2)


def test_rings_that_follow_one_another_are_one_alarm() -> None:
    assert alarms(_rings(5, 6, 9)) == [Alarm(5, 0)]


def test_an_alarm_ends_and_after_the_cool_down_there_may_be_another() -> None:
    # Three calm windows end it at 8; until 14 it is in its cool-down.
    assert alarms(_rings(5, 14)) == [Alarm(5, 0)]
    assert alarms(_rings(5, 15)) == [Alarm(5, 0), Alarm(15, 0)]


def test_alarms_of_subjects_are_told_by_time() -> None:
    rings = np.zeros((40, 2), dtype=bool)
    rings[3, 1] = rings[20, 0] = True
    assert alarms(rings) == [Alarm(3, 1), Alarm(20, 0)]


def test_the_warm_up_does_not_count() -> None:
    assert per_week(_rings(5, 30, windows=WEEK + 10), after=10) == 1.0


def test_a_tuned_threshold_spends_the_budget() -> None:
    scores = np.zeros((WEEK, 1))
    scores[::100] = np.arange(1, 22)[:, None]
    threshold = tune(lambda bar: scores >= bar, 4.0, after=0, start=1000.0, name="any")
    assert 17 < threshold <= 18
    assert per_week(scores >= threshold) == 4.0


def test_a_rival_that_always_rings_is_told() -> None:
    with pytest.raises(UntunableError, match="any is over its budget of 2 alarms"):
        tune(lambda _: _rings(5, 20, 40, windows=WEEK), 2.0, after=0, start=10.0, name="any")


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
def test_a_rival_rings_in_a_great_surge_and_not_before(rival: Rival) -> None:
    traffic = _steady(5, rhythm=False)
    row = 4 * WEEK + DAY + 15 * HOUR
    negative = traffic.negative.copy()
    negative[row : row + 2 * HOUR, 1] *= 8
    threshold = {"fixed_threshold": 250.0, "page_hinkley": 30.0, "page_hinkley_seasonal": 30.0}.get(rival.name, 8.0)
    rings = rival.prepare(Traffic(traffic.names, traffic.first, negative, negative + 2))(threshold)
    assert not rings[rival.memory : row].any()
    assert rings[row : row + 2 * HOUR, 1].any()
    assert not rings[row : row + 2 * HOUR, [0, 2]].any()


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
def test_a_rival_does_not_look_ahead(rival: Rival) -> None:
    traffic = _steady(5, subjects=2)
    until = 4 * WEEK + 1000
    threshold = 3.0 if rival.name != "fixed_threshold" else 50.0
    whole = rival.prepare(traffic)(threshold)[:until]
    assert whole.any()
    assert (rival.prepare(traffic.rows(slice(0, until)))(threshold) == whole).all()


def test_the_seasonal_forecast_follows_day_and_week() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecast, deviation = seasonal_forecast(_steady(4, hourly=120.0))
    assert np.isinf(deviation[: 3 * WEEK]).all()
    assert np.isfinite(deviation[3 * WEEK :]).all()
    truth = rhythms(np.random.default_rng(11), WEEK, 3) * 10
    error = np.abs(forecast[3 * WEEK :] - truth).mean(axis=0)
    assert (error < 2.5).all()


def test_the_seasonal_change_detector_waits_for_its_first_forecast() -> None:
    rings = ChangeDetector(seasonal=True).prepare(_steady(4))(0.5)
    assert not rings[: 3 * WEEK].any()
    assert rings[3 * WEEK :].any()
