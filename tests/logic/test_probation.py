"""A version that is worse than the one before is found out; one that is not is let alone."""

from __future__ import annotations

import random

import pytest

from streams.contract.model_settings import SwapSettings
from streams.logic.probation import Pace, Probation, Verdict

RULES = SwapSettings(watch_seconds=120.0, max_error_share=0.02, max_slowdown=2.0)


def pace(seconds: float = 0.001, sizes: tuple[int, ...] = (1, 8, 32)) -> Pace:
    known = Pace()
    for size in sizes:
        for _ in range(20):
            known.observe(size, size * seconds)
    return known


def watched(*, slower: float = 1.0, batches: int = 100, size: int = 8, errors: int = 0) -> Probation:
    probation = Probation(RULES, pace().usual(), now=1000.0)
    for number in range(batches):
        probation.observe(size, size * 0.001 * slower, errors if number == 0 else 0)
    return probation


def at(probation: Probation, seconds: float) -> Verdict:
    return probation.judge(1000.0 + seconds)


def test_a_version_like_the_one_before_is_kept_when_the_watch_is_over() -> None:
    probation = watched()
    assert at(probation, 119.0).outcome == "watched"
    kept = at(probation, 120.0)
    assert (kept.outcome, kept.reason) == ("kept", "")
    assert kept.figures["slowdown"] == pytest.approx(1.0)


def test_a_slow_version_is_refused_before_the_watch_is_over() -> None:
    verdict = at(watched(slower=2.5), 6.0)
    assert verdict.outcome == "refused"
    assert "2.50 times as long" in verdict.reason
    assert "swap.max_slowdown" in verdict.reason


def test_time_is_not_judged_in_the_first_moments_or_by_few_batches() -> None:
    assert at(watched(slower=9.0), 1.0).outcome == "watched"
    assert at(watched(slower=9.0, batches=29), 120.0).outcome == "kept"


def test_a_pause_of_the_machine_is_no_verdict() -> None:
    probation = watched(batches=60)
    for _ in range(40):
        probation.observe(8, 10.0, 0)
    assert at(probation, 120.0).outcome == "kept"


def test_batches_are_compared_with_batches_of_like_size() -> None:
    """Large batches cost more each and less a message: a change of the load is no change of the model."""
    known = Pace()
    for _ in range(50):
        known.observe(64, 0.064)
    probation = Probation(RULES, known.usual(), now=1000.0)
    for _ in range(100):
        probation.observe(1, 0.01, 0)
    assert at(probation, 120.0).outcome == "kept"


def test_where_nothing_is_known_of_the_version_before_time_is_not_judged() -> None:
    probation = Probation(RULES, {}, now=1000.0)
    for _ in range(100):
        probation.observe(8, 60.0, 0)
    assert at(probation, 120.0).outcome == "kept"


def test_messages_that_only_the_version_before_can_read_are_counted() -> None:
    assert at(watched(batches=100, errors=8), 0.5).outcome == "watched"  # 1 % of 800
    verdict = at(watched(batches=20, errors=4), 0.5)
    assert verdict.outcome == "refused"
    assert "4 of 160 messages" in verdict.reason
    assert "swap.max_error_share" in verdict.reason


def test_one_error_among_few_messages_is_no_verdict() -> None:
    assert at(watched(batches=1, errors=2), 0.5).outcome == "watched"
    assert at(watched(batches=1, errors=3), 0.5).outcome == "refused"


def test_noise_alone_refuses_no_version_in_a_thousand() -> None:
    """The load, and the machine's mood, vary as they do in life; the model is the same."""
    noise = random.Random(13)

    def seconds(size: int) -> float:
        return float((0.004 + size * 0.001) * noise.lognormvariate(0.0, 0.6))

    for _ in range(1000):
        known = Pace()
        for _ in range(150):
            size = noise.choice((1, 2, 5, 9, 16, 30))
            known.observe(size, seconds(size))
        probation = Probation(RULES, known.usual(), now=1000.0)
        for _ in range(60):
            size = noise.choice((1, 2, 5, 9, 16, 30))
            probation.observe(size, seconds(size), 0)
        assert at(probation, 120.0).outcome == "kept"


def test_only_enough_batches_of_a_size_are_usual() -> None:
    known = pace(sizes=(8,))
    known.observe(100, 1.0)
    known.observe(0, 1.0)
    assert known.usual() == {4: pytest.approx(0.001)}
