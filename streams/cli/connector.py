"""``tocsin replies connector``: post what is to be sent to a webhook."""

from __future__ import annotations

from typing import Annotated

import typer
from prometheus_client import CollectorRegistry

from exporters.http import Probe, ProbeServer
from exporters.reply_metrics import WebhookMetrics
from streams.brokers.ready import wait_until_ready
from streams.cli import common
from streams.cli.reach import require_topics
from streams.cli.stopping import Stop
from streams.contract.logs import configure_logging
from streams.contract.topics import dead_letters_topic, replies_topic

_BROKER_TIMEOUT_SECONDS = 60.0


def connector(
    port: Annotated[
        int | None, typer.Option(help="Port of /metrics; 0 takes a free one; over the settings.", show_default=False)
    ] = None,
) -> None:
    """Post each reply with the action `send` to replies.webhook_url, until stopped; start it beside the workers.

    What was posted is committed afterwards: a reply whose post was cut off is posted again, with the same
    `Idempotency-Key`. What is refused, not taken after replies.webhook_attempts, or older than a quarter of an hour is
    a dead letter: `tocsin dead-letters replay --reason webhook_failed` has it posted again.

    Example: `TOCSIN_REPLIES__WEBHOOK_URL=https://support.example/replies tocsin replies connector`
    """
    # Late, so that the command line stays quick for all other commands.
    from streams.worker.connector import Connector  # noqa: PLC0415
    from streams.worker.webhook import OUTCOMES, Webhook  # noqa: PLC0415

    common.flags.set("connector", port=port)
    settings = common.settings()
    configure_logging(settings.log)
    if settings.replies.webhook_secret is None:
        common.say("replies.webhook_secret is not set: posts are not signed", common.err)
    with Webhook(settings.replies) as webhook, Stop().on_signals() as stop:
        wait_until_ready(settings.kafka, timeout=_BROKER_TIMEOUT_SECONDS)
        require_topics(settings.kafka, [replies_topic(settings.topics), dead_letters_topic(settings.topics)])
        registry = CollectorRegistry()
        posting = Connector(settings, webhook, WebhookMetrics(registry, OUTCOMES), lambda: stop.requested)
        try:
            server = ProbeServer(
                settings.metrics.host,
                settings.connector.port,
                registry,
                health=lambda: Probe(ok=True, checks={"server": "answers"}),
                ready=lambda: Probe(posting.is_following, {"replies": "followed" if posting.is_following else "away"}),
                setting="connector.port",
            )
        except OSError as error:
            raise common.CommandError(str(error.strerror)) from error
        with server:
            common.say(f"metrics: {server.url}/metrics", common.err)
            posting.run()
