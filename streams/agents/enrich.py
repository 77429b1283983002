"""enrich: reads every message with the model, and publishes what it reads.

Read from top to bottom: gather a batch, infer in a thread while the next one is fetched, send the outputs, wait for the
brokers' acknowledgement, acknowledge the inputs in order, let the timer commit.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from streams.contract.incoming import Record
from streams.logic.enricher import REASONS, Batch, Enricher
from streams.worker.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporters.metrics import WorkerMetrics
    from streams.contract.settings import Settings
    from streams.worker.application import Application
    from streams.worker.publisher import BatchPublisher


# What is refused as too large comes again smaller: a prediction as a dead letter, that without the message in it.
_SMALLER_FORMS = 2


class UndeliverableError(RuntimeError):
    """Not even a dead letter is taken by the brokers; the worker must end without acknowledging."""


def add_enrich(
    app: Application,
    enricher: Enricher,
    publisher: BatchPublisher,
    settings: Settings,
    metrics: WorkerMetrics,
    on_fatal: Callable[[BaseException], None],
) -> Pipeline[Any, Batch]:
    """Add the enrich agent to the application, and give the pipeline that carries it."""
    metrics.prepare(settings.topics.inputs, REASONS)

    def work(events: Sequence[Any]) -> Batch:
        return enricher.enrich([_record(event) for event in events])

    async def deliver(batch: Batch) -> None:
        await _publish(batch, publisher, enricher)

    def acknowledge(events: Sequence[Any], batch: Batch) -> None:
        for event in events:
            event.ack()
        _count(batch, metrics)

    pipeline: Pipeline[Any, Batch] = Pipeline(
        work,
        deliver,
        acknowledge,
        on_fatal,
        batch_max=settings.enrich.batch_max,
        batch_wait=settings.enrich.batch_wait_seconds,
    )
    metrics.in_flight.set_function(lambda: pipeline.in_flight)
    inputs = app.topic(*settings.topics.inputs, key_type=bytes, value_type=bytes)

    @app.agent(inputs, name="enrich")
    async def enrich(stream: Any) -> None:  # noqa: ANN401  Faust has no types
        async for event in stream.noack().events():
            await pipeline.put(event)

    return pipeline


async def _publish(batch: Batch, publisher: BatchPublisher, enricher: Enricher) -> None:
    """Publish what came of each input; what is too large for the brokers is exchanged in the batch."""
    outcomes = batch.outcomes
    refused = await publisher.publish([outcome.output for outcome in outcomes])
    for _ in range(_SMALLER_FORMS):
        if not refused:
            return
        too_large = {id(output) for output in refused}
        again = [index for index, outcome in enumerate(outcomes) if id(outcome.output) in too_large]
        for index in again:
            outcomes[index] = enricher.bury_refused(outcomes[index])
        refused = await publisher.publish([outcomes[index].output for index in again])
    if refused:
        raise UndeliverableError(
            f"the brokers refuse {len(refused)} dead letters of a few hundred bytes as too large: raise "
            f"max.message.bytes of {refused[0].topic} (`tocsin topics create` sets it)"
        )


def _record(event: Any) -> Record:  # noqa: ANN401  Faust has no types
    message = event.message
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp,
        key=message.key,
        value=message.value,
        headers=list(message.headers) if message.headers else (),
    )


def _count(batch: Batch, metrics: WorkerMetrics) -> None:
    now = time.time()
    metrics.batch_size.observe(len(batch.outcomes))
    metrics.inference.observe(batch.inference_seconds)
    if batch.retries:
        metrics.retries.labels("infer").inc(batch.retries)
    for outcome in batch.outcomes:
        metrics.messages.labels(outcome.record.topic).inc()
        metrics.end_to_end.observe(max(0.0, now - outcome.record.timestamp))
        if outcome.reason is not None:
            metrics.dead_letters.labels(outcome.reason).inc()
