"""``tocsin``: the command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

from streams.brokers.errors import BrokerError
from streams.cli import (
    alerts,
    answers,
    broker,
    common,
    config,
    dead_letters,
    demo,
    desk_page,
    doctor,
    domain,
    feed,
    generator,
    labels,
    lag,
    models,
    promotion,
    ranker,
    recommend,
    replies,
    retrain,
    schema,
    signing,
    silence,
    topics,
    trends,
    watch,
    watchlist,
    worker,
)
from streams.contract.credentials import hide_credentials
from streams.contract.domain import DomainError
from streams.contract.settings import SettingsError

app = typer.Typer(
    name="tocsin",
    help="Listen to a domain's live messages on Kafka, read each with a model, and tell what matters.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def _root(
    bootstrap_servers: Annotated[
        str | None, typer.Option(help="Kafka brokers, host:port,...; over the settings.", show_default=False)
    ] = None,
    domain: Annotated[str | None, typer.Option(help="Domain name or folder; over the settings.")] = None,
) -> None:
    common.flags.sections.clear()
    common.flags.set("kafka", bootstrap_servers=bootstrap_servers)
    if domain is not None:
        common.flags.sections["domain"] = domain


app.command()(broker.broker)
app.command()(worker.worker)
app.add_typer(topics.app, name="topics")
app.command()(feed.feed)
app.command()(watch.watch)
app.add_typer(alerts.app, name="alerts")
app.command()(trends.trends)
app.add_typer(silence.app, name="silence")
app.add_typer(watchlist.app, name="watchlist")
app.add_typer(replies.app, name="replies")
app.command()(recommend.recommend)
app.add_typer(ranker.app, name="ranker")
app.command()(lag.lag)
app.command()(lag.exporter)
promotion.add_to(models.app)
signing.add_to(models.app)
app.add_typer(models.app, name="models")
app.add_typer(generator.app, name="generator")
app.add_typer(retrain.app, name="retrain")
app.add_typer(labels.app, name="labels")
app.add_typer(answers.app, name="answers")
app.command("desk")(desk_page.desk_page)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(config.app, name="config")
app.command()(schema.schema)
app.command()(doctor.doctor)
app.add_typer(domain.app, name="domain")
app.command()(demo.demo)


def main() -> None:
    """Run the command line; errors that a person can mend are told in a line, not a traceback."""
    try:
        app()
    except (SettingsError, DomainError, BrokerError, common.CommandError) as error:
        common.err.print(f"[bold red]error:[/] {escape(hide_credentials(str(error)))}", highlight=False, soft_wrap=True)
        sys.exit(getattr(error, "code", common.FAILED))


if __name__ == "__main__":
    main()
