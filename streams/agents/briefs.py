"""briefs: tells the story of each alert that begins to fire, and of its end.

Read from top to bottom: alerts are taken in without ever waiting, the first in line is written by the generator, what
has waited for too long by a template; the briefs are published, and when the brokers have acknowledged them the alerts
are, in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from streams.contract.alerts import Alert
from streams.contract.decoding import JsonDecoder
from streams.contract.topics import alerts_topic
from streams.logic.waiting import WaitingLine
from streams.worker.briefing import Rung
from streams.worker.line import Line
from streams.worker.records import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from exporters.reply_metrics import ReplyMetrics
    from streams.contract.settings import Settings
    from streams.worker.application import Application
    from streams.worker.briefing import Briefing, Briefs
    from streams.worker.publisher import BatchPublisher

# A desk is told by the alert itself; its story may take a moment, and not more.
_PATIENCE_SECONDS = 60.0
_ROOM = 64
_MOST = 4096

log = structlog.get_logger(__name__)

_alert = JsonDecoder(Alert)


def add_briefs(
    app: Application,
    briefing: Briefing,
    publisher: BatchPublisher,
    settings: Settings,
    metrics: ReplyMetrics,
    on_fatal: Callable[[BaseException], None],
    *,
    executor: Executor,
    is_ready: Callable[[], bool],
) -> Line[Rung, Briefs]:
    """Add the briefs agent to the application, and give the line of alerts that wait for it.

    Args:
        app: The application.
        briefing: Does the work.
        publisher: Where briefs go.
        settings: Names of topics.
        metrics: Where it is counted.
        on_fatal: Told what the worker cannot go on with.
        executor: Where the work is done.
        is_ready: Whether it is known if there is a generator.
    """
    topic = alerts_topic(settings.topics)

    async def deliver(briefs: Briefs) -> None:
        refused = await publisher.publish([briefing.output(brief) for brief in briefs.briefs])
        if refused:
            log.error("the brokers refuse briefs as too large", briefs=len(refused))
        for brief in briefs.briefs:
            metrics.briefs.labels(brief.origin, brief.status).inc()
        for kind in briefs.claims:
            metrics.claims.labels(kind).inc()
        for written in briefs.written:
            metrics.generator_seconds.observe(written.seconds)
            metrics.generator_tokens.inc(written.tokens)

    def acknowledge(done: Sequence[Rung], _: Briefs) -> None:
        for rung in done:
            rung.event.ack()

    line: Line[Rung, Briefs] = Line(
        briefing.write,
        deliver,
        acknowledge,
        on_fatal,
        executor=executor,
        waiting=WaitingLine(_ROOM, _PATIENCE_SECONDS),
        batch_max=lambda: 1,
        is_ready=is_ready,
    )
    line.bound(_MOST, lambda back: app.hold_back(topic, back=back))
    alerts = app.topic(topic, key_type=bytes, value_type=bytes)

    @app.agent(alerts, name="briefs")
    async def briefs(stream: Any) -> None:  # noqa: ANN401  Faust has no types
        async for event in stream.noack().events():
            rung = _rung(event)
            line.put(rung, rung.partition, rung.since)

    return line


def _rung(event: Any) -> Rung:  # noqa: ANN401  likewise
    record = as_record(event)
    try:
        alert = _alert.decode(record.value or b"")
    except msgspec.DecodeError as error:
        log.warning("left out: no alert", place=record.place, error=str(error))
        alert = None
    return Rung(event, record.place, record.partition, record.timestamp, alert)
