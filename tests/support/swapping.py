"""The swap agent of one worker at work, on a real registry, with topics and a loader that a test holds in its hands."""

from __future__ import annotations

import asyncio
import functools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from prometheus_client import CollectorRegistry
from support import versions

from exporters.swap_metrics import SwapMetrics
from models import promoting
from models.promoting import Story
from models.runtime import Encoder
from streams.agents.swap import SwapAgent
from streams.contract.model_records import ModelEvent, ModelPointer
from streams.contract.model_settings import SwapSettings
from streams.contract.settings import ModelSettings, Settings
from streams.logic.enricher import Batch
from streams.logic.rollout import Rollout
from streams.worker.registrar import Registrar
from streams.worker.serving import Serving
from streams.worker.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    import pytest

    from models.aliases import State
    from models.registry import Registry
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


@asynccontextmanager
async def at_work(registry: Registry, *, epoch: int | None = None, **swap: float) -> AsyncIterator[Bench]:
    bench = Bench(registry, SwapSettings(**{"stagger_seconds": 0.0, **swap}), epoch)
    running = asyncio.create_task(bench.agent.run())
    try:
        yield bench
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
