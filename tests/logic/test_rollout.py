"""When a worker takes up a version."""

from __future__ import annotations

import pytest

from streams.logic.rollout import Rollout


def rollout(worker: str = "a", within: float = 3.0) -> Rollout:
    return Rollout(worker, 1, 4, within=within)


def test_only_another_version_is_wanted() -> None:
    known = rollout()
    assert [known.wants(version) for version in (None, 1, 2)] == [False, False, True]
    known.took_up(2, 5)
    assert (known.version, known.epoch, known.wants(2), known.wants(1)) == (2, 5, False, True)


def test_an_epoch_never_falls() -> None:
    known = rollout()
    known.dealt_with(7)
    known.dealt_with(5)
    assert known.epoch == 7


def test_workers_wait_for_moments_of_their_own() -> None:
    delays = [rollout(f"host:{number}").delay(9) for number in range(200)]
    assert all(0.0 <= delay < 3.0 for delay in delays)
    assert len({round(delay, 6) for delay in delays}) == 200
    # Spread over all of the time, in each third of it a third of them or so.
    assert all(45 < sum(third <= delay < third + 1 for delay in delays) < 90 for third in range(3))


def test_no_worker_is_always_the_first() -> None:
    first = [min("ab", key=lambda worker: rollout(worker).delay(epoch)) for epoch in range(50)]
    assert 10 < first.count("a") < 40


def test_without_a_spread_nobody_waits() -> None:
    assert rollout(within=0.0).delay(3) == 0.0


def test_what_failed_is_tried_again_ever_later() -> None:
    known = rollout()
    assert known.due_in(5, now=100.0) == 0.0
    pauses = []
    for _ in range(9):
        known.failed(5, now=100.0)
        pauses.append(known.due_in(5, now=100.0))
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60])
    assert known.due_in(5, now=159.0) == pytest.approx(1.0)
    assert known.due_in(5, now=161.0) == 0.0


def test_attempts_over_days_still_pause_for_a_minute() -> None:
    known = rollout()
    for _ in range(5000):
        known.failed(5, now=100.0)
    assert known.due_in(5, now=100.0) == 60.0


def test_refusals_are_counted_in_a_row() -> None:
    known = rollout()
    counts = []
    for refused in (True, True, False, True):
        known.failed(5, now=100.0, refused=refused)
        counts.append(known.refusals)
    assert counts == [1, 2, 0, 1]


def test_what_the_registry_shows_beyond_a_pointer_is_waited_for_as_well() -> None:
    known = rollout()
    known.failed(5, now=100.0, refused=True)
    known.failed(6, now=100.0, refused=True)
    assert (known.failures, known.refusals) == (1, 1)
    assert (known.due_in(5, now=100.0), known.due_in(6, now=100.0)) == (1.0, 1.0)
    # The registry was out of reach, and the pointer had told of no more.
    known.failed(5, now=101.0)
    assert (known.failures, known.due_in(6, now=101.0)) == (2, 2.0)


def test_something_newer_is_tried_at_once() -> None:
    known = rollout()
    for _ in range(5):
        known.failed(5, now=100.0)
    assert known.due_in(6, now=100.0) == 0.0
    known.failed(6, now=100.0)
    assert (known.failures, known.due_in(6, now=100.0)) == (1, 1.0)
