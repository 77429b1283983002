"""surge: counts what is said of each subject, and rings when it surges.

Read from top to bottom: gather signals, count them and close what is over, publish what is found, then the checkpoint
of what changed, wait for the brokers' acknowledgement of both, acknowledge the signals in order. State is thus never
older than what is acknowledged, and is written once for a batch, not once for a signal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from streams.contract.alerts import LEVELS, Status
from streams.contract.topics import signals_topic
from streams.logic.batcher import Batcher
from streams.logic.surge.telling import ALERT_NAMES
from streams.worker.pipeline import Pipeline
from streams.worker.records import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporters.metrics import WorkerMetrics
    from streams.contract.settings import Settings
    from streams.worker.alertmanager import AlertmanagerPusher
    from streams.worker.application import Application
    from streams.worker.desks import Desks, Findings
    from streams.worker.publisher import BatchPublisher


class StateTooLargeError(RuntimeError):
    """The brokers refuse an alert or a subject's state as too large; the worker must end without acknowledging."""


def add_surge(
    app: Application,
    desks: Desks,
    publisher: BatchPublisher,
    settings: Settings,
    metrics: WorkerMetrics,
    pusher: AlertmanagerPusher | None,
    on_fatal: Callable[[BaseException], None],
) -> Pipeline[Any, Findings]:
    """Add the surge agent to the application, and give the pipeline that carries it.

    Args:
        app: The application.
        desks: The state of every partition that this worker has.
        publisher: Where alerts, trends and checkpoints go.
        settings: All of them.
        metrics: Where it is counted.
        pusher: Told of each alert that was published, and of those that fire in a partition just taken over.
        on_fatal: Told what the worker cannot go on with.
    """
    metrics.prepare_alerts([ALERT_NAMES[kind] for kind in settings.surge.kinds], LEVELS, get_args(Status))
    metrics.prepare_late(settings.topics.inputs)

    def work(events: Sequence[Any]) -> Findings:
        return desks.apply([as_record(event) for event in events])

    async def deliver(findings: Findings) -> None:
        # State is not kept before what it stands for is told: else that would never be told.
        refused = await publisher.publish(findings.outputs) or await publisher.publish(findings.states)
        if refused:
            raise StateTooLargeError(
                f"the brokers refuse {len(refused)} records of {refused[0].topic} as too large: raise its "
                "max.message.bytes"
            )
        if pusher is not None:
            pusher.restore(findings.resumed)
            for alert in findings.due:
                pusher.tell(alert)

    def acknowledge(events: Sequence[Any], findings: Findings) -> None:
        for event in events:
            event.ack()
        _count(findings, desks, metrics)

    pipeline: Pipeline[Any, Findings] = Pipeline(
        work,
        deliver,
        acknowledge,
        on_fatal,
        Batcher(settings.surge.checkpoint_events, settings.surge.checkpoint_seconds),
    )
    signals = app.topic(signals_topic(settings.topics), key_type=bytes, value_type=bytes)

    @app.agent(signals, name="surge")
    async def surge(stream: Any) -> None:  # noqa: ANN401  Faust has no types
        async for event in stream.noack().events():
            await pipeline.put(event)

    return pipeline


def _count(findings: Findings, desks: Desks, metrics: WorkerMetrics) -> None:
    for topic, late in findings.late.items():
        metrics.count_late(topic, late)
    metrics.duplicate_signals.inc(findings.duplicates)
    metrics.crowded_signals.inc(findings.crowded)
    metrics.unreadable_signals.inc(findings.unreadable)
    metrics.verdicts.inc(findings.verdicts)
    metrics.surge_state_bytes.inc(sum(len(state.key) + len(state.value or b"") for state in findings.states))
    for alert in findings.alerts:
        metrics.alerts.labels(alert.labels["alertname"], alert.level, alert.status).inc()
    metrics.show_desks({partition: (desk.closed, desk.subjects) for partition, desk in desks.figures().items()})
