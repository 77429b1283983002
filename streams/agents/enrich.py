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
        refused = await publisher.publish([outcome.output for outcome in batch.outcomes])
        if refused:
            by_output = {id(outcome.output): index for index, outcome in enumerate(batch.outcomes)}
            for output in refused:
                index = by_output[id(output)]
                batch.outcomes[index] = enricher.bury_refused(batch.outcomes[index])
                if await publisher.publish([batch.outcomes[index].output]):
                    raise UndeliverableError(
                        f"{batch.outcomes[index].record.place}: the brokers refuse its dead letter as too large; raise "
                        "max.message.bytes of the dead-letters topic (`tocsin topics create` sets it)"
                    )

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
