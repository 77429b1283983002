"""Events are acknowledged once they are settled, in order, and all of them before partitions are given up."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from streams.worker.checkpointing import CheckpointedLine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence


@dataclass
class Results:
    done: int = 0
    settled: int = 0
    events: list[int] = field(default_factory=list)


class Work:
    """Settles what the test says, or all when it is flushed."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.settle_now = 0
        self.settled = 0
        self.due: float | None = None
        self.times_told = 0
        self.breaks = False

    def apply(self, events: Sequence[int]) -> Results:
        self.times_told += not events
        self.due = None
        self.taken += events
        settled, self.settle_now = self.settle_now, 0
        self.settled += settled
        return Results(settled=settled, events=list(events))

    def flush(self) -> Results:
        if self.breaks:
            raise RuntimeError("no disk")
        settled, self.settled = len(self.taken) - self.settled, len(self.taken)
        return Results(settled=settled)

    def due_in(self) -> float | None:
        return self.due


@dataclass
class Run:
    line: CheckpointedLine[int, Results]
    work: Work
    acknowledged: list[int]
    fatal: list[BaseException]
    delivered: list[Results]


@asynccontextmanager
async def running() -> AsyncIterator[Run]:
    work = Work()
    acknowledged: list[int] = []
    fatal: list[BaseException] = []
    delivered: list[Results] = []

    async def deliver(results: Results) -> None:
        await asyncio.sleep(0)
        delivered.append(results)

    def acknowledge(events: Sequence[int], _: Results) -> None:
        acknowledged.extend(events)

    with ThreadPoolExecutor(1) as executor:
        line: CheckpointedLine[int, Results] = CheckpointedLine(
            work, deliver, acknowledge, fatal.append, executor=executor, batch_max=8, is_ready=lambda: True
        )
        line.start()
        try:
            yield Run(line, work, acknowledged, fatal, delivered)
        finally:
            await line.abort()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10.0):
        while not condition():  # noqa: ASYNC110  any condition, not only one that tells
            await asyncio.sleep(0.001)


async def put(run: Run, events: Sequence[int]) -> None:
    for event in events:
        run.line.put(event, 0, 0.0)
    await until(lambda: set(events) <= set(run.work.taken))
    await until(lambda: len(run.line.waiting) == 0)


def test_events_are_held_until_they_are_settled() -> None:
    async def story() -> None:
        async with running() as run:
            await put(run, [1, 2, 3])
            assert run.acknowledged == []
            assert run.line.in_flight == 3
            run.work.settle_now = 2
            await put(run, [4])
            assert run.acknowledged == [1, 2]
            assert run.line.in_flight == 2

    asyncio.run(story())


def test_what_is_due_is_done_without_an_event() -> None:
    async def story() -> None:
        async with running() as run:
            await put(run, [1])
            run.work.settle_now = 1
            run.work.due = 0.0
            await until(lambda: run.acknowledged == [1])
            assert run.work.times_told == 1

    asyncio.run(story())


def test_before_partitions_are_given_up_all_is_settled() -> None:
    async def story() -> None:
        async with running() as run:
            await put(run, [1, 2])
            async with run.line.held():
                assert run.acknowledged == [1, 2]
                assert run.line.in_flight == 0
                run.line.put(3, 0, 0.0)
            await put(run, [4])
            assert run.work.taken == [1, 2, 4]  # What came meanwhile is read again, by whoever has its partition.

    asyncio.run(story())


def test_time_is_told_again_after_partitions_were_given_up() -> None:
    async def story() -> None:
        async with running() as run:
            async with run.line.held():
                run.work.due = 0.0
                await asyncio.sleep(0.05)
            await until(lambda: run.work.times_told == 1)

    asyncio.run(story())


def test_at_the_end_all_is_settled() -> None:
    async def story() -> None:
        async with running() as run:
            await put(run, [1, 2])
            await run.line.close()
            assert run.acknowledged == [1, 2]
            assert run.fatal == []

    asyncio.run(story())


def test_what_cannot_be_settled_is_fatal_and_not_acknowledged() -> None:
    async def story() -> None:
        async with running() as run:
            await put(run, [1])
            run.work.breaks = True
            await run.line.close()
            assert run.acknowledged == []
            with pytest.raises(RuntimeError, match="no disk"):
                raise run.fatal[0]

    asyncio.run(story())
