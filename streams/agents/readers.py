"""readers: tells what readers do, and what they ask for, by reader.

Read from top to bottom: gather behaviors and requests, decode them, publish each to the partition of its reader, wait
for the brokers' acknowledgement, acknowledge them in order. So one worker hears all of a reader, in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.agents.enrich import UndeliverableError
from streams.contract.topics import recommendation_requests_topic
from streams.logic.batcher import Batcher
from streams.worker.pipeline import Pipeline
from streams.worker.records import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporters.metrics import WorkerMetrics
    from streams.contract.settings import Settings
    from streams.logic.reader_events import Rekeyed, Rekeyer
    from streams.worker.application import Application
    from streams.worker.publisher import BatchPublisher

_BATCH = 256
_WAIT_SECONDS = 0.005


def add_readers(
    app: Application,
    rekeyer: Rekeyer,
    publisher: BatchPublisher,
    settings: Settings,
    letters: WorkerMetrics,
    on_fatal: Callable[[BaseException], None],
) -> Pipeline[Any, list[Rekeyed]]:
    """Add the readers agent to the application, and give the pipeline that carries it.

    Args:
        app: The application.
        rekeyer: Does the work.
        publisher: Where reader events go.
        settings: Names of topics.
        letters: Where dead letters are counted.
        on_fatal: Told what the worker cannot go on with.
    """

    def work(events: Sequence[Any]) -> list[Rekeyed]:
        return rekeyer.rekey([as_record(event) for event in events])

    async def deliver(rekeyed: list[Rekeyed]) -> None:
        await _publish(rekeyed, publisher, rekeyer)

    def acknowledge(events: Sequence[Any], rekeyed: list[Rekeyed]) -> None:
        for event in events:
            event.ack()
        for each in rekeyed:
            if each.reason is not None:
                letters.dead_letters.labels(each.reason).inc()

    pipeline: Pipeline[Any, list[Rekeyed]] = Pipeline(
        work, deliver, acknowledge, on_fatal, Batcher(_BATCH, _WAIT_SECONDS)
    )
    names = (settings.recommend.behaviors_topic, recommendation_requests_topic(settings.topics))
    inputs = app.topic(*names, key_type=bytes, value_type=bytes)

    @app.agent(inputs, name="readers")
    async def readers(stream: Any) -> None:  # noqa: ANN401  Faust has no types
        async for event in stream.noack().events():
            await pipeline.put(event)

    return pipeline


async def _publish(rekeyed: list[Rekeyed], publisher: BatchPublisher, rekeyer: Rekeyer) -> None:
    """Publish what came of each record; a dead letter that is too large for the brokers comes again without it."""
    refused = await publisher.publish([each.output for each in rekeyed])
    too_large = {id(output) for output in refused}
    buried = [each for each in rekeyed if id(each.output) in too_large and each.reason is not None]
    if buried and len(buried) == len(refused):
        refused = await publisher.publish([rekeyer.bury_refused(each).output for each in buried])
    if refused:
        raise UndeliverableError(
            f"the brokers refuse {len(refused)} records of {refused[0].topic} as too large: raise its "
            "max.message.bytes (`tocsin topics create` sets it)"
        )
