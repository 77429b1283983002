"""items: understands what can be recommended.

Read from top to bottom: take records in without ever waiting, read and embed a batch in a thread, publish the vectors,
withdrawals and dead letters, wait for the brokers' acknowledgement, acknowledge the records in order.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streams.agents.enrich import UndeliverableError
from streams.worker.checkpointing import everybody_waits
from streams.worker.line import Line
from streams.worker.records import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from exporters.metrics import WorkerMetrics
    from exporters.recommend_metrics import RecommendMetrics
    from streams.contract.settings import Settings
    from streams.logic.items import ItemEmbedder, ItemOutcome
    from streams.worker.application import Application
    from streams.worker.publisher import BatchPublisher

# Few enough that a rebalance does not wait long for a batch: an item takes some ten milliseconds.
_BATCH = 32
_MOST = 1024


@dataclass(slots=True)
class Embedded:
    """What came of a batch."""

    outcomes: list[ItemOutcome]
    done: int


def add_items(
    app: Application,
    embedder: ItemEmbedder,
    publisher: BatchPublisher,
    settings: Settings,
    metrics: RecommendMetrics,
    letters: WorkerMetrics,
    on_fatal: Callable[[BaseException], None],
    *,
    executor: Executor,
) -> Line[Any, Embedded]:
    """Add the items agent to the application, and give the line of records that wait for it.

    Args:
        app: The application.
        embedder: Does the work.
        publisher: Where vectors go.
        settings: Name of the items topic.
        metrics: Where it is counted.
        letters: Where dead letters are counted.
        on_fatal: Told what the worker cannot go on with.
        executor: Where the work is done.
    """
    topic = settings.recommend.items_topic

    def work(late: Sequence[Any], fresh: Sequence[Any]) -> Embedded:
        return Embedded(embedder.embed([as_record(event) for event in (*late, *fresh)]), len(fresh))

    async def deliver(embedded: Embedded) -> None:
        embedded.outcomes = await _publish(embedded.outcomes, publisher, embedder)

    def acknowledge(events: Sequence[Any], embedded: Embedded) -> None:
        for event in events:
            event.ack()
        for outcome in embedded.outcomes:
            metrics.items.labels(outcome.fate).inc()
            if outcome.reason is not None:
                letters.dead_letters.labels(outcome.reason).inc()

    line: Line[Any, Embedded] = Line(
        work,
        deliver,
        acknowledge,
        on_fatal,
        executor=executor,
        waiting=everybody_waits(),
        batch_max=lambda: _BATCH,
    )
    line.bound(_MOST, lambda back: app.hold_back(topic, back=back))
    inputs = app.topic(topic, key_type=bytes, value_type=bytes)

    @app.agent(inputs, name="items")
    async def items(stream: Any) -> None:  # noqa: ANN401  Faust has no types
        async for event in stream.noack().events():
            line.put(event, event.message.partition, time.time())

    return line


async def _publish(outcomes: list[ItemOutcome], publisher: BatchPublisher, embedder: ItemEmbedder) -> list[ItemOutcome]:
    """Publish what came of each record; what is too large for the brokers comes again as a dead letter."""
    done = list(outcomes)
    refused = await publisher.publish([outcome.output for outcome in done])
    for bare in (False, True):
        if not refused:
            return done
        too_large = {id(output) for output in refused}
        places = [place for place, outcome in enumerate(done) if id(outcome.output) in too_large]
        for place in places:
            done[place] = embedder.bury_refused(done[place], bare=bare)
        refused = await publisher.publish([done[place].output for place in places])
    if refused:
        raise UndeliverableError(
            f"the brokers refuse {len(refused)} small records as too large: raise max.message.bytes of "
            f"{refused[0].topic} (`tocsin topics create` sets it)"
        )
    return done
