from __future__ import annotations

import numpy as np
import pytest

from streams.logic.surge.budget import Budget
from streams.logic.surge.tail import BASE_SCORE, Tail

WEEK = 2_016


def learned(peaks_a_week: float, excess: float, weeks: int, *, seed: int = 3) -> tuple[Tail, Budget]:
    """A tail that has seen so many peaks above the base, of so much mean excess, of ten subjects."""
    noise = np.random.default_rng(seed)
    tail, budget = Tail(2.0 * WEEK), Budget(2.0, WEEK)
    for bucket in range(1, weeks * WEEK, 4):
        tail.evaluate(bucket, 40)
        for _ in range(noise.poisson(4 * peaks_a_week / WEEK)):
            tail.add(BASE_SCORE + noise.exponential(excess), bucket)
    budget.evaluate(weeks * WEEK, 10)
    return tail, budget


@pytest.mark.parametrize("peaks", [60.0, 600.0])
@pytest.mark.parametrize("excess", [0.4, 0.8])
def test_the_threshold_is_where_the_budget_is_spent(peaks: float, excess: float) -> None:
    spent = []
    for seed in range(8):
        tail, budget = learned(peaks, excess, 4, seed=seed)
        spent.append(peaks * np.exp(-(budget.thresholds(tail).yellow - BASE_SCORE) / excess))
    assert 1.0 < np.mean(spent) < 2.6, "of two a week"


def test_before_there_is_a_history_the_model_is_believed() -> None:
    tail, budget = Tail(2.0 * WEEK), Budget(2.0, WEEK)
    tail.evaluate(1, 10)
    budget.evaluate(1, 10)
    thresholds = budget.thresholds(tail)
    promised = np.log10(10 * WEEK / 2.0)
    assert promised < thresholds.yellow < promised + 1.0, "with caution"
    assert thresholds.yellow + 1.0 <= thresholds.orange
    assert thresholds.orange + 1.0 <= thresholds.red


def test_more_subjects_ask_for_a_higher_score() -> None:
    thresholds = {}
    for subjects in (10, 1_000):
        tail, budget = Tail(2.0 * WEEK), Budget(2.0, WEEK)
        tail.evaluate(1, subjects)
        budget.evaluate(1, subjects)
        thresholds[subjects] = budget.thresholds(tail).yellow
    assert thresholds[1_000] == pytest.approx(thresholds[10] + 2.0, abs=0.5)


def test_a_larger_budget_asks_for_a_lower_score() -> None:
    tail, _ = learned(600.0, 0.5, 3)
    thresholds = {}
    for a_week in (0.5, 2.0, 20.0):
        budget = Budget(a_week, WEEK)
        budget.evaluate(1, 10)
        thresholds[a_week] = budget.thresholds(tail).yellow
    assert thresholds[0.5] > thresholds[2.0] > thresholds[20.0]


def test_budgets_of_partitions_add_up() -> None:
    """A quarter of the subjects with a quarter of the budget asks for the same score."""
    tail = Tail(2.0 * WEEK)
    tail.evaluate(1, 25)
    whole, part = Budget(2.0, WEEK), Budget(0.5, WEEK)
    whole.evaluate(1, 100)
    part.evaluate(1, 25)
    assert part.thresholds(tail).yellow == pytest.approx(whole.thresholds(tail).yellow)


def test_real_surges_do_not_raise_the_threshold_out_of_reach() -> None:
    thresholds = {}
    for surges in (0, 50):
        tail, budget = learned(200.0, 0.45, 3)
        usual = budget.thresholds(tail).yellow
        for at in range(surges):
            tail.add_fired(f"entity/{at}", "negative", 3 * WEEK - at, threshold=usual, peak=40.0)
        thresholds[surges] = budget.thresholds(tail).yellow
    assert thresholds[0] < thresholds[50] < thresholds[0] + 1.0


def test_a_verdict_counts_the_run_as_chance() -> None:
    tail, budget = learned(200.0, 0.45, 3)
    tail.add_fired("entity/birk", "negative", 3 * WEEK - 1, threshold=4.0, peak=4.5)
    tail.raise_fired("entity/birk", "negative", 9.0)
    tail.raise_fired("entity/birk", "volume", 99.0)
    yellow = budget.thresholds(tail).yellow
    assert not tail.judge_false("entity/birk", "volume")
    before = tail.fit(1e-4)
    assert not tail.judge_real("entity/birk", "negative")
    assert tail.judge_false("entity/birk", "negative")
    assert not tail.judge_false("entity/birk", "negative")
    judged = tail.fit(1e-4)
    assert judged != before
    # What is taken back leaves nothing behind, over a restart too.
    restored = Tail(2.0 * WEEK)
    restored.load(tail.dump())
    for each in (tail, restored):
        assert each.judge_real("entity/birk", "negative")
        assert not each.judge_real("entity/birk", "negative")
        assert each.fit(1e-4) == before
    assert tail.judge_false("entity/birk", "negative")
    assert tail.fit(1e-4) == judged
    assert budget.thresholds(tail).yellow > yellow


def test_what_is_long_past_is_forgotten() -> None:
    tail, budget = learned(600.0, 0.8, 3)
    noisy = budget.thresholds(tail).yellow
    for bucket in range(3 * WEEK, 15 * WEEK, 12):
        tail.evaluate(bucket, 120)
        budget.evaluate(bucket, 10)
    assert budget.thresholds(tail).yellow < noisy - 0.5


def test_it_is_kept_exactly() -> None:
    tail, budget = learned(200.0, 0.5, 2)
    tail.add_fired("entity/birk", "negative", 2 * WEEK, threshold=4.0, peak=4.5)
    again, budget_again = Tail(2.0 * WEEK), Budget(2.0, WEEK)
    again.load(tail.dump())
    budget_again.load(budget.dump())
    assert again.dump() == tail.dump()
    assert budget_again.thresholds(again) == budget.thresholds(tail)
