from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from benchmarks.support.real_messages import RealDataError
from benchmarks.support.surge.corpora import CORPORA, stationary
from benchmarks.support.surge.replay import RealWeek, load_week
from benchmarks.support.surge.traffic import DAY, HOUR, MONDAY, WEEK, WINDOW_SECONDS, rhythms, trailing


@pytest.fixture
def week(tmp_path: Path) -> RealWeek:
    """Nine invented days in the layout of the real data: one tweet a window and airline, each third one negative."""
    path = tmp_path / "streams" / "airline_tweets" / "airline_tweets.csv"
    path.parent.mkdir(parents=True)
    begin = int(datetime(2015, 2, 16, tzinfo=UTC).timestamp())
    rows = ["created_at,airline,sentiment"]
    for window in range(9 * DAY):
        moment = datetime.fromtimestamp(begin + window * WINDOW_SECONDS, UTC).isoformat()
        rows += [f"{moment},{airline},{'neutral' if window % 3 else 'negative'}" for airline in ("Here", "There")]
    rows.append("2015-02-22T10:00:00-08:00,American,negative")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return load_week(tmp_path)


def test_the_first_window_is_a_monday() -> None:
    assert datetime.fromtimestamp(MONDAY * WINDOW_SECONDS, UTC) == datetime(2026, 1, 5, tzinfo=UTC)
    assert datetime.fromtimestamp(MONDAY * WINDOW_SECONDS, UTC).weekday() == 0


def test_a_rhythm_has_mean_one_and_comes_again_each_week() -> None:
    factors = rhythms(np.random.default_rng(1), 2 * WEEK, 5)
    assert factors.shape == (2 * WEEK, 5)
    assert factors[:WEEK].mean(axis=0) == pytest.approx(np.ones(5))
    assert (factors[:WEEK] == factors[WEEK:]).all()
    by_day = factors[:WEEK].reshape(7, DAY, 5).sum(axis=1)
    assert (by_day[5:] < by_day[:5].min(axis=0)).all()


def test_trailing_sums_have_no_foresight() -> None:
    counts = np.array([[1], [2], [3], [4]])
    assert trailing(counts, 2).ravel().tolist() == [1, 3, 5, 7]


@pytest.mark.parametrize("corpus", CORPORA)
def test_traffic_is_the_same_for_the_same_seed(week: RealWeek, corpus: str) -> None:
    one, again, other = (stationary(corpus, 8, 1, seed, week) for seed in (1, 1, 2))
    assert one.negative.shape == one.volume.shape == (WEEK, 8)
    assert len(set(one.names)) == 8
    assert (one.negative == again.negative).all()
    assert (one.negative != other.negative).any()
    assert (one.negative <= one.volume).all()
    assert (one.negative >= 0).all()


def test_made_traffic_is_noisier_than_poisson_at_the_same_hour(week: RealWeek) -> None:
    for corpus in ("over_dispersed", "self_exciting"):
        # Of whole hours, since what draws other messages after it does so within the hour.
        negative = stationary(corpus, 30, 8, 3, week).negative.reshape(8, 7 * 24, HOUR, 30).sum(axis=2)
        busy = negative.mean(axis=(0, 1)) > HOUR
        ratio = negative.var(axis=0, ddof=1).sum(axis=0) / negative.mean(axis=0).sum(axis=0)
        assert (ratio[busy] > 1.05).all(), corpus


def test_the_real_week_is_counted_by_window_and_by_local_day(week: RealWeek) -> None:
    assert week.airlines == ("American", "Here", "There")
    assert week.traffic.volume.sum() == 18 * DAY + 1
    assert week.traffic.negative[:, 1].sum() == 3 * DAY
    assert week.days["American"]["2015-02-22"] == (1, 1)
    assert week.days["Here"]["2015-02-20"] == (DAY // 3, DAY)


def test_calm_hours_end_before_the_first_rise_and_the_late_airline_is_left_out(week: RealWeek) -> None:
    calm, volume = week.hours(calm=True)
    assert calm.shape == volume.shape == (88, HOUR, 2)
    assert (volume == 1).all()
    assert len(week.hours(calm=False)[0]) == 171


def test_replayed_hours_keep_what_moves_subjects_together(week: RealWeek) -> None:
    traffic = stationary("replayed", 4, 2, 5, week)
    # The first replica is as it was: both airlines have their negatives in the same windows.
    assert (traffic.negative[:, 0] == traffic.negative[:, 1]).all()
    assert traffic.negative[:, 2:].sum() < traffic.negative[:, :2].sum()


def test_no_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(RealDataError, match=r"airline_tweets\.csv: No such file"):
        load_week(tmp_path)
