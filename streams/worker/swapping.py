"""Changing versions in one worker: who follows the registry's pointers, and all that belongs to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import structlog

from exporters.swap_metrics import SwapMetrics
from models.registry import Registry
from streams.agents.shadow import ShadowAgent
from streams.agents.swap import SwapAgent
from streams.logic.rollout import Rollout
from streams.worker.loading import Loader
from streams.worker.pointers import Pointers
from streams.worker.registrar import Registrar
from streams.worker.watch import Watch

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from streams.contract.incoming import Record
    from streams.contract.records import Message, Prediction
    from streams.contract.settings import Settings
    from streams.logic.enricher import Batch
    from streams.worker.publisher import BatchPublisher
    from streams.worker.serving import Serving

_FOLLOWED = "champion"

log = structlog.get_logger(__name__)


class Swapping:
    """Everything of changing versions that runs beside the stream. Made in a running event loop.

    A worker that was told to serve a certain version, or another alias than the champion, keeps what it has.

    Args:
        settings: All of them.
        serving: What answers.
        epoch: Number of the registry's state by which that was chosen; whatever came after it is looked at.
        publisher: Started before this is, and stopped after.
        metrics: The worker's registry of metrics.
    """

    def __init__(
        self, settings: Settings, serving: Serving, epoch: int, publisher: BatchPublisher, metrics: CollectorRegistry
    ) -> None:
        counted = SwapMetrics(metrics)
        self._registrar = registrar = Registrar(settings, Registry.of(settings.model), publisher)
        rollout = Rollout(
            registrar.worker, serving.current.manifest.version, epoch, within=settings.swap.stagger_seconds
        )
        self._loader = loader = Loader(settings)
        self._is_on = settings.model.alias == _FOLLOWED
        self._has_shadow = self._is_on and settings.swap.shadow
        self._pointers = Pointers(settings)
        self._watch = Watch(serving, settings.swap, counted)
        self._swap = SwapAgent(rollout, self._pointers, registrar, loader, serving, self._watch, counted)
        self._shadow = ShadowAgent(self._pointers, registrar, loader, serving, settings.swap, counted)
        self._alias = settings.model.alias
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> Self:
        """Begin to follow."""
        if not self._is_on:
            log.info("the version stays: model.alias is not champion", alias=self._alias)
            return self
        self._pointers.start()
        self._tasks.append(asyncio.create_task(self._swap.run(), name="swap"))
        if self._has_shadow:
            self._tasks.append(asyncio.create_task(self._shadow.run(), name="shadow"))
        return self

    async def stop(self) -> None:
        """Follow no more; a version that is being tried is given up, and what is not told in a moment is not told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._registrar.stop()
        self._loader.close()
        if self._is_on:
            await self._pointers.stop()

    def observe(self, batch: Batch) -> None:
        """Look at a batch that is done; in the event loop."""
        self._watch.observe(batch)

    def see(self, record: Record, message: Message, prediction: Prediction) -> None:
        """Look at a message that was read; from any thread."""
        if self._has_shadow:
            self._shadow.see(record, message, prediction)
