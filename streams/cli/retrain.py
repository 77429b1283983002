"""``tocsin retrain``: make a better model out of labels, now or whenever it is time, and see what became of it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, get_args
from uuid import uuid4

import typer
from rich.markup import escape
from rich.table import Table

from exporters.http import Probe, ProbeServer
from exporters.retrain_metrics import RetrainMetrics
from models.manifest import VersionError
from retrain.learner import Learner
from streams.brokers.ready import wait_until_ready
from streams.cli import common, desk
from streams.cli.learners import EXTRA, learner_of, learners, told, train_extra
from streams.cli.reach import require_topics
from streams.cli.stages import Stages, bars
from streams.cli.stopping import Stop
from streams.cli.watching import printable
from streams.contract.logs import configure_logging
from streams.contract.model_records import ModelEvent, ModelEventKind, RetrainRequest
from streams.contract.settings import Settings
from streams.contract.topics import model_events_topic, retrain_requests_topic

app = typer.Typer(help="Make a better model out of labels, and see what became of it.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Why, in words.", show_default=False)]
Model = Annotated[
    str | None, typer.Option(help="Name of the model: encoder, generator or ranker; the encoder's where absent.")
]

_BROKER_TIMEOUT_SECONDS = 60.0


@app.command()
def run(
    by: desk.By = None,
    reason: Reason = "",
    model: Model = None,
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Train a candidate here and now, judge it, and let it serve if it is better; a rejection is no failure.

    Example: `tocsin retrain run --reason "new slang of the week"`
    """
    settings = common.settings()
    learner = learner_of(settings, model)
    request = _request(learner.name, desk.speaker(by), reason)
    require_topics(settings.kafka, told(learner))
    with train_extra():
        from retrain.lock import BusyError  # noqa: PLC0415  a worker's install lacks what it needs
    with bars() as progress:
        # Within, so that a line of the log does not run into a bar.
        configure_logging(settings.log)
        try:
            record = learner.job(settings, Stages(progress).move).run(request)
        except (BusyError, VersionError) as error:
            raise common.CommandError(str(error)) from error
    if as_json:
        common.print_json(record)
    else:
        candidate = "no version" if record.version is None else f"{learner.name}:{record.version}"
        common.say(f"{candidate}: {record.outcome}")
        if record.attempt > 1:
            common.say("  It went on with a run that was killed, on the data of then: what came since is not in it.")
        for one in record.reasons:
            common.say(f"  {one}")
    if record.outcome == "failed":
        raise typer.Exit(common.FAILED)


@app.command()
def now(by: desk.By = None, reason: Reason = "", model: Model = None, *, as_json: desk.AsJson = False) -> None:
    """Ask for a run, wherever the schedule is; `tocsin retrain history` shows what becomes of it.

    Example: `tocsin --bootstrap-servers kafka:9092 retrain now --reason "500 labels from the desk"`
    """
    settings = common.settings()
    request = _request(learner_of(settings, model).name, desk.speaker(by), reason)
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
    with train_extra():
        from retrain.scheduler import Scheduler  # noqa: PLC0415  a worker's install lacks what it needs
        from retrain.supervised import settle, start  # noqa: PLC0415  likewise
    trained = _trainable(settings)
    # It may start before its broker, as under docker compose.
    wait_until_ready(settings.kafka, timeout=_BROKER_TIMEOUT_SECONDS)
    require_topics(settings.kafka, told(learner_of(settings, None)))
    metrics = RetrainMetrics()
    scheduler = Scheduler(trained, start, settle, metrics)
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


def _trainable(settings: Settings) -> list[Learner]:
    """The models whose runs have here what they need.

    Raises:
        CommandError: The encoder's have not, and the settings call for such runs: every one of them would fail.
    """
    found = []
    for learner in learners(settings).values():
        missing = " and ".join(learner.missing)
        if not missing:
            found.append(learner)
        elif learner.name == settings.model.name and learner.runs_by_itself:
            raise common.CommandError(
                f"retrain.method = {settings.retrain.method} needs {missing}, which is not installed: {EXTRA}"
            )
        else:
            common.say(f"{learner.name} is not trained here: {missing} is not installed: {EXTRA}", common.err)
    return found


@app.command()
def history(
    kind: Annotated[list[str] | None, typer.Option(help="Only events of this kind; may be given again.")] = None,
    model: Model = None,
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
    name = learner_of(settings, model).name
    events = _events(settings, name, kind or known)[-limit:]
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
        raise common.CommandError(f"nothing has happened to {name} yet", common.NOT_FOUND)


def _events(settings: Settings, name: str, kinds: tuple[str, ...] | list[str]) -> list[ModelEvent]:
    """Events of a model, each once, in order."""
    records = desk.read_records(settings, model_events_topic(settings.topics), ModelEvent)
    events = {
        event.id: event for _, event in records if event is not None and event.model == name and event.kind in kinds
    }
    return list(events.values())


def _request(model: str, by: str, reason: str) -> RetrainRequest:
    return RetrainRequest(id=uuid4().hex, model=model, time=datetime.now(UTC), by=by, reason=reason)
