"""``tocsin lag`` and ``tocsin exporter``: how far the consumer groups are behind, once or for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import groupby
from threading import Event
from typing import Annotated

import typer
from kafka.errors import KafkaError
from prometheus_client import CollectorRegistry
from rich.markup import escape
from rich.table import Table

from exporters.http import Probe, ProbeServer
from exporters.lag import Clients, Lag, LagError, Measurement, Scope, measure
from exporters.lag_metrics import LagCollector
from streams.brokers.client import admin_client, consumer
from streams.cli import common
from streams.cli.stopping import Stop
from streams.contract.logs import configure_logging
from streams.contract.settings import Settings
from streams.contract.topics import all_topics

Group = Annotated[
    list[str] | None, typer.Option("--group", help="A further consumer group; may be given again.", show_default=False)
]


def lag(
    group: Group = None,
    *,
    partitions: Annotated[bool, typer.Option("--partitions", help="A row for each partition, not each topic.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one partition a line, for scripts.")] = False,
) -> None:
    """Show how far each consumer group is behind on Tocsin's topics: messages, and the age of the oldest one unread.

    Example: `tocsin lag --group my-dashboards --json | jq 'select(.messages > 0)'`
    """
    settings = _settings(group)
    try:
        measurement = _measure(settings)
    except (KafkaError, LagError) as error:
        raise common.CommandError(f"{settings.kafka.bootstrap_servers}: {error}") from error
    if as_json:
        common.print_json_lines(measurement.lags)
    else:
        common.out.print(_table(measurement.lags, by_partition=partitions))
    members = ", ".join(f"{name} {count}" for name, count in measurement.members.items())
    common.say(f"members: {members}", common.err)
    if not measurement.lags:
        raise common.CommandError("none of these groups reads Tocsin's topics here", common.NOT_FOUND)


def exporter(
    port: Annotated[
        int | None, typer.Option(help="Port of /metrics; 0 takes a free one; over the settings.", show_default=False)
    ] = None,
    group: Group = None,
) -> None:
    """Serve the lag of the consumer groups to Prometheus until stopped; brokers that are away are told, not died of.

    Example: `tocsin --bootstrap-servers kafka:9092 exporter --port 9465`
    """
    common.flags.set("exporter", port=port)
    settings = _settings(group)
    configure_logging(settings.log)
    collector = LagCollector(partial(_measure, settings))
    registry = CollectorRegistry()
    registry.register(collector)

    def ready() -> Probe:
        return Probe(collector.problem is None, {"latest measurement": collector.problem or "complete"})

    try:
        server = ProbeServer(
            settings.exporter.host,
            settings.exporter.port,
            registry,
            health=lambda: Probe(ok=True, checks={"server": "answers"}),
            ready=ready,
            setting="exporter.port",
        )
    except OSError as error:
        raise common.CommandError(str(error.strerror)) from error
    with server, Stop().on_signals() as stop:
        common.say(f"metrics: {server.url}/metrics", common.err)
        stop.wait_for(Event().wait)


def _settings(group: list[str] | None) -> Settings:
    if group:
        common.flags.set("exporter", groups=(*common.settings().exporter.groups, *group))
    return common.settings()


def _measure(settings: Settings) -> Measurement:
    timeout = settings.exporter.timeout_seconds
    # A single request may not take longer than the whole measurement.
    limit = min(timeout, settings.kafka.request_timeout_seconds)
    kafka = settings.kafka.model_copy(update={"request_timeout_seconds": limit})
    clients = Clients(admin=partial(admin_client, kafka, timeout=timeout), consumer=partial(consumer, kafka))
    scope = Scope(
        topics=[spec.name for spec in all_topics(settings)],
        group=settings.kafka.group_id,
        inputs=list(settings.topics.inputs),
        others=settings.exporter.groups,
    )
    return measure(clients, scope, timeout)


def _table(lags: Iterable[Lag], *, by_partition: bool) -> Table:
    if by_partition:
        table = Table("group", "topic", "partition", "committed", "end", "lag", "oldest unread")
        for row in lags:
            committed = "never" if row.committed is None else str(row.committed)
            cells = (str(row.partition), committed, str(row.end), str(row.messages), _age(row.seconds))
            table.add_row(escape(row.group), escape(row.topic), *cells)
        return table
    table = Table("group", "topic", "partitions", "lag", "oldest unread")
    for (group, topic), rows in groupby(lags, key=lambda row: (row.group, row.topic)):
        members = list(rows)
        messages, seconds = sum(row.messages for row in members), max(row.seconds for row in members)
        table.add_row(escape(group), escape(topic), str(len(members)), str(messages), _age(seconds))
    return table


def _age(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds else ""
