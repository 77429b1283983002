from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pytest

from streams.logic.waiting import WaitingLine
from streams.worker.line import Line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence


class Batch(NamedTuple):
    late: list[int]
    fresh: list[int]
    done: int


class Stage:
    """A line of numbers whose work and delivery the test holds in its hand."""

    def __init__(
        self,
        *,
        at_once: int = 2,
        room: int = 100,
        patience: float = 60.0,
        work: Callable[[], object] = lambda: None,
        deliver: Callable[[Batch], Awaitable[None]] | None = None,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.batches: list[Batch] = []
        self.acknowledged: list[int] = []
        self.fatal: list[BaseException] = []
        self._at_once = at_once
        self._before_work = work
        self._before_delivery = deliver
        self.executor = ThreadPoolExecutor(1)
        self.line: Line[int, Batch] = Line(
            self._work,
            self._deliver,
            self._acknowledge,
            self.fatal.append,
            executor=self.executor,
            waiting=WaitingLine(room, patience),
            batch_max=lambda: 10,
            is_ready=is_ready,
        )

    def _work(self, late: Sequence[int], fresh: Sequence[int]) -> Batch:
        self._before_work()
        return Batch(list(late), list(fresh[: self._at_once]), min(self._at_once, len(fresh)))

    async def _deliver(self, batch: Batch) -> None:
        if self._before_delivery:
            await self._before_delivery(batch)
        self.batches.append(batch)

    def _acknowledge(self, done: Sequence[int], batch: Batch) -> None:
        assert batch is self.batches[-1]
        assert list(done) == [*batch.late, *batch.fresh]
        self.acknowledged += done

    def put(self, numbers: Sequence[int], since: float | None = None) -> None:
        for number in numbers:
            self.line.put(number, 0, time.time() if since is None else since)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  any condition, not only one that tells
            await asyncio.sleep(0.001)


def test_what_comes_is_done_in_order_and_acknowledged_after_its_delivery() -> None:
    async def main() -> Stage:
        stage = Stage()
        stage.line.start()
        stage.put(range(7))
        await until(lambda: len(stage.acknowledged) == 7)
        await stage.line.close()
        return stage

    stage = asyncio.run(main())
    assert stage.acknowledged == list(range(7))
    assert stage.line.in_flight == 0


def test_intake_never_waits_while_the_work_takes_for_ever() -> None:
    go_on = threading.Event()

    async def main() -> Stage:
        stage = Stage(work=go_on.wait)
        stage.line.start()
        stage.put([0])
        await asyncio.sleep(0.01)
        stage.put(range(1, 5000))
        assert stage.line.in_flight == 5000
        go_on.set()
        await stage.line.close()
        return stage

    assert not asyncio.run(main()).fatal


def test_what_is_too_much_or_too_old_is_done_the_quick_way_with_the_next_batch_and_in_order() -> None:
    async def main() -> Stage:
        stage = Stage(room=4)
        stage.put([0, 1], since=time.time() - 61)
        stage.put(range(2, 10))
        stage.line.start()
        await until(lambda: len(stage.acknowledged) == 10)
        await stage.line.close()
        return stage

    stage = asyncio.run(main())
    assert stage.batches[0] == ([0, 1, 2, 3, 4, 5], [6, 7], 2)
    assert stage.acknowledged == list(range(10))


def test_until_it_is_ready_only_what_has_waited_for_too_long_is_done() -> None:
    is_ready = False

    async def main() -> Stage:
        nonlocal is_ready
        stage = Stage(is_ready=lambda: is_ready)
        stage.line.start()
        stage.put([0], since=time.time() - 61)
        stage.put([1])
        await until(lambda: stage.acknowledged)
        await asyncio.sleep(0.05)
        assert stage.acknowledged == [0]
        is_ready = True
        await until(lambda: stage.acknowledged == [0, 1])
        await stage.line.close()
        return stage

    asyncio.run(main())


def test_a_rebalance_waits_for_the_batch_in_hand_and_lets_all_others_go() -> None:
    in_work, go_on = threading.Event(), threading.Event()

    def work() -> None:
        in_work.set()
        go_on.wait()

    async def main() -> Stage:
        stage = Stage(work=work)
        stage.line.start()
        stage.put(range(9))
        await until(in_work.is_set)
        asyncio.get_running_loop().call_later(0.02, go_on.set)
        async with stage.line.held():
            assert stage.acknowledged == [0, 1]
            stage.put([100])
            assert stage.line.in_flight == 0
        stage.put([0])
        await until(lambda: len(stage.acknowledged) == 3)
        await stage.line.close()
        return stage

    assert asyncio.run(main()).acknowledged == [0, 1, 0]


def test_a_stop_finishes_the_batch_in_hand_and_leaves_the_rest_unacknowledged() -> None:
    in_work, go_on = threading.Event(), threading.Event()

    def work() -> None:
        in_work.set()
        go_on.wait()

    async def main() -> Stage:
        stage = Stage(work=work)
        stage.line.start()
        stage.put(range(9))
        await until(in_work.is_set)
        asyncio.get_running_loop().call_later(0.02, go_on.set)
        await stage.line.close()
        return stage

    assert asyncio.run(main()).acknowledged == [0, 1]


def test_the_source_holds_back_while_far_too_many_wait_and_goes_on_afterwards() -> None:
    go_on = threading.Event()
    told: list[bool] = []

    async def main() -> Stage:
        stage = Stage(work=go_on.wait, at_once=10)
        stage.line.bound(4, told.append)
        stage.line.start()
        stage.put(range(3))
        assert told == []
        stage.put(range(3, 6))
        assert set(told) == {True}
        go_on.set()
        await until(lambda: told[-1] is False)
        await stage.line.close()
        return stage

    asyncio.run(main())


@pytest.mark.parametrize(
    "error", [OSError("no broker"), asyncio.CancelledError()], ids=["error", "a_foreign_cancellation"]
)
def test_what_cannot_be_delivered_ends_the_line_and_nothing_is_acknowledged_after_it(error: BaseException) -> None:
    async def refuse(_: Batch) -> None:
        raise error

    async def main() -> Stage:
        stage = Stage(deliver=refuse)
        stage.line.start()
        stage.put(range(3))
        await until(lambda: stage.fatal)
        stage.put([3])
        await stage.line.close()
        return stage

    stage = asyncio.run(main())
    assert stage.acknowledged == []
    assert isinstance(stage.fatal[0], type(error))
