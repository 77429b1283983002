"""A version that answers is judged, whatever else is under way; a bad one is left here, and then for everybody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.swapping import ANN, NAME, Away, at_work, in_a_loop

from models import promoting
from streams.logic.breaker import BrokenModelError

if TYPE_CHECKING:
    from models.aliases import Remark, State
    from models.registry import Registry


@in_a_loop
async def test_a_version_is_judged_and_taken_back_while_the_brokers_take_no_event(registry: Registry) -> None:
    async with at_work(registry, watch_seconds=0.2) as bench:
        bench.see(50)
        bench.topics.is_away = True
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        bench.see(60, rescued=8)
        await bench.until(lambda: registry.state(NAME).aliases.champion == 1)
        assert bench.version == 1
        # The pointer does not wait for the events before it.
        await bench.until(lambda: bench.topics.pointer is not None and bench.topics.pointer.version == 1)


@in_a_loop
async def test_a_version_is_judged_while_the_next_is_tried(registry: Registry) -> None:
    async with at_work(registry, watch_seconds=0.2) as bench:
        bench.see(50)
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        bench.loader.go_on.clear()
        bench.promote(3)
        await bench.until(lambda: bench.loader.loaded == [2, 3])
        bench.see(60, rescued=8)
        await bench.until(lambda: bench.version == 1)
        bench.loader.go_on.set()
        await bench.until(lambda: bench.version == 3)
        # The one to go back to is the good one.
        assert bench.serving.before is not None
        assert bench.serving.before.manifest.version == 1
        await bench.until(lambda: ("swapped", 3) in bench.topics.kinds())
        assert bench.topics.events[-1].previous == 1


@in_a_loop
async def test_a_rollback_that_meets_another_change_is_made_after_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, others = registry.change, [{"challenger": 3}]

    def beaten(name: str, before: State, changes: dict[str, Any], remark: Remark) -> State:
        if others and before.aliases.champion == 2:
            change(name, before, others.pop(), remark)
        return change(name, before, changes, remark)

    async with at_work(registry) as bench:
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        monkeypatch.setattr(registry, "change", beaten)
        await asyncio.to_thread(bench.serving.replacement, bench.serving.current, BrokenModelError("it reads nothing"))
        await bench.until(lambda: ("rolled_back", 1) in bench.topics.kinds())
        assert registry.state(NAME).aliases.champion == 1


@in_a_loop
async def test_a_rollback_waits_for_a_registry_that_is_away_and_the_worker_does_not(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    away = Away(registry, monkeypatch)
    async with at_work(registry, watch_seconds=0.2) as bench:
        bench.see(50)
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        away.is_on = True
        bench.see(60, rescued=8)
        await bench.until(lambda: bench.version == 1 and ("swap_failed", 2) in bench.topics.kinds())
        asked = away.asked
        await bench.until(lambda: away.asked > asked + 2)
        away.is_on = False
        await bench.until(lambda: ("rolled_back", 1) in bench.topics.kinds())


@in_a_loop
async def test_a_slow_version_is_left_and_taken_back(registry: Registry) -> None:
    async with at_work(registry, watch_seconds=0.2) as bench:
        bench.see(50)
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        bench.see(50, seconds=0.1)
        await bench.until(lambda: ("rolled_back", 1) in bench.topics.kinds())
        assert bench.version == 1
        assert bench.serving.before is None
        failed = next(event for event in bench.topics.events if event.kind == "swap_failed")
        assert failed.metrics["slowdown"] == pytest.approx(10.0)
        assert registry.state(NAME).aliases.champion == 1


@in_a_loop
async def test_a_good_version_is_kept_and_the_one_before_let_go(registry: Registry) -> None:
    async with at_work(registry, watch_seconds=0.2) as bench:
        bench.see(50)
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        bench.see(50)
        await bench.until(lambda: bench.serving.before is None)
        assert bench.version == 2
        assert registry.state(NAME).aliases.champion == 2


@in_a_loop
async def test_a_pinned_version_serves_on_and_its_faults_are_told(registry: Registry) -> None:
    async with at_work(registry, watch_seconds=0.2) as bench:
        bench.see(50)
        bench.topics.point(promoting.pin(registry, NAME, 2, ANN).pointer)
        await bench.until(lambda: bench.version == 2)
        bench.see(50, rescued=1)
        await bench.until(lambda: ("swap_failed", 2) in bench.topics.kinds())
        assert bench.version == 2
        assert "pinned by ann" in bench.topics.events[-1].reasons[1]
        assert registry.state(NAME).aliases.champion == 2
        assert (bench.watch.is_on, bench.serving.before) == (False, None)
        # It has not proven itself by that.
        promoting.unpin(registry, NAME, ANN)
        bench.promote(1)
        await bench.until(lambda: bench.version == 1)
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        assert bench.watch.is_on


@in_a_loop
async def test_a_pinned_version_serves_on_where_the_registry_is_away_when_it_is_judged(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(registry, monkeypatch)
    async with at_work(registry, watch_seconds=0.2) as bench:
        bench.see(50)
        bench.topics.point(promoting.pin(registry, NAME, 2, ANN).pointer)
        await bench.until(lambda: bench.version == 2)
        away.is_on = True
        bench.see(50, rescued=1)
        await bench.until(lambda: ("swap_failed", 2) in bench.topics.kinds())
        assert bench.version == 2
        assert "pinned by ann" in bench.topics.events[-1].reasons[1]


@in_a_loop
async def test_the_pin_of_another_version_keeps_no_bad_one(registry: Registry) -> None:
    async with at_work(registry, watch_seconds=0.2) as bench:
        bench.see(50)
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        promoting.pin(registry, NAME, 1, ANN)  # told a moment later
        bench.see(50, rescued=1)
        await bench.until(lambda: ("swap_failed", 2) in bench.topics.kinds())
        assert bench.version == 1
        assert [event for event in bench.topics.events if "pinned" in " ".join(event.reasons)] == []


@in_a_loop
async def test_a_version_that_a_lane_found_broken_is_taken_back(registry: Registry) -> None:
    async with at_work(registry) as bench:
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        lane = bench.serving.replacement
        await asyncio.to_thread(lane, bench.serving.current, BrokenModelError("it reads nothing"))
        await bench.until(lambda: ("rolled_back", 1) in bench.topics.kinds())
        assert (bench.version, bench.rollout.version) == (1, 1)
        assert "it reads nothing" in next(e for e in bench.topics.events if e.kind == "swap_failed").reasons[0]
        assert bench.loader.loaded == [2]


@in_a_loop
async def test_where_another_worker_was_faster_the_registry_is_left_alone(registry: Registry) -> None:
    async with at_work(registry) as bench:
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        promoting.promote(registry, NAME, 3, ANN)
        await asyncio.to_thread(bench.serving.replacement, bench.serving.current, BrokenModelError("it reads nothing"))
        await bench.until(lambda: ("swap_failed", 2) in bench.topics.kinds())
        assert registry.state(NAME).aliases.champion == 3
