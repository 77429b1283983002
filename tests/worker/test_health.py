from __future__ import annotations

import asyncio
import queue
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from exporters.metrics import WorkerMetrics
from streams.logic.stall import Place, Position
from streams.worker import health as health_module
from streams.worker.health import EXIT_STUCK, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOVING = {("news", 0): Position(committed=5, highwater=5)}
LAGGING = {("news", 0): Position(committed=3, highwater=5)}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks more often than once a second, so that a test need not wait so long."""
    monkeypatch.setattr(health_module, "_CHECK_SECONDS", 0.01)


class Watched:
    """A worker's health, with positions that the test sets and an end that only tells of itself."""

    def __init__(self, *, timeout: float = 60.0) -> None:
        self.positions: dict[Place, Position] = {}
        self.ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.metrics = WorkerMetrics()
        self.health = Health(lambda: self.positions, self.metrics, timeout, self.ended.put)

    @contextmanager
    def running(self) -> Iterator[None]:
        self.health.start()
        try:
            yield
        finally:
            self.health.stop()


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


def test_lag_without_movement_ends_the_process() -> None:
    async def main() -> None:
        watched = Watched(timeout=0.3)
        watched.positions = LAGGING
        watched.health.model_loaded("encoder:3")
        started = time.monotonic()
        with watched.running():
            await until(lambda: not watched.ended.empty())
            assert time.monotonic() - started >= 0.3
            assert watched.ended.get() == EXIT_STUCK == 75
            assert not watched.health.health().ok
            assert not watched.health.ready().ok
            assert "with lag" in watched.health.health().checks["offsets"]

    asyncio.run(main())


@pytest.mark.parametrize("idle", [MOVING, {}, {("news", 0): Position(committed=3, highwater=5, is_done=True)}])
def test_nothing_to_do_ends_nothing(idle: dict[Place, Position]) -> None:
    async def main() -> None:
        watched = Watched(timeout=0.2)
        watched.positions = idle
        with watched.running():
            await asyncio.sleep(0.5)
            assert watched.health.health().ok
        assert watched.ended.empty()

    asyncio.run(main())


def test_a_worker_with_lag_that_moves_lives() -> None:
    async def main() -> None:
        watched = Watched(timeout=0.3)
        with watched.running():
            for committed in range(10):
                watched.positions = {("news", 0): Position(committed=committed, highwater=100)}
                await asyncio.sleep(0.06)
        assert watched.ended.empty()

    asyncio.run(main())


def test_a_stuck_event_loop_ends_the_process_from_the_watchdogs_thread() -> None:
    async def main() -> None:
        watched = Watched(timeout=0.2)
        watched.positions = MOVING
        with watched.running():
            await until(lambda: watched.health.ready().checks["partitions"].startswith("1 assigned"))
            # The loop is blocked while this waits.
            assert watched.ended.get(timeout=10) == EXIT_STUCK
            assert not watched.health.health().ok

    asyncio.run(main())


def test_a_worker_that_takes_too_long_to_stop_is_ended() -> None:
    # Such as one whose model never returns: its thread would keep the process alive for ever.
    async def main() -> None:
        watched = Watched(timeout=0.05)
        with watched.running():
            started = time.monotonic()
            watched.health.stopping(within=0.3)
            # Standing still is no matter while it stops.
            assert watched.ended.get(timeout=10) == EXIT_STUCK
            assert time.monotonic() - started >= 0.3

    asyncio.run(main())


def test_a_watchdog_that_was_stopped_ends_nothing() -> None:
    async def main() -> None:
        watched = Watched(timeout=0.05)
        with watched.running():
            pass
        time.sleep(0.2)  # noqa: ASYNC251  the loop is stuck on purpose
        assert watched.ended.empty()
        assert "watchdog" not in {thread.name for thread in threading.enumerate()}

    asyncio.run(main())
