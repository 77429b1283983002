"""The worker takes up what the registry points at, tries again what may pass, and refuses what is corrupt, twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.swapping import ANN, NAME, Away, at_work, in_a_loop

from models import promoting
from models.manifest import VersionError
from models.trial import TrialError

if TYPE_CHECKING:
    from models.registry import Registry


@in_a_loop
async def test_what_the_registry_points_at_is_taken_up_and_told(registry: Registry) -> None:
    async with at_work(registry) as bench:
        bench.promote(2)
        await bench.until(lambda: bench.topics.kinds() == [("swapped", 2)])
        assert (bench.version, bench.serving.before is not None) == (2, True)
        (event,) = bench.topics.events
        assert (event.previous, event.epoch, event.by.startswith("worker ")) == (1, 2, True)
        assert bench.metrics.epoch._value.get() == 2
        assert bench.metrics.watched._value.get() == 1


@in_a_loop
async def test_at_the_start_the_registry_is_told_where_the_topic_knows_less(registry: Registry) -> None:
    async with at_work(registry) as bench:
        await bench.until(lambda: bench.topics.pointer is not None)
        assert bench.topics.pointer is not None
        assert (bench.topics.pointer.version, bench.topics.pointer.epoch) == (1, 1)


@in_a_loop
async def test_a_registry_that_is_away_at_the_start_is_told_of_later(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    away = Away(registry, monkeypatch)
    async with at_work(registry, epoch=1) as bench:
        away.is_on = True
        await bench.until(lambda: away.asked > 2)
        away.is_on = False
        await bench.until(lambda: bench.topics.pointer is not None)


@in_a_loop
@pytest.mark.parametrize("is_told", [True, False], ids=["told", "whoever promoted it died"])
async def test_a_champion_that_was_refused_at_the_start_is_tried_told_of_and_taken_back(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, *, is_told: bool
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    of_before = promoting.announce(registry, NAME)[0]
    pointer = promoting.promote(registry, NAME, 2, ANN).pointer
    async with at_work(registry, epoch=1) as bench:
        bench.loader.failures = [VersionError("model.onnx is corrupt")] * 2
        bench.topics.point(pointer if is_told else of_before)
        await bench.until(lambda: ("rolled_back", 1) in bench.topics.kinds())
        assert bench.topics.kinds()[0] == ("swap_failed", 2)
        assert (bench.loader.loaded, bench.version) == ([2, 2], 1)
        assert bench.metrics.swaps.labels("refused")._value.get() == 1
        assert registry.state(NAME).aliases.champion == 1


@in_a_loop
async def test_a_pointer_of_before_or_told_twice_changes_nothing(registry: Registry) -> None:
    async with at_work(registry) as bench:
        old = promoting.announce(registry, NAME)[0]
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        newest = bench.topics.pointer
        assert newest is not None
        for pointer in (old, newest):
            bench.topics.point(pointer)
        bench.promote(2)
        await bench.until(lambda: bench.rollout.epoch == 3)
        assert bench.loader.loaded == [2]


@in_a_loop
async def test_a_pointer_that_was_overtaken_leads_to_what_holds_now(registry: Registry) -> None:
    async with at_work(registry) as bench:
        first = promoting.promote(registry, NAME, 2, ANN).pointer
        promoting.promote(registry, NAME, 3, ANN)
        bench.topics.point(first)
        await bench.until(lambda: bench.version == 3)
        assert (bench.loader.loaded, bench.rollout.epoch) == ([3], 3)


@in_a_loop
async def test_something_newer_while_it_waits_for_its_turn_is_taken_up_instead(registry: Registry) -> None:
    async with at_work(registry, stagger_seconds=600.0) as bench:
        bench.promote(2)
        await asyncio.sleep(0.05)
        bench.rollout._within = 0.0
        bench.promote(3)
        await bench.until(lambda: bench.version == 3)
        assert bench.loader.loaded == [3]


@in_a_loop
async def test_what_else_is_told_meanwhile_does_not_bring_its_turn_forward(registry: Registry) -> None:
    async with at_work(registry, stagger_seconds=600.0) as bench:
        bench.rollout.delay = lambda _epoch: 600.0  # type: ignore[method-assign]
        bench.promote(2)
        for _ in range(5):
            await asyncio.sleep(0.02)
            assert bench.topics.pointer is not None
            # As a pointer of the challenger or of another model does.
            bench.topics.point(bench.topics.pointer)
        assert bench.loader.loaded == []
        assert bench.version == 1


@in_a_loop
async def test_what_nobody_thought_of_is_tried_again_ever_later_too(registry: Registry) -> None:
    async with at_work(registry) as bench:
        bench.loader.failures = [RuntimeError("out of some resource")] * 3
        bench.promote(2)
        await bench.until(lambda: bench.rollout.failures == 1)
        await asyncio.sleep(0.1)
        assert bench.loader.loaded == [2]
        assert bench.version == 1
        assert bench.metrics.swaps.labels("failed")._value.get() == 1


@in_a_loop
async def test_what_may_pass_is_tried_again(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    async with at_work(registry) as bench:
        bench.loader.failures = [TrialError("killed"), OSError("disk full"), VersionError("cut short")]
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        assert bench.loader.loaded == [2] * 4
        assert bench.metrics.swaps.labels("failed")._value.get() == 3
        assert [kind for kind, _ in bench.topics.kinds()] == ["swapped"]


@in_a_loop
async def test_what_is_refused_twice_is_taken_back_for_everybody(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    async with at_work(registry) as bench:
        bench.loader.failures = [VersionError("s3://svc:S3cretPw@minio:9000/encoder/2/model.onnx is corrupt")] * 2
        bench.promote(2)
        await bench.until(lambda: ("rolled_back", 1) in bench.topics.kinds())
        assert (bench.version, registry.state(NAME).aliases.champion) == (1, 1)
        failed = bench.topics.events[0]
        assert (failed.kind, failed.version) == ("swap_failed", 2)
        assert "model.onnx is corrupt" in failed.reasons[0]
        assert [event for event in bench.topics.events if "S3cretPw" in " ".join(event.reasons)] == []
        await bench.until(lambda: bench.rollout.epoch == 3)
        assert bench.loader.loaded == [2, 2]


@in_a_loop
async def test_what_was_refused_in_between_is_not_refused_twice_in_a_row(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    async with at_work(registry) as bench:
        bench.loader.failures = [VersionError("cut short"), OSError("away"), VersionError("cut short")]
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        assert registry.state(NAME).aliases.champion == 2


@in_a_loop
async def test_a_refusal_does_not_undo_a_promotion_that_was_renewed_meanwhile(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    async with at_work(registry) as bench:
        bench.loader.failures = [VersionError("corrupt")] * 2
        bench.promote(2)
        await bench.until(lambda: len(bench.loader.failures) == 1)
        bench.loader.go_on.clear()
        await bench.until(lambda: len(bench.loader.loaded) == 2)
        bench.promote(2)  # mended
        bench.loader.go_on.set()
        await bench.until(lambda: bench.version == 2)
        assert (registry.state(NAME).aliases.champion, registry.state(NAME).epoch) == (2, 3)
        await bench.until(lambda: bench.topics.kinds() == [("swapped", 2)])
        assert bench.metrics.swaps.labels("refused")._value.get() == 0


@in_a_loop
async def test_nor_does_it_where_the_promotion_is_told_later(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    async with at_work(registry) as bench:
        bench.loader.failures = [VersionError("corrupt")] * 2
        bench.promote(2)
        await bench.until(lambda: len(bench.loader.failures) == 1)
        bench.loader.go_on.clear()
        await bench.until(lambda: len(bench.loader.loaded) == 2)
        renewed = promoting.promote(registry, NAME, 2, ANN).pointer
        bench.loader.go_on.set()
        await bench.until(lambda: bench.topics.kinds() == [("swap_failed", 2)])
        bench.topics.point(renewed)
        await bench.until(lambda: bench.version == 2)
        assert (registry.state(NAME).aliases.champion, registry.state(NAME).epoch) == (2, 3)


@in_a_loop
async def test_a_refusal_before_a_promotion_was_renewed_does_not_count_after(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.3)
    async with at_work(registry) as bench:
        bench.loader.failures = [VersionError("corrupt")] * 2
        bench.promote(2)
        await bench.until(lambda: len(bench.loader.failures) == 1)
        promoting.promote(registry, NAME, 2, ANN)  # told by nobody yet, and tried once more in vain
        await bench.until(lambda: bench.version == 2)
        assert bench.loader.loaded == [2, 2, 2]
        assert registry.state(NAME).aliases.champion == 2


@in_a_loop
async def test_a_rollback_while_the_version_is_new_loads_nothing(registry: Registry) -> None:
    async with at_work(registry, stagger_seconds=0.0) as bench:
        first = bench.serving.current
        bench.promote(2)
        await bench.until(lambda: bench.version == 2)
        bench.topics.point(promoting.roll_back(registry, NAME, ANN).pointer)
        await bench.until(lambda: bench.version == 1)
        assert bench.serving.current is first
        assert bench.loader.loaded == [2]
        # It was proven, so it is not watched, and the bad one is not kept at hand.
        assert (bench.watch.is_on, bench.serving.before) == (False, None)


@in_a_loop
async def test_a_registry_that_is_behind_its_pointer_is_asked_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    async with at_work(registry) as bench:
        pointer = promoting.announce(registry, NAME)[0]
        await bench.until(lambda: bench.topics.pointer is not None)
        bench.topics.point(msgspec.structs.replace(pointer, version=2, epoch=2))
        await bench.until(lambda: bench.metrics.swaps.labels("failed")._value.get() > 0)
        promoting.promote(registry, NAME, 2, ANN)
        await bench.until(lambda: bench.version == 2)
