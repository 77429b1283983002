"""One worker changes versions: a real registry and real graphs, and in the place of the brokers two lists."""

from __future__ import annotations

import asyncio
import functools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from support import versions

from exporters.swap_metrics import SwapMetrics
from models import promoting
from models.manifest import VersionError
from models.promoting import Story
from models.registry import Registry
from models.runtime import Encoder
from models.trial import TrialError
from streams.agents.swap import SwapAgent
from streams.contract.model_records import ModelEvent, ModelPointer
from streams.contract.model_settings import SwapSettings
from streams.contract.settings import ModelSettings, Settings
from streams.logic.breaker import BrokenModelError
from streams.logic.enricher import Batch
from streams.logic.rollout import Rollout
from streams.worker.registrar import Registrar
from streams.worker.serving import Serving
from streams.worker.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from models.aliases import Remark, State
    from streams.contract.outgoing import Output

ANN = Story(by="ann", reason="a test")
NAME = versions.NAME


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: object, **fixtures: object) -> None:
        asyncio.run(test(*args, **fixtures))

    return run


class Topics:
    """Takes what is published, and gives the pointers back to whoever follows them."""

    def __init__(self) -> None:
        self.pointer: ModelPointer | None = None
        self.events: list[ModelEvent] = []
        self.is_away = False
        """Whether the brokers take no event, and nobody knows for how long."""
        self._listeners: list[Callable[[], None]] = []

    def listen(self, on_change: Callable[[], None]) -> None:
        self._listeners.append(on_change)

    def latest(self, _alias: str) -> ModelPointer | None:
        return self.pointer

    async def caught_up(self) -> None:
        return

    def point(self, pointer: ModelPointer) -> None:
        self.pointer = pointer
        for listener in self._listeners:
            listener()

    async def publish(self, outputs: list[Output]) -> list[Output]:
        for output in outputs:
            if output.topic.endswith("model-events"):
                if self.is_away:
                    await asyncio.Event().wait()
                self.events.append(msgspec.json.decode(output.value, type=ModelEvent))
            else:
                self.point(msgspec.json.decode(output.value, type=ModelPointer))
        return []

    def kinds(self) -> list[tuple[str, int | None]]:
        return [(event.kind, event.version) for event in self.events]


class Loader:
    """Loads without a trial, and fails as often as it is told to."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.failures: list[Exception] = []
        self.loaded: list[int] = []
        self.told = 0.0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def load(self, version: int, like: Encoder, *, told: float) -> Encoder:
        self.loaded.append(version)
        self.told = told
        await self.go_on.wait()
        if self.failures:
            raise self.failures.pop(0)
        return load(self._registry, version, like)


def load(registry: Registry, version: int, like: Encoder | None = None) -> Encoder:
    folder = registry.fetch(NAME, version, None)  # type: ignore[arg-type]  a local registry needs no cache
    return Encoder.load(folder, threads=1, sub_batch=4, like=like)


class Away:
    """A registry that cannot be read while this is on."""

    def __init__(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_on = False
        self.asked = 0
        state = registry.state

        def read(name: str, epoch: int | None = None) -> State:
            if self.is_on:
                self.asked += 1
                raise OSError("the registry is away")
            return state(name, epoch)

        monkeypatch.setattr(registry, "state", read)


class Bench:
    """An agent at work on version 1 of three, by the state that holds, or by another."""

    def __init__(self, registry: Registry, swap: SwapSettings, epoch: int | None) -> None:
        settings = Settings(model=ModelSettings(registry=registry.url), swap=swap)
        self.registry = registry
        self.topics = Topics()
        self.serving = Serving(load(registry, 1))
        self.metrics = SwapMetrics(CollectorRegistry())
        self.loader = Loader(registry)
        self.watch = Watch(self.serving, swap, self.metrics)
        registrar = Registrar(settings, registry, self.topics)  # type: ignore[arg-type]
        began = registry.state(NAME).epoch if epoch is None else epoch
        self.rollout = Rollout(registrar.worker, 1, began, within=swap.stagger_seconds)
        self.agent = SwapAgent(
            self.rollout,
            self.topics,
            registrar,
            self.loader,
            self.serving,
            self.watch,
            self.metrics,  # type: ignore[arg-type]
        )

    @property
    def version(self) -> int:
        return self.serving.current.manifest.version

    def promote(self, version: int) -> None:
        self.topics.point(promoting.promote(self.registry, NAME, version, ANN).pointer)

    def see(self, batches: int, *, seconds: float = 0.01, rescued: int = 0) -> None:
        for _ in range(batches):
            self.watch.observe(Batch([None] * 8, seconds, 0, self.serving.current.model, rescued))  # type: ignore[list-item]

    async def until(self, predicate: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not predicate():  # noqa: ASYNC110  what is awaited is no event
                await asyncio.sleep(0.01)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(str(tmp_path / "registry"))
    for labels in (versions.FIRST, versions.RENAMED, versions.GROWN):
        versions.add(registry, labels)
    promoting.promote(registry, NAME, 1, ANN)
    return registry


@asynccontextmanager
async def at_work(registry: Registry, *, epoch: int | None = None, **swap: float) -> AsyncIterator[Bench]:
    bench = Bench(registry, SwapSettings(**{"stagger_seconds": 0.0, **swap}), epoch)
    running = asyncio.create_task(bench.agent.run())
    try:
        yield bench
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


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
