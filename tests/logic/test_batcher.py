from __future__ import annotations

from collections import deque

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.properties import quick

from streams.logic.batcher import Batcher


def gathered(*items: str, size: int = 3, wait: float = 0.5, eager: bool = False) -> Batcher[str]:
    batcher: Batcher[str] = Batcher(size, wait, eager=eager)
    for item in items:
        batcher.add(item, now=10.0)
    return batcher


def test_nothing_is_never_due() -> None:
    assert gathered().due_in(10.0, free=True) is None
    assert gathered().due_in(10.0, free=False) is None
    assert gathered().take() == []


def test_an_idle_worker_is_given_what_there_is_after_the_short_wait() -> None:
    batcher = gathered("a", "b")
    assert batcher.due_in(10.0, free=True) == 0.5
    assert batcher.due_in(10.4, free=True) == 10.5 - 10.4
    assert batcher.due_in(10.5, free=True) == 0.0
    assert batcher.take() == ["a", "b"]
    assert len(batcher) == 0


def test_without_a_wait_an_idle_worker_is_given_each_item_at_once() -> None:
    assert gathered("a", wait=0.0).due_in(10.0, free=True) == 0.0


def test_later_items_do_not_put_off_the_first() -> None:
    batcher = gathered("a")
    batcher.add("b", now=10.4)
    assert batcher.due_in(10.5, free=True) == 0.0


def test_a_busy_worker_lets_items_gather_and_has_them_once_it_is_free() -> None:
    batcher = gathered("a", "b")
    assert batcher.due_in(99.0, free=False) is None
    assert batcher.due_in(99.0, free=True) == 0.0


def test_a_full_batch_is_due_even_while_the_worker_is_busy() -> None:
    batcher = gathered("a", "b", "c")
    assert batcher.is_full
    assert batcher.due_in(10.0, free=False) == 0.0


def test_all_that_has_gathered_is_taken_and_the_next_batch_begins_to_wait_anew() -> None:
    batcher = gathered("a", "b", "c")
    assert batcher.take() == ["a", "b", "c"]
    batcher.add("d", now=20.0)
    assert batcher.due_in(20.1, free=True) == 20.5 - 20.1
    assert batcher.take() == ["d"]


def test_an_eager_batcher_lets_nobody_wait_whom_nobody_would_join() -> None:
    batcher = gathered("a", eager=True)
    assert batcher.due_in(10.0, free=True) == 0.0
    assert batcher.due_in(10.0, free=False) is None
    assert batcher.take() == ["a"]
    batcher.add("b", now=10.6)
    assert batcher.due_in(10.6, free=True) == 0.0


def test_an_eager_batcher_waits_for_company_while_items_come_close_together() -> None:
    batcher = gathered("a", eager=True)
    batcher.take()
    batcher.add("b", now=10.25)
    assert batcher.due_in(10.25, free=True) == 0.5
    batcher.add("c", now=10.5)
    assert batcher.due_in(10.5, free=True) == 0.25
    assert batcher.take() == ["b", "c"]
    # What counts is how long ago the latest came, whenever it was taken.
    batcher.add("d", now=10.75)
    assert batcher.due_in(10.75, free=True) == 0.5


class AnyUse(RuleBasedStateMachine):
    """Whatever happens: order is kept, nothing is lost, no batch is too large, and none is due later than promised."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.count = 0
        self.waiting: deque[tuple[int, float]] = deque()
        self.batcher: Batcher[int] = Batcher(4, 1.0)

    @rule(seconds=st.sampled_from([0.0, 0.25, 1.0, 3.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.batcher.is_full)
    @rule()
    def one_arrives(self) -> None:
        self.batcher.add(self.count, self.now)
        self.waiting.append((self.count, self.now))
        self.count += 1

    @precondition(lambda self: self.batcher.due_in(self.now, free=True) == 0.0)
    @rule()
    def a_batch_is_taken(self) -> None:
        expected = [item for item, _ in self.waiting]
        assert self.batcher.take() == expected
        self.waiting.clear()

    @invariant()
    def it_is_due_when_promised(self) -> None:
        free, busy = (self.batcher.due_in(self.now, free=free) for free in (True, False))
        assert len(self.batcher) == len(self.waiting)
        if not self.waiting:
            assert free is busy is None
        elif len(self.waiting) == 4:
            assert self.batcher.is_full
            assert free == busy == 0.0
        else:
            assert busy is None
            assert free == max(0.0, self.waiting[0][1] + 1.0 - self.now)


TestAnyUse = AnyUse.TestCase
TestAnyUse.settings = settings(quick, max_examples=30, stateful_step_count=25)
