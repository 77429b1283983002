"""recommend: follows what each reader reads, and recommends.

Read from top to bottom: take reader events in without ever waiting, count them and find what is to be answered, publish
recommendations, then, once in a while, the state of the readers who have changed; when the brokers have acknowledged
both, acknowledge the events that are settled, in order. State is thus never older than what is acknowledged, and nobody
who is to be answered is forgotten.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from streams.agents.surge import StateTooLargeError
from streams.contract.decoding import JsonDecoder
from streams.contract.recommendations import Recommendation
from streams.contract.records import encode
from streams.contract.topics import reader_events_topic
from streams.logic.recommend.ranking import without_titles
from streams.worker.checkpointing import CheckpointedLine
from streams.worker.records import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from exporters.recommend_metrics import RecommendMetrics
    from streams.contract.outgoing import Output
    from streams.contract.settings import Settings
    from streams.worker.application import Application
    from streams.worker.publisher import BatchPublisher
    from streams.worker.readership import Findings, Readership

# Few enough that whoever asks does not wait for many others.
_BATCH = 128
_MOST = 4096

log = structlog.get_logger(__name__)

_recommendation = JsonDecoder(Recommendation)


class _Work:
    """The readership, for Faust's events."""

    def __init__(self, readership: Readership) -> None:
        self._readership = readership
        self.flush = readership.flush
        self.due_in = readership.due_in

    def apply(self, events: Sequence[Any]) -> Findings:
        return self._readership.apply([as_record(event) for event in events])


def add_recommend(
    app: Application,
    readership: Readership,
    publisher: BatchPublisher,
    settings: Settings,
    metrics: RecommendMetrics,
    on_fatal: Callable[[BaseException], None],
    *,
    executor: Executor,
    is_ready: Callable[[], bool],
) -> CheckpointedLine[Any, Findings]:
    """Add the recommend agent to the application, and give the line of events that wait for it.

    Args:
        app: The application.
        readership: Does the work.
        publisher: Where recommendations and checkpoints go.
        settings: Names of topics.
        metrics: Where it is counted.
        on_fatal: Told what the worker cannot go on with.
        executor: One thread, where the work is done.
        is_ready: Whether the items are known yet.
    """
    topic = reader_events_topic(settings.topics)

    async def deliver(findings: Findings) -> None:
        # State is not kept before what it stands for is told: else that would never be told.
        refused = await publisher.publish(findings.outputs)
        if refused:
            refused = await publisher.publish([_smaller(output) for output in refused])
        if refused:
            # To end here would be to end here again at each start: who is owed an answer is answered anew.
            log.error("the brokers refuse recommendations as too large", topic=refused[0].topic, refused=len(refused))
        refused = await publisher.publish(findings.states)
        if refused:
            raise StateTooLargeError(
                f"the brokers refuse {len(refused)} records of {refused[0].topic} as too large: raise its "
                "max.message.bytes"
            )
        _count(findings, metrics)

    def acknowledge(events: Sequence[Any], _: Findings) -> None:
        for event in events:
            event.ack()

    line: CheckpointedLine[Any, Findings] = CheckpointedLine(
        _Work(readership),
        deliver,
        acknowledge,
        on_fatal,
        executor=executor,
        batch_max=_BATCH,
        is_ready=is_ready,
    )
    line.bound(_MOST, lambda back: app.hold_back(topic, back=back))
    events = app.topic(topic, key_type=bytes, value_type=bytes)

    @app.agent(events, name="recommend")
    async def recommend(stream: Any) -> None:  # noqa: ANN401  Faust has no types
        async for event in stream.noack().events():
            line.put(event, event.message.partition, time.time())

    return line


def _smaller(output: Output) -> Output:
    """A recommendation that the brokers refused, without titles."""
    return replace(output, value=encode(without_titles(_recommendation.decode(output.value or b""))))


def _count(findings: Findings, metrics: RecommendMetrics) -> None:
    for action, count in findings.behaviors.items():
        metrics.behaviors.labels(action).inc(count)
    for (cause, cold), count in findings.recommended.items():
        metrics.recommendations.labels(cause, str(cold).lower()).inc(count)
    for found, count in findings.lookups.items():
        metrics.lookups.labels(found).inc(count)
    for seconds in findings.seconds:
        metrics.seconds.observe(seconds)
    metrics.repeats.inc(findings.repeats)
    metrics.unknown.inc(findings.unknown)
    metrics.unreadable.inc(findings.unreadable)
    metrics.state_bytes.inc(sum(len(state.key) + len(state.value or b"") for state in findings.states))
