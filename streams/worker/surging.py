"""Surge detection in one worker: the agent, its desks, what the desk says, the heartbeats, and who is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from streams.agents.surge import add_surge
from streams.contract.topics import signals_topic
from streams.worker.alertmanager import OUTCOMES, AlertmanagerPusher
from streams.worker.desks import Desks
from streams.worker.heartbeats import Heartbeats
from streams.worker.steering import Steering

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from exporters.metrics import WorkerMetrics
    from streams.contract.settings import Settings
    from streams.logic.inputs import InputClocks
    from streams.logic.stall import Place
    from streams.worker.application import Application
    from streams.worker.desks import Findings
    from streams.worker.pipeline import Pipeline
    from streams.worker.publisher import BatchPublisher
    from streams.worker.recovery import Recovery


class Surging:
    """Everything of surge detection that runs beside the stream. Made by ``Surging.prepare``."""

    def __init__(
        self,
        pipeline: Pipeline[Any, Findings],
        desks: Desks,
        steering: Steering,
        heartbeats: Heartbeats,
        pusher: AlertmanagerPusher | None,
    ) -> None:
        self.pipeline = pipeline
        self._desks = desks
        self._steering = steering
        self._heartbeats = heartbeats
        self._pusher = pusher

    @classmethod
    async def prepare(
        cls,
        app: Application,
        publisher: BatchPublisher,
        clocks: InputClocks,
        settings: Settings,
        metrics: WorkerMetrics,
        recovery: Recovery,
        on_fatal: Callable[[BaseException], None],
    ) -> Self:
        """Add the agent to the application, before that is started.

        Args:
            app: The application.
            publisher: Started.
            clocks: How far each input partition has come.
            settings: All of them.
            metrics: Where it is counted.
            recovery: Reads back what the last owner of a partition left.
            on_fatal: Told what the worker cannot go on with.

        Raises:
            aiokafka.errors.KafkaError: The brokers tell nothing of a topic.
            SettingsError: ``alertmanager.url`` is no address.
        """
        steering = Steering(settings)
        upstream = [
            (topic, partition) for topic in settings.topics.inputs for partition in await publisher.partitions_of(topic)
        ]
        partitions = await publisher.partitions_of(signals_topic(settings.topics))
        desks = Desks(
            settings,
            upstream=upstream,
            partitions=len(partitions),
            steering=steering,
            read_state=recovery.surge_state,
        )
        pusher = None
        if settings.alertmanager.url is not None:
            metrics.prepare_pushes(OUTCOMES)
            pusher = AlertmanagerPusher(
                settings.alertmanager,
                is_silenced=lambda labels: bool(steering.silenced_by(labels)),
                on_push=metrics.count_push,
            )
        pipeline = add_surge(app, desks, publisher, settings, metrics, pusher, on_fatal)
        return cls(pipeline, desks, steering, Heartbeats(clocks, app.positions, publisher, settings), pusher)

    async def start(self) -> None:
        """Learn what the desk has said, and begin.

        Raises:
            BrokerUnreachableError: What the desk has said cannot be read.
        """
        await asyncio.to_thread(self._steering.start)
        if self._pusher is not None:
            self._pusher.start()
        self.pipeline.start()
        self._heartbeats.start()

    def forget(self, places: Collection[Place]) -> None:
        """These partitions are given up, and nothing of them is in hand."""
        firing = self._desks.forget(places)
        if self._pusher is not None:
            self._pusher.release(firing)

    async def stop(self) -> None:
        """End all but the pipeline, which the worker closes with the others."""
        await self._heartbeats.stop()
        if self._pusher is not None:
            await self._pusher.stop()
        await asyncio.to_thread(self._steering.close)
