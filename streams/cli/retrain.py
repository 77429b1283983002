"""``tocsin retrain``: make a better model out of labels, now or whenever it is time, and see what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, get_args
from uuid import uuid4

import typer
from rich.markup import escape
from rich.table import Table

from exporters.http import Probe, ProbeServer
from exporters.retrain_metrics import RetrainMetrics
from models.manifest import VersionError
from streams.brokers.ready import wait_until_ready
from streams.cli import common, desk
from streams.cli.reach import require_topics
from streams.cli.stages import Stages, bars
from streams.cli.stopping import Stop
from streams.cli.watching import printable
from streams.contract.domain import load_domain
from streams.contract.logs import configure_logging
from streams.contract.model_records import ModelEvent, ModelEventKind, RetrainRequest
from streams.contract.settings import Settings
from streams.contract.topics import (
    documents_topic,
    labels_topic,
    model_events_topic,
    model_pointers_topic,
    retrain_requests_topic,
)
from streams.logic.replies.check import check
from streams.logic.replies.verdicts import Rules

if TYPE_CHECKING:
    from retrain.job import Job

app = typer.Typer(help="Make a better model out of labels, and see what became of it.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Why, in words.", show_default=False)]

_BROKER_TIMEOUT_SECONDS = 60.0
_EXTRA = (
    "`pip install 'tocsin[train]'` brings what training needs; `tocsin[retrain]`, which is small, is enough for "
    "retrain.method = heads"
)


@app.command()
def run(
    by: desk.By = None,
    reason: Reason = "",
    model: Annotated[
        str | None, typer.Option(help="Name of the encoder or of the generator; the encoder's where absent.")
    ] = None,
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Train a candidate here and now, judge it, and let it serve if it is better; a rejection is no failure.

    Example: `tocsin retrain run --reason "new slang of the week"`
    """
    settings = common.settings()
    name = settings.model.name if model is None else model
    known = (settings.model.name, settings.generator.name)
    if name not in known:
        raise common.CommandError(f"no model {name} is trained: one of {', '.join(known)}", 2)
    is_generator = name == settings.generator.name
    request = _request(settings, desk.speaker(by), reason, name)
    require_topics(settings.kafka, [*_told(settings), *([documents_topic(settings.topics)] if is_generator else [])])
    with _train_extra():
        from retrain.lock import BusyError  # noqa: PLC0415  a worker's install lacks what it needs
    with bars() as progress:
        # Within, so that a line of the log does not run into a bar.
        configure_logging(settings.log)
        try:
            record = _job(settings, Stages(progress).move, is_generator=is_generator).run(request)
        except (BusyError, VersionError) as error:
            raise common.CommandError(str(error)) from error
    if as_json:
        common.print_json(record)
    else:
        candidate = "no version" if record.version is None else f"{name}:{record.version}"
        common.say(f"{candidate}: {record.outcome}")
        for one in record.reasons:
            common.say(f"  {one}")
    if record.outcome == "failed":
        raise typer.Exit(common.FAILED)


@app.command()
def now(by: desk.By = None, reason: Reason = "", *, as_json: desk.AsJson = False) -> None:
    """Ask for a run, wherever the schedule is; `tocsin retrain history` shows what becomes of it.

    Example: `tocsin --bootstrap-servers kafka:9092 retrain now --reason "500 labels from the desk"`
    """
    settings = common.settings()
    request = _request(settings, desk.speaker(by), reason)
    desk.put(settings, retrain_requests_topic(settings.topics), request.model, request)
    if as_json:
        common.print_json(request)
    else:
        common.say(f"a run is asked for: {request.id}")


@app.command()
def schedule(
    port: Annotated[
        int | None, typer.Option(help="Port of /metrics; 0 takes a free one; over the settings.", show_default=False)
    ] = None,
) -> None:
    """Wait until stopped for what calls for a run (cron, new labels, drift, `retrain now`), and run it.

    Example: `tocsin --bootstrap-servers kafka:9092 retrain schedule --port 9466`
    """
    common.flags.set("retrain", port=port)
    settings = common.settings()
    configure_logging(settings.log)
    with _train_extra():
        from retrain.scheduler import Scheduler  # noqa: PLC0415  a worker's install lacks what it needs
        from retrain.supervised import settle, start  # noqa: PLC0415  likewise
    # It may start before its broker, as under docker compose.
    wait_until_ready(settings.kafka, timeout=_BROKER_TIMEOUT_SECONDS)
    require_topics(settings.kafka, _told(settings))
    metrics = RetrainMetrics()
    scheduler = Scheduler(settings, partial(start, settings), partial(settle, settings), metrics)
    try:
        server = ProbeServer(
            settings.metrics.host,
            settings.retrain.port,
            metrics.registry,
            health=lambda: Probe(scheduler.is_alive, {"schedule": "moves" if scheduler.is_alive else "does not move"}),
            ready=lambda: Probe(scheduler.problem is None, {"topics": scheduler.problem or "followed"}),
            setting="retrain.port",
        )
    except OSError as error:
        raise common.CommandError(str(error.strerror)) from error
    with server, Stop().on_signals() as stop:
        common.say(f"metrics: {server.url}/metrics", common.err)
        pause = threading.Event()

        def stopped(seconds: float) -> bool:
            stop.wait_for(partial(pause.wait, seconds))
            return stop.requested

        scheduler.run(stopped)


@app.command()
def history(
    kind: Annotated[list[str] | None, typer.Option(help="Only events of this kind; may be given again.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the latest.")] = 50,
    *,
    as_json: desk.AsJsonLines = False,
) -> None:
    """Show what became of runs and versions, the latest last.

    Example: `tocsin retrain history --kind promoted --kind rejected --json | jq .reasons`
    """
    known = get_args(ModelEventKind)
    if unknown := sorted(set(kind or ()) - set(known)):
        raise common.CommandError(f"no kind {', '.join(unknown)}: one of {', '.join(known)}", 2)
    settings = common.settings()
    events = _events(settings, kind or known)[-limit:]
    if as_json:
        common.print_json_lines(events)
    elif events:
        table = Table("time (UTC)", "event", "version", "before", "by", "why")
        for event in events:
            versions = ("" if number is None else str(number) for number in (event.version, event.previous))
            cells = (desk.moment(event.time), event.kind, *versions, event.by, " ".join(event.reasons))
            table.add_row(*(escape(printable(cell)) for cell in cells))
        common.out.print(table)
    if not events:
        raise common.CommandError(f"nothing has happened to {settings.model.name} yet", common.NOT_FOUND)


def _events(settings: Settings, kinds: tuple[str, ...] | list[str]) -> list[ModelEvent]:
    """Events of the served model, each once, in order."""
    records = desk.read_records(settings, model_events_topic(settings.topics), ModelEvent)
    events = {
        event.id: event
        for _, event in records
        if event is not None and event.model == settings.model.name and event.kind in kinds
    }
    return list(events.values())


def _job(settings: Settings, tell: Callable[[str, int, int], None], *, is_generator: bool) -> Job[Any, Any, Any]:
    with _train_extra():
        if not is_generator:
            from retrain.steps import job  # noqa: PLC0415  a worker's install lacks what it needs

            return job(settings, tell)
        from retrain.generator.steps import job as generator_job  # noqa: PLC0415  likewise
    names = Rules.of(load_domain(settings.domain), settings.replies).names

    def refuses(text: str, *, evidence: Sequence[str], message: str) -> bool:
        return bool(check(text, evidence=evidence, message=message, names=names))

    return generator_job(settings, tell, refuses)


def _request(settings: Settings, by: str, reason: str, model: str | None = None) -> RetrainRequest:
    name = settings.model.name if model is None else model
    return RetrainRequest(id=uuid4().hex, model=name, time=datetime.now(UTC), by=by, reason=reason)


def _told(settings: Settings) -> list[str]:
    """Topics that a run reads and writes."""
    topics = settings.topics
    return [
        labels_topic(topics),
        retrain_requests_topic(topics),
        model_pointers_topic(topics),
        model_events_topic(topics),
    ]


@contextmanager
def _train_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise common.CommandError(f"{error.name} is not installed: {_EXTRA}") from error
