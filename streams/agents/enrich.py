"""enrich: reads every message with the model, and publishes what it reads.

Read from top to bottom: gather a batch, infer in a thread while the next one is fetched, set the clocks, send the
outputs, wait for the brokers' acknowledgement, acknowledge the inputs in order, let the timer commit.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from streams.contract.subjects import parse_subject
from streams.contract.topics import signals_topic
from streams.logic.batcher import Batcher
from streams.logic.bundles import bundle
from streams.logic.enricher import REASONS, Batch, Enricher
from streams.worker.pipeline import Pipeline
from streams.worker.records import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporters.metrics import WorkerMetrics
    from streams.contract.outgoing import Output
    from streams.contract.settings import Settings
    from streams.logic.inputs import InputClocks
    from streams.worker.application import Application
    from streams.worker.publisher import BatchPublisher


# What is refused as too large comes again smaller: a prediction as a dead letter, that without the message in it.
_SMALLER_FORMS = 2


class UndeliverableError(RuntimeError):
    """Not even what is small is taken by the brokers; the worker must end without acknowledging."""


def add_enrich(
    app: Application,
    enricher: Enricher,
    clocks: InputClocks,
    publisher: BatchPublisher,
    settings: Settings,
    metrics: WorkerMetrics,
    on_fatal: Callable[[BaseException], None],
    on_batch: Callable[[Batch], None] = lambda _: None,
) -> Pipeline[Any, Batch]:
    """Add the enrich agent to the application, and give the pipeline that carries it.

    Args:
        app: The application, not yet started.
        enricher: Does the work.
        clocks: Told how far each input has come.
        publisher: Started by whoever starts the application.
        settings: Topics, and sizes of batches.
        metrics: Where it is counted.
        on_fatal: Told what the worker cannot go on with.
        on_batch: Told of each batch that is done.
    """
    metrics.prepare(settings.topics.inputs, REASONS)
    signals_to = signals_topic(settings.topics)

    def work(events: Sequence[Any]) -> Batch:
        return enricher.enrich([as_record(event) for event in events])

    async def deliver(batch: Batch) -> None:
        progress, signals = enricher.stamp(batch, clocks)
        bundles = bundle(signals, signals_to, publisher.partition_by_key(signals_to)) if signals else []
        await _publish(batch, bundles, publisher, enricher)
        clocks.delivered(progress, time.monotonic())

    def acknowledge(events: Sequence[Any], batch: Batch) -> None:
        for event in events:
            event.ack()
        _count(batch, metrics)
        on_batch(batch)

    pipeline: Pipeline[Any, Batch] = Pipeline(
        work,
        deliver,
        acknowledge,
        on_fatal,
        Batcher(settings.enrich.batch_max, settings.enrich.batch_wait_seconds, eager=True),
        lanes=settings.enrich.lanes or _usable_cores(),
    )
    metrics.in_flight.set_function(lambda: pipeline.in_flight)
    inputs = app.topic(*settings.topics.inputs, key_type=bytes, value_type=bytes)

    @app.agent(inputs, name="enrich")
    async def enrich(stream: Any) -> None:  # noqa: ANN401  Faust has no types
        async for event in stream.noack().events():
            await pipeline.put(event)

    return pipeline


def _usable_cores() -> int:
    # macOS has no affinity to ask for.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def _publish(batch: Batch, bundles: list[Output], publisher: BatchPublisher, enricher: Enricher) -> None:
    """Publish what came of each input; a prediction or dead letter too large for the brokers is exchanged in it."""
    outcomes = batch.outcomes
    refused = await publisher.publish([*(output for outcome in outcomes for output in outcome.outputs), *bundles])
    for _ in range(_SMALLER_FORMS):
        if not refused:
            return
        too_large = {id(output) for output in refused}
        again = [index for index, outcome in enumerate(outcomes) if id(outcome.outputs[0]) in too_large]
        if len(again) < len(refused):
            break  # Signals, which have no smaller form.
        for index in again:
            outcomes[index] = enricher.bury_refused(outcomes[index])
        refused = await publisher.publish([outcomes[index].outputs[0] for index in again])
    if refused:
        topics = ", ".join(sorted({output.topic for output in refused}))
        raise UndeliverableError(
            f"the brokers refuse {len(refused)} small records as too large: raise max.message.bytes of {topics} "
            "(`tocsin topics create` sets it)"
        )


def _count(batch: Batch, metrics: WorkerMetrics) -> None:
    now = time.time()
    metrics.batch_size.observe(len(batch.outcomes))
    metrics.inference.observe(batch.inference_seconds)
    if batch.retries:
        metrics.retries.labels("infer").inc(batch.retries)
    for outcome in batch.outcomes:
        metrics.messages.labels(outcome.record.topic).inc()
        # Kafka takes records that bear no time (-1), of which nobody knows how long they took.
        if outcome.record.timestamp >= 0.0:
            metrics.end_to_end.observe(max(0.0, now - outcome.record.timestamp))
        if outcome.reason is not None:
            metrics.dead_letters.labels(outcome.reason).inc()
        for signal in outcome.signals:
            metrics.signals.labels(parse_subject(signal.subject).kind).inc()
