from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.properties import quick

from streams.logic.batcher import Batcher
from streams.worker.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence


class Stage:
    """A pipeline of numbers whose work and delivery the test holds in its hand."""

    def __init__(
        self,
        *,
        batch_max: int = 4,
        work: Callable[[Sequence[int]], None] = lambda _: None,
        deliver: Callable[[Sequence[int]], Awaitable[None]] | None = None,
        lanes: int = 1,
        batch_wait: float = 0.001,
    ) -> None:
        self.batches: list[Sequence[int]] = []
        self.worked: list[int] = []
        self.delivered: list[int] = []
        self.acknowledged: list[int] = []
        self.fatal: list[BaseException] = []
        self._before_work = work
        self._before_delivery = deliver
        self.pipeline: Pipeline[int, Sequence[int]] = Pipeline(
            self._work,
            self._deliver,
            self._acknowledge,
            self.fatal.append,
            Batcher(batch_max, batch_wait),
            lanes=lanes,
        )

    def _work(self, events: Sequence[int]) -> Sequence[int]:
        self._before_work(events)
        self.worked += events
        return events

    async def _deliver(self, results: Sequence[int]) -> None:
        if self._before_delivery:
            await self._before_delivery(results)
        self.delivered += results

    def _acknowledge(self, events: Sequence[int], results: Sequence[int]) -> None:
        assert events == results
        assert set(events) <= set(self.delivered)
        self.batches.append(events)
        self.acknowledged += events

    async def put_all(self, events: Sequence[int]) -> None:
        for event in events:
            await self.pipeline.put(event)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  any condition, not only one that tells
            await asyncio.sleep(0.001)


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def never(_: object) -> None:
    await asyncio.Event().wait()


_delays = st.lists(st.sampled_from([0.0, 0.001, 0.003]), min_size=1, max_size=20)


@settings(quick, max_examples=20)
@given(st.integers(1, 60), st.integers(1, 7), st.integers(1, 3), _delays, _delays, _delays)
def test_inputs_are_acknowledged_in_order_whatever_takes_how_long(
    count: int, size: int, lanes: int, arrival: list[float], work: list[float], delivery: list[float]
) -> None:
    def delay(delays: list[float], event: int) -> float:
        return delays[event % len(delays)]

    async def main() -> None:
        stage = Stage(
            batch_max=size,
            lanes=lanes,
            work=lambda events: time.sleep(delay(work, events[0])),
            deliver=lambda events: asyncio.sleep(delay(delivery, events[0])),
        )
        stage.pipeline.start()
        for event in range(count):
            await stage.pipeline.put(event)
            if event % 5 == 0:
                await asyncio.sleep(delay(arrival, event))
        await stage.pipeline.close()
        assert stage.acknowledged == stage.delivered == sorted(stage.worked) == list(range(count))
        assert max(map(len, stage.batches)) <= size
        assert stage.pipeline.in_flight == 0
        assert stage.fatal == []

    asyncio.run(main())


def test_an_idle_pipeline_answers_one_message_at_once() -> None:
    async def main() -> None:
        stage = Stage(batch_max=1_000)
        stage.pipeline.start()
        await stage.pipeline.put(1)
        await until(lambda: stage.acknowledged == [1], seconds=1.0)
        await stage.pipeline.close()

    asyncio.run(main())


def test_a_busy_pipeline_gathers_what_comes_into_one_batch() -> None:
    async def main() -> None:
        go = threading.Event()
        stage = Stage(batch_max=10, work=lambda _: go.wait(10))
        stage.pipeline.start()
        await stage.put_all([0])
        await until(lambda: stage.pipeline._working)
        await stage.put_all(range(1, 6))
        go.set()
        await stage.pipeline.close()
        assert stage.batches == [[0], [1, 2, 3, 4, 5]]

    asyncio.run(main())


def test_work_goes_on_while_the_batch_before_is_being_delivered() -> None:
    async def main() -> None:
        stage = Stage(batch_max=1, deliver=never)
        stage.pipeline.start()
        await stage.put_all([0, 1])
        await until(lambda: stage.worked == [0, 1])
        assert stage.acknowledged == []
        await stage.pipeline.abort()

    asyncio.run(main())


def test_lanes_work_at_the_same_time_and_deliver_in_order() -> None:
    async def main() -> None:
        go = threading.Event()
        stage = Stage(batch_max=2, lanes=2, work=lambda events: 0 in events and go.wait(10))
        stage.pipeline.start()
        await stage.put_all(range(4))
        await until(lambda: stage.worked == [2, 3])
        # The second batch is done, and waits for the first.
        assert stage.delivered == stage.acknowledged == []
        go.set()
        await stage.pipeline.close()
        assert stage.delivered == stage.acknowledged == [0, 1, 2, 3]

    asyncio.run(main())


def test_a_free_lane_answers_at_once_while_another_works() -> None:
    async def main() -> None:
        go = threading.Event()
        stage = Stage(batch_max=1_000, lanes=2, work=lambda events: 0 in events and go.wait(10))
        stage.pipeline.start()
        await stage.put_all([0])
        await until(lambda: stage.pipeline._working)
        await stage.put_all([1])
        await until(lambda: stage.worked == [1], seconds=1.0)
        go.set()
        await stage.pipeline.close()
        assert stage.acknowledged == [0, 1]

    asyncio.run(main())


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("held_up", ["work", "delivery"])
def test_what_is_held_is_bounded_by_one_batch_gathering_one_in_each_lane_and_two_more(held_up: str, lanes: int) -> None:
    async def main() -> None:
        go = threading.Event()
        stage = Stage(batch_max=5, lanes=lanes, work=lambda _: held_up == "work" and go.wait(10), deliver=never)
        stage.pipeline.start()
        feed = asyncio.create_task(stage.put_all(range(100)))
        most = 5 * (lanes + 3)
        await until(lambda: stage.pipeline.in_flight == most)
        for _ in range(20):  # the feed has every chance to put more
            await asyncio.sleep(0.001)
        assert stage.pipeline.in_flight == most
        assert len(stage.pipeline._batcher) == 5
        assert not feed.done()
        go.set()
        await end(feed)
        await stage.pipeline.abort()

    asyncio.run(main())


def test_drain_waits_for_the_acknowledgement_of_all() -> None:
    async def main() -> None:
        go = asyncio.Event()
        stage = Stage(batch_max=2, deliver=lambda _: go.wait())
        stage.pipeline.start()
        await stage.put_all([0, 1, 2])
        drained = asyncio.create_task(stage.pipeline.drain())
        await until(lambda: stage.worked == [0, 1, 2])
        assert not drained.done()
        go.set()
        await drained
        assert stage.acknowledged == [0, 1, 2]
        # It works on after that.
        await stage.put_all([3])
        await stage.pipeline.close()
        assert stage.acknowledged == [0, 1, 2, 3]

    asyncio.run(main())


def test_held_finishes_what_is_in_hand_under_a_feed_without_end_and_takes_in_nothing_until_left() -> None:
    # A rebalance waits here: with a backlog there is always a next message. What comes meanwhile is of partitions that
    # are being taken away: worked on afterwards, it would be worked on beside their new owner.
    async def main() -> None:
        stage = Stage(batch_max=4, work=lambda _: time.sleep(0.001))
        stage.pipeline.start()
        feed = asyncio.create_task(stage.put_all(range(10**9)))
        await until(lambda: len(stage.acknowledged) > 20)
        async with asyncio.timeout(5), stage.pipeline.held():
            done = len(stage.acknowledged)
            assert stage.pipeline.in_flight == 0
            assert stage.acknowledged == list(range(done))
            await end(feed)
            for late in (-1, -2):
                await stage.pipeline.put(late)
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert stage.pipeline.in_flight == 0
            assert len(stage.acknowledged) == done
        again = list(range(done, done + 20))
        await stage.put_all(again)
        await stage.pipeline.close()
        assert stage.acknowledged == list(range(done)) + again

    asyncio.run(main())


def test_a_put_that_waited_for_room_when_a_hold_began_is_let_go() -> None:
    async def main() -> None:
        go = asyncio.Event()
        stage = Stage(batch_max=1, deliver=lambda _: go.wait())
        stage.pipeline.start()
        await stage.put_all(range(4))
        waiting = asyncio.create_task(stage.pipeline.put(4))
        await until(lambda: stage.pipeline.in_flight == 4)
        go.set()
        async with asyncio.timeout(5), stage.pipeline.held():
            await waiting
        await stage.put_all([5])
        await stage.pipeline.close()
        assert stage.acknowledged == [0, 1, 2, 3, 5]

    asyncio.run(main())


def test_close_finishes_what_is_in_hand_even_if_it_was_never_due() -> None:
    async def main() -> None:
        stage = Stage(batch_max=100)
        stage.pipeline.start()
        await stage.put_all(range(250))
        await stage.pipeline.close()
        assert stage.acknowledged == list(range(250))

    asyncio.run(main())


def test_whoever_closes_or_holds_does_not_wait_for_a_batch_to_fill() -> None:
    # surge gathers for ten seconds; a rebalance and a shutdown must not.
    async def main() -> None:
        stage = Stage(batch_max=100, batch_wait=60.0)
        stage.pipeline.start()
        await stage.put_all([0, 1])
        async with asyncio.timeout(5), stage.pipeline.held():
            assert stage.acknowledged == [0, 1]
        await stage.put_all([2])
        async with asyncio.timeout(5):
            await stage.pipeline.close()
        assert stage.batches == [[0, 1], [2]]

    asyncio.run(main())


@pytest.mark.parametrize("way", ["close", "abort"])
def test_put_never_returns_once_the_pipeline_is_closed(way: str) -> None:
    async def main() -> None:
        stage = Stage()
        stage.pipeline.start()
        await stage.put_all([0, 1])
        await getattr(stage.pipeline, way)()
        late = asyncio.create_task(stage.pipeline.put(2))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not late.done()
        assert 2 not in stage.worked
        await end(late)

    asyncio.run(main())


def test_a_put_that_waited_for_room_does_not_slip_into_a_closing_pipeline() -> None:
    async def main() -> None:
        go = asyncio.Event()
        stage = Stage(batch_max=1, deliver=lambda _: go.wait())
        stage.pipeline.start()
        feed = asyncio.create_task(stage.put_all(range(10)))
        await until(lambda: stage.pipeline.in_flight == 4)
        closing = asyncio.create_task(stage.pipeline.close())
        await asyncio.sleep(0)
        go.set()
        await closing
        assert stage.acknowledged == [0, 1, 2, 3]
        assert not feed.done()
        await end(feed)

    asyncio.run(main())


def test_abort_acknowledges_nothing_more() -> None:
    async def main() -> None:
        go = threading.Event()
        stage = Stage(batch_max=1, work=lambda events: events == [2] and go.wait(10))
        stage.pipeline.start()
        await stage.put_all([0, 1, 2, 3, 4])
        await until(lambda: stage.acknowledged == [0, 1])
        await stage.pipeline.abort()
        go.set()
        await until(lambda: not any(thread.is_alive() for thread in stage.pipeline._executor._threads))
        await asyncio.sleep(0)
        assert stage.acknowledged == [0, 1]
        assert 3 not in stage.worked

    asyncio.run(main())


class Failing:
    """Raises for the batch that holds a given number."""

    def __init__(self, number: int, error: BaseException) -> None:
        self.number = number
        self.error = error

    def work(self, events: Sequence[int]) -> None:
        if self.number in events:
            raise self.error

    async def deliver(self, events: Sequence[int]) -> None:
        await asyncio.sleep(0)
        self.work(events)


@pytest.mark.parametrize("error", [LookupError(), asyncio.CancelledError()], ids=["error", "a_foreign_cancellation"])
@pytest.mark.parametrize("where", ["work", "deliver"])
def test_what_raises_ends_the_pipeline_once_and_nothing_is_acknowledged_after_it(
    where: str, error: BaseException
) -> None:
    async def main() -> None:
        stage = Stage(batch_max=1, **{where: getattr(Failing(2, error), where)})
        stage.pipeline.start()
        feed = asyncio.create_task(stage.put_all(range(10)))
        await until(lambda: stage.fatal)
        # Whoever waits for the rest is let go: it would wait for ever.
        async with asyncio.timeout(5), stage.pipeline.held():
            pass
        async with asyncio.timeout(5):
            await stage.pipeline.close()
        assert stage.acknowledged == [0, 1]
        assert [type(fatal) for fatal in stage.fatal] == [type(error)]
        assert not feed.done()
        await end(feed)

    asyncio.run(main())
