from __future__ import annotations

import asyncio
import math
import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from support.processes import wait_for

from exporters.metrics import WorkerMetrics
from streams.logic.stall import Place, Position
from streams.worker import health as health_module
from streams.worker.health import EXIT_STUCK, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOVING = {("news", 0): Position(committed=5, highwater=5)}
LAGGING = {("news", 0): Position(committed=3, highwater=5)}


TIMEOUT = 60.0


class Clock:
    """Time as the test sets it: how long a busy machine takes for something is no matter."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.watchdog_looks = 0

    def monotonic(self) -> float:
        """Seconds; asked for once in each look of the watchdog."""
        if threading.current_thread().name == "watchdog":
            self.watchdog_looks += 1
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Health goes by a clock that stands still, and looks more often than once a second."""
    clock = Clock()
    monkeypatch.setattr(health_module, "_CHECK_SECONDS", 0.01)
    monkeypatch.setattr(health_module, "time", clock)
    return clock


class Watched:
    """A worker's health, with positions that the test sets and an end that only tells of itself."""

    def __init__(self) -> None:
        self.positions: dict[Place, Position] = {}
        self.is_member = False
        self.looks = 0
        self.on_look: Callable[[], None] = lambda: None
        self.ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.metrics = WorkerMetrics()
        self.restored_at = -math.inf
        self.health = Health(
            self._look,
            self.metrics,
            TIMEOUT,
            self.ended.put,
            is_member=lambda: self.is_member,
            restored_at=lambda: self.restored_at,
        )

    def _look(self) -> dict[Place, Position]:
        self.looks += 1
        self.on_look()
        return self.positions

    @contextmanager
    def running(self) -> Iterator[None]:
        self.health.start()
        try:
            yield
        finally:
            self.health.stop()


def _pass(clock: Clock, seconds: float) -> None:
    clock.now += seconds


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  any condition, not only one that tells
            await asyncio.sleep(0.005)


def test_it_is_healthy_from_the_start_and_ready_once_it_has_a_model_and_partitions() -> None:
    async def main() -> None:
        watched = Watched()
        health = watched.health
        with watched.running():
            assert health.health().ok
            assert health.ready() == (False, health.ready().checks)
            assert health.ready().checks["model"] == "not loaded"
            health.model_loaded("encoder:3")
            assert not health.ready().ok
            watched.positions = MOVING
            await until(lambda: health.ready().ok)
            assert health.ready().checks["model"] == "encoder:3"
            assert health.ready().checks["partitions"] == "1 assigned, lag 0"
            watched.positions = {}
            await until(lambda: not health.ready().ok)
            assert health.health().ok

    asyncio.run(main())


def test_who_waits_for_the_first_partitions_need_not_wait_for_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "_CHECK_SECONDS", 60.0)

    async def main() -> None:
        watched = Watched()
        watched.health.model_loaded("encoder:3")
        with watched.running():
            await until(lambda: watched.looks)
            watched.positions = MOVING
            await until(lambda: watched.health.ready().ok)

    asyncio.run(main())


def test_partitions_without_a_model_are_not_enough() -> None:
    async def main() -> None:
        watched = Watched()
        watched.positions = MOVING
        with watched.running():
            await until(lambda: watched.health.ready().checks["partitions"].startswith("1 assigned"))
            assert not watched.health.ready().ok

    asyncio.run(main())


def test_a_worker_that_stops_is_well_and_no_longer_ready() -> None:
    async def main() -> None:
        watched = Watched()
        watched.positions = MOVING
        watched.health.model_loaded("encoder:3")
        with watched.running():
            await until(lambda: watched.health.ready().ok)
            watched.health.stopping(within=60)
            assert not watched.health.ready().ok
            assert watched.health.ready().checks["state"] == "stopping"
            assert watched.health.health().ok

    asyncio.run(main())


def test_positions_are_shown_in_the_metrics() -> None:
    async def main() -> None:
        watched = Watched()
        watched.positions = LAGGING | {("news", 1): Position(committed=8, highwater=9, is_done=True)}
        with watched.running():
            await until(lambda: "2 assigned" in watched.health.ready().checks["partitions"])
        value = watched.metrics.registry.get_sample_value
        lags = [value("tocsin_consumer_lag", {"topic": "news", "partition": number}) for number in "01"]
        assert lags == [2, 0]
        assert value("tocsin_committed_offset", {"topic": "news", "partition": "1"}) == 8

    asyncio.run(main())


def test_lag_without_movement_ends_the_process(clock: Clock) -> None:
    async def main() -> None:
        watched = Watched()
        watched.positions = LAGGING
        watched.on_look = lambda: _pass(clock, TIMEOUT / 4)
        watched.health.model_loaded("encoder:3")
        started = clock.now
        with watched.running():
            await until(lambda: not watched.ended.empty())
            assert clock.now - started >= TIMEOUT
            assert watched.ended.get() == EXIT_STUCK == 75
            assert not watched.health.health().ok
            assert not watched.health.ready().ok
            assert "with lag" in watched.health.health().checks["offsets"]

    asyncio.run(main())


@pytest.mark.parametrize("idle", [MOVING, {}, {("news", 0): Position(committed=3, highwater=5, is_done=True)}])
def test_nothing_to_do_ends_nothing(clock: Clock, idle: dict[Place, Position]) -> None:
    async def main() -> None:
        watched = Watched()
        watched.positions = idle
        watched.on_look = lambda: _pass(clock, TIMEOUT / 4)
        with watched.running():
            # Ten times as long as is too long where there is something to do.
            await until(lambda: watched.looks >= 40)
            seen = clock.watchdog_looks
            await until(lambda: clock.watchdog_looks > seen)
            assert watched.health.health().ok
        assert watched.ended.empty()

    asyncio.run(main())


def test_a_worker_with_lag_that_moves_lives(clock: Clock) -> None:
    async def main() -> None:
        watched = Watched()

        def move() -> None:
            _pass(clock, TIMEOUT / 4)
            watched.positions = {("news", 0): Position(committed=watched.looks, highwater=1_000_000)}

        watched.on_look = move
        with watched.running():
            await until(lambda: watched.looks >= 40)
            seen = clock.watchdog_looks
            await until(lambda: clock.watchdog_looks > seen)
            assert watched.health.health().ok
        assert watched.ended.empty()

    asyncio.run(main())


def test_a_worker_that_reads_state_back_moves_though_it_commits_nothing(clock: Clock) -> None:
    async def main() -> None:
        watched = Watched()
        watched.positions = LAGGING
        with watched.running():
            await until(lambda: watched.looks > 1)
            for _ in range(4):
                _pass(clock, TIMEOUT / 2)
                watched.restored_at = clock.now
                looks = watched.looks
                await until(lambda looks=looks: watched.looks > looks + 1)
            assert watched.ended.empty()
            assert watched.health.health().ok
            # What it reads nothing more of, and still commits nothing, is a standstill again.
            _pass(clock, TIMEOUT + 1)
            assert await asyncio.to_thread(watched.ended.get, timeout=10) == EXIT_STUCK

    asyncio.run(main())


def test_a_stuck_event_loop_ends_the_process_from_the_watchdogs_thread(clock: Clock) -> None:
    async def main() -> None:
        watched = Watched()
        watched.positions = MOVING
        with watched.running():
            await until(lambda: watched.health.ready().checks["partitions"].startswith("1 assigned"))
            clock.now += TIMEOUT
            # The loop is blocked while this waits.
            assert watched.ended.get(timeout=10) == EXIT_STUCK
            assert not watched.health.health().ok

    asyncio.run(main())


def test_a_worker_that_takes_too_long_to_stop_is_ended(clock: Clock) -> None:
    # Such as one whose model never returns: its thread would keep the process alive for ever.
    async def main() -> None:
        watched = Watched()
        with watched.running():
            watched.health.stopping(within=3 * TIMEOUT)
            # Standing still is no matter while it stops. The loop is blocked from here on, as by such a model.
            clock.now += 2 * TIMEOUT
            seen = clock.watchdog_looks
            wait_for(lambda: clock.watchdog_looks > seen + 1)
            assert watched.ended.empty()
            clock.now += TIMEOUT
            assert watched.ended.get(timeout=10) == EXIT_STUCK

    asyncio.run(main())


def test_a_watchdog_that_was_stopped_ends_nothing() -> None:
    async def main() -> None:
        watched = Watched()
        with watched.running():
            pass
        # It is gone though the loop turns no more.
        wait_for(lambda: "watchdog" not in {thread.name for thread in threading.enumerate()})
        assert watched.ended.empty()

    asyncio.run(main())


def test_a_member_of_the_group_without_partitions_is_ready_and_says_that_it_is_idle() -> None:
    async def main() -> None:
        watched = Watched()
        watched.health.model_loaded("encoder:3")
        with watched.running():
            await until(lambda: "lag 0" in watched.health.ready().checks["partitions"])
            assert not watched.health.ready().ok
            watched.is_member = True
            await until(lambda: watched.health.ready().ok)
            assert watched.health.ready().checks["state"].startswith("idle")
            assert watched.health.ready().checks["partitions"] == "0 assigned, lag 0"
            watched.positions = MOVING
            await until(lambda: watched.health.ready().checks["state"] == "running")
            assert watched.health.ready().ok
            watched.positions = {}
            await until(lambda: watched.health.ready().checks["state"].startswith("idle"))
            # Thrown out of the group.
            watched.is_member = False
            await until(lambda: not watched.health.ready().ok)
            assert watched.health.ready().checks["state"] == "running"

    asyncio.run(main())


def test_an_idle_worker_that_stops_is_not_ready() -> None:
    async def main() -> None:
        watched = Watched()
        watched.is_member = True
        watched.health.model_loaded("encoder:3")
        with watched.running():
            await until(lambda: watched.health.ready().ok)
            watched.health.stopping(within=60)
            assert not watched.health.ready().ok
            assert watched.health.ready().checks["state"] == "stopping"

    asyncio.run(main())
