"""``tocsin broker``: a broker on this machine, in the foreground."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from streams.brokers.admin import create_topics
from streams.brokers.broker import Broker
from streams.brokers.client import admin_client
from streams.brokers.kafka import ApacheKafkaBroker
from streams.brokers.tansu import TansuBroker
from streams.cli import common
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics

_POLL_SECONDS = 0.2


class Engine(StrEnum):
    """Which broker."""

    tansu = "tansu"
    kafka = "kafka"


def broker(
    *,
    engine: Annotated[
        Engine,
        typer.Option(
            help="tansu: embedded, in memory. kafka: Apache Kafka, which keeps its data; needs Java and Maven."
        ),
    ] = Engine.tansu,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 9092,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, help="Data of --engine kafka; .tocsin/kafka-data by default.", show_default=False
        ),
    ] = None,
    topics: Annotated[
        bool, typer.Option("--create-topics/--no-create-topics", help="Create Tocsin's topics once it is ready.")
    ] = True,
) -> None:
    """Run a broker on this machine until it is interrupted.

    Example: `tocsin broker --engine kafka --port 9092`
    """
    if data_dir is not None and engine is Engine.tansu:
        raise common.CommandError("--data-dir is for --engine kafka: tansu keeps everything in memory", code=2)
    settings = common.settings()
    # A supervisor's SIGTERM ends it as Ctrl-C does, at whatever moment it comes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _run(engine, port, data_dir, settings, topics=topics)
    except KeyboardInterrupt:
        common.err.print("the broker has stopped")


def _run(engine: Engine, port: int, data_dir: Path | None, settings: Settings, *, topics: bool) -> None:
    with common.err.status("starting the broker") as status:
        chosen = _make(engine, port, data_dir, settings, on_progress=lambda text: status.update(escape(text)))
        chosen.start()
    with chosen:
        if topics:
            _create_topics(settings, chosen)
        _tell(chosen, topics=topics)
        while chosen.running:
            time.sleep(_POLL_SECONDS)
        raise common.CommandError(f"the broker ended by itself: {chosen.why_it_ended()}")


def _make(
    engine: Engine, port: int, data_dir: Path | None, settings: Settings, on_progress: Callable[[str], None]
) -> Broker:
    if engine is Engine.tansu:
        return TansuBroker(port)
    state = settings.model.cache.parent
    return ApacheKafkaBroker(data_dir or state / "kafka-data", jars=state / "kafka", port=port, on_progress=on_progress)


def _create_topics(settings: Settings, broker: Broker) -> None:
    kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
    with admin_client(kafka) as admin:
        for row in create_topics(admin, all_topics(settings)):
            if row.warning:
                common.err.print(f"[yellow]warning:[/] {escape(row.warning)}", highlight=False)


def _tell(broker: Broker, *, topics: bool) -> None:
    name = "Apache Kafka" if broker.keeps_data else "Tansu"
    lines = [
        f"[bold]{name}[/] listens on [bold]{broker.bootstrap_servers}[/]" + (", with Tocsin's topics" if topics else "")
    ]
    if not broker.keeps_data:
        lines.append("[yellow]It keeps everything in memory: when it stops, every topic and message is gone.[/]")
    if broker.bootstrap_servers != KafkaSettings().bootstrap_servers:
        lines.append(f"Elsewhere: export TOCSIN_KAFKA__BOOTSTRAP_SERVERS={broker.bootstrap_servers}")
    lines.append("Ctrl-C stops it.")
    common.out.print(*lines, sep="\n", highlight=False)
