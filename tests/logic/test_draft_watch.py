"""What a watched generator may do, and what it may not."""

from __future__ import annotations

from streams.contract.model_settings import SwapSettings
from streams.logic.draft_watch import Drafted, DraftPace, DraftWatch

SETTINGS = SwapSettings(watch_seconds=60.0, max_slowdown=2.0)
FAILED = Drafted(1, 0, 0.0, failed=True)


def usual() -> dict[int, float]:
    pace = DraftPace()
    for seconds in (0.9, 1.0, 1.1):
        pace.observe(Drafted(1, 100, seconds))
    pace.observe(Drafted(4, 400, 2.0))
    pace.observe(FAILED)
    return pace.usual()


def test_the_usual_pace_is_of_batches_of_as_many_texts_and_of_enough_of_them() -> None:
    assert usual() == {1: 0.01}


def test_one_failure_is_let_pass_and_two_are_not() -> None:
    watch = DraftWatch(SETTINGS, {}, 0.0)
    assert watch.observe(FAILED) is None
    assert watch.observe(Drafted(1, 50, 1.0)) is None
    reason = watch.observe(FAILED)
    assert reason is not None
    assert "2 of 3" in reason


def test_a_pause_of_the_machine_is_no_verdict_but_a_slow_version_is_one() -> None:
    watch = DraftWatch(SETTINGS, usual(), 0.0)
    assert watch.observe(Drafted(1, 100, 30.0)) is None
    assert [watch.observe(Drafted(1, 100, 1.0)) for _ in range(10)] == [None] * 10
    slow = DraftWatch(SETTINGS, usual(), 0.0)
    reasons = [slow.observe(Drafted(1, 100, 2.5)) for _ in range(5)]
    assert reasons[:4] == [None] * 4
    assert reasons[4] is not None
    assert "2.50 times" in reasons[4]


def test_batches_of_other_sizes_and_short_texts_are_not_compared() -> None:
    watch = DraftWatch(SETTINGS, usual(), 0.0)
    assert [watch.observe(Drafted(4, 100, 50.0)) for _ in range(9)] == [None] * 9
    assert [watch.observe(Drafted(1, 10, 0.1)) for _ in range(9)] == [None] * 9


def test_a_watch_is_over_after_its_time_and_some_batches() -> None:
    watch = DraftWatch(SETTINGS, {}, 100.0)
    assert not watch.is_over(200.0)
    for _ in range(5):
        watch.observe(Drafted(1, 50, 1.0))
    assert not watch.is_over(150.0)
    assert watch.is_over(160.0)
