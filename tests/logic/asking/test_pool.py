"""A budget, a lot and a pool."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from streams.logic.asking.pool import Lot, Pool, TokenBucket

HOUR = 3600.0


def spent(bucket: TokenBucket, seconds: float, step: float, start: float = 0.0) -> int:
    """Tokens spent by one who asks every ``step`` seconds and takes what there is."""
    count, now = 0, start
    while now < start + seconds:
        now += step
        while bucket.has_token(now):
            bucket.spend()
            count += 1
    return count


@pytest.mark.parametrize("per_hour", [1, 45, 600, 3000])
def test_a_budget_is_what_comes_in_an_hour(per_hour: int) -> None:
    assert spent(TokenBucket(per_hour, 0.0), HOUR, 1.0) == pytest.approx(per_hour, abs=2)


def test_a_quiet_night_leaves_no_pile_for_the_morning() -> None:
    bucket = TokenBucket(60, 0.0)
    assert spent(bucket, 60.0, 1.0, start=8 * HOUR) <= 3


def test_no_budget_gives_nothing() -> None:
    assert spent(TokenBucket(0, 0.0), 10 * HOUR, 60.0) == 0


def test_a_clock_that_stands_gives_nothing() -> None:
    bucket = TokenBucket(HOUR, 5.0)
    assert bucket.has_token(6.0)
    bucket.spend()
    assert not bucket.has_token(6.0)


def test_each_is_as_likely_to_be_drawn_as_any_other() -> None:
    lot: Lot[int] = Lot(random.Random(7))
    drawn: Counter[int | None] = Counter()
    for _ in range(10_000):
        for item in range(5):
            lot.offer(item)
        drawn[lot.draw()] += 1
    # Five standard deviations of a binomial count.
    assert all(abs(drawn[item] - 2000) < 200 for item in range(5)), drawn


def test_what_was_drawn_is_gone() -> None:
    lot: Lot[str] = Lot(random.Random(7))
    assert lot.draw() is None
    lot.offer("a")
    assert (lot.draw(), lot.draw()) == ("a", None)


def test_the_highest_are_kept_and_the_highest_is_taken_first() -> None:
    pool: Pool[int] = Pool(3, HOUR)
    for item, score in enumerate([0.5, 0.9, 0.6, 0.7, 0.4]):
        pool.offer(score, f"f{item}", item, 0.0)
    assert [pool.take().item for _ in range(len(pool))] == [1, 3, 2]


def test_of_equal_scores_the_first_stays_and_comes_first() -> None:
    pool: Pool[int] = Pool(2, HOUR)
    for item in range(4):
        pool.offer(0.5, f"f{item}", item, 0.0)
    assert [pool.take().item for _ in range(len(pool))] == [0, 1]


def test_copies_do_not_crowd_a_pool() -> None:
    pool: Pool[int] = Pool(2, HOUR)
    for item in range(4):
        pool.offer(0.5 + item / 10, "same", item, 0.0)
    pool.offer(0.1, "another", 9, 0.0)
    assert [pool.take().item for _ in range(len(pool))] == [0, 9]


def test_the_old_are_let_go() -> None:
    pool: Pool[int] = Pool(4, HOUR)
    pool.offer(0.9, "old", 1, 0.0)
    pool.offer(0.2, "new", 2, HOUR)
    pool.drop_old(HOUR + 1.0)
    assert [pool.take().item for _ in range(len(pool))] == [2]
