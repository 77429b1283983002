"""``tocsin topics``: create, list and describe topics on any broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from rich.markup import escape
from rich.table import Table

from streams.brokers import admin as brokers
from streams.brokers.client import admin_client
from streams.cli import common
from streams.cli.acls import acls
from streams.contract.settings import Settings
from streams.contract.topics import all_topics

app = typer.Typer(help="Create, list and describe topics.", no_args_is_help=True)
app.command()(acls)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one topic a line, for scripts.")]


@app.command()
def create(*, as_json: AsJson = False) -> None:
    """Create every topic that Tocsin reads or writes, as the settings say; those that exist are left as they are.

    Example: `tocsin --bootstrap-servers kafka-1:9092 topics create`
    """
    settings = common.settings()
    with _admin(settings) as admin:
        outcomes = brokers.create_topics(admin, all_topics(settings))
    if as_json:
        common.print_json_lines(outcomes)
    else:
        table = Table("topic", "", "partitions")
        for row in outcomes:
            table.add_row(row.name, row.outcome, str(row.partitions))
        common.out.print(table)
    for row in outcomes:
        if row.warning:
            common.err.print(f"[yellow]warning:[/] {escape(row.warning)}", highlight=False)


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the topics on the broker, and say which are Tocsin's.

    Example: `tocsin topics list --json | jq -r .name`
    """
    settings = common.settings()
    roles = {spec.name: "input" if spec.is_input else "output" for spec in all_topics(settings)}
    with _admin(settings) as admin:
        topics = brokers.list_topics(admin)
    rows = [
        {
            "name": topic.name,
            "role": roles.get(topic.name),
            "partitions": len(topic.partitions),
            "replication": topic.replication,
        }
        for topic in topics
    ]
    if as_json:
        common.print_json_lines(rows)
        return
    table = Table("topic", "role", "partitions", "replication")
    for row in rows:
        table.add_row(*(str("" if value is None else value) for value in row.values()))
    common.out.print(table)
    missing = sorted(roles.keys() - {topic.name for topic in topics})
    if missing:
        common.err.print(f"missing: {', '.join(missing)}; make them with `tocsin topics create`", highlight=False)


@app.command()
def describe(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[TOPIC]...", help="Topics; Tocsin's own where none is given.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell partitions, leaders and configuration of topics.

    Example: `tocsin topics describe tocsin.predictions`
    """
    settings = common.settings()
    wanted = names or [spec.name for spec in all_topics(settings)]
    with _admin(settings) as admin:
        topics = brokers.describe_topics(admin, wanted)
    if as_json:
        common.print_json_lines(topics)
    else:
        for topic in topics:
            _print_description(topic)
    missing = sorted(set(wanted) - {topic.name for topic in topics})
    if missing:
        raise common.CommandError(
            f"no such topic at {settings.kafka.bootstrap_servers}: {', '.join(missing)}; `tocsin topics list` tells "
            "which there are, `tocsin topics create` makes Tocsin's",
            common.NOT_FOUND,
        )


@contextmanager
def _admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    with admin_client(settings.kafka) as admin:
        try:
            yield admin
        except KafkaError as error:
            raise common.CommandError(f"the broker at {settings.kafka.bootstrap_servers} answered: {error}") from error


def _print_description(topic: brokers.TopicDescription) -> None:
    if topic.config is None:
        config = "not supported by this broker"
    else:
        config = ", ".join(f"{key}={value}" for key, value in topic.config.items()) or "the broker's defaults"
    table = Table(
        "partition",
        "leader",
        "replicas",
        "in sync",
        title=topic.name,
        caption=f"config: {config}",
        title_justify="left",
    )
    for part in topic.partitions:
        leader = "none" if part.leader is None else str(part.leader)
        table.add_row(str(part.partition), leader, _nodes(part.replicas), _nodes(part.in_sync))
    common.out.print(table)


def _nodes(ids: tuple[int, ...]) -> str:
    return ", ".join(str(node) for node in ids)
