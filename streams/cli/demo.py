"""``tocsin demo``: the main job on this machine alone, to be watched for a minute."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from streams.brokers.admin import create_topics
from streams.brokers.broker import Broker
from streams.brokers.client import admin_client
from streams.brokers.tansu import TansuBroker
from streams.cli import common
from streams.cli.demonstration.closing import AFTERWARDS, meanwhile, tell_next
from streams.cli.demonstration.customers import (
    CustomersSummary,
    hand_in,
    load_answers,
    print_customers,
    read_replies,
)
from streams.cli.demonstration.display import live_screen, plain_lines
from streams.cli.demonstration.lesson import Lesson, load_lesson
from streams.cli.demonstration.page import open_page
from streams.cli.demonstration.play import play
from streams.cli.demonstration.readers import ReaderSummary, load_readership, play_readers, print_readers
from streams.cli.demonstration.screen import Screen
from streams.cli.demonstration.stage import StageWorker, stage_settings, with_borrowed_champion
from streams.cli.demonstration.steps import step_of, tell_done
from streams.cli.demonstration.story import Cue, load_story
from streams.cli.demonstration.summary import Summary, print_summary, summarise
from streams.cli.demonstration.tally import Tally
from streams.cli.demonstration.teaching import Classroom, LessonSummary, print_lesson, summarise_lesson
from streams.cli.models import ensure_champion
from streams.cli.stages import Stages, bars
from streams.cli.stopping import INTERRUPTED, Stop
from streams.contract.domain import Domain, load_domain
from streams.contract.logs import configure_logging
from streams.contract.records import Prediction
from streams.contract.replies import Document
from streams.contract.settings import Settings, TopicsSettings
from streams.contract.subjects import EntityNames
from streams.contract.topics import all_topics
from streams.sources.items import SourceError

_POLL_SECONDS = 0.2
_LAST_LOOK_SECONDS = 1.0


class _StoppedError(Exception):
    """Somebody asked to stop. Raised where nothing is half done, and never by a signal's handler."""


def demo(
    *,
    seconds: Annotated[float, typer.Option(min=1.0, help="How long the messages take to come.")] = 45.0,
    live: Annotated[
        bool, typer.Option("--live/--no-live", help="A live screen where there is a terminal, or plain lines.")
    ] = True,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave broker and worker running afterwards, until Ctrl-C.")
    ] = False,
    teach: Annotated[
        bool,
        typer.Option("--teach/--no-teach", help="Teach the model a new topic afterwards: three minutes more."),
    ] = True,
    replies: Annotated[
        bool,
        typer.Option("--replies/--no-replies", help="Answer customers from the domain's answers, and write briefs."),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Play a sample of messages through a real broker and worker, and show what comes of them.

    Customers are answered from the domain's own answers, or handed to people, and what rang is told in a few sentences.
    Readers of a site are recommended what they may like, with the reasons.
    Then labels of a new topic come in, a better model is made of them, and the worker swaps to it as it runs.

    Makes a first model where there is none. The broker is embedded and keeps nothing; your own Kafka is not touched.
    Ends with 0 only if every message came out once, as a prediction or as a dead letter.

    Example: `tocsin demo --seconds 20 --keep`
    """
    # A handler that raised could do so inside the Kafka client, which would swallow it.
    with Stop().on_signals(hangup=True) as stop:
        try:
            show = _Show(live=live and _is_screen(common.err), keep=keep, teach=teach, replies=replies, as_json=as_json)
            code = _run(stop, seconds, show)
        except (_StoppedError, KeyboardInterrupt):
            common.err.print("stopped")
            code = INTERRUPTED
        except SourceError as error:
            raise common.CommandError(str(error)) from error
    raise typer.Exit(code)


def _is_screen(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal


@dataclass(frozen=True)
class _Show:
    """What is asked for."""

    live: bool
    keep: bool
    teach: bool
    replies: bool
    as_json: bool


def _run(stop: Stop, seconds: float, show: _Show) -> int:
    as_json = show.as_json
    own = _as_asked(common.settings(), show)
    domain = load_domain(own.domain)
    now = datetime.now(UTC)
    story = load_story(domain, TopicsSettings().inputs, seconds, until=now)
    lesson = load_lesson(domain, now) if show.teach else None
    answers = load_answers(domain, now) if show.replies else []
    _prepare_model(own, stop)
    with _stage(own, stop, answers, is_taught=lesson is not None) as stage:
        summary, tally = _perform(story, stage, domain, live=show.live)
        if not as_json:
            print_summary(common.out, summary, tally)
        customers = _look_at_replies(stage, tally) if show.replies and not summary.interrupted else None
        if customers is not None and not as_json:
            print_customers(common.out, customers)
        readers = [] if summary.interrupted else _look_at_readers(domain, stage)
        if readers and not as_json:
            print_readers(common.out, readers)
        learnt = None if lesson is None or summary.interrupted else _teach(lesson, stage)
        if as_json:
            acts = {"replies": customers, "readers": readers, "lesson": learnt}
            common.print_json(msgspec.to_builtins(summary) | msgspec.to_builtins(acts))
        elif learnt is not None:
            print_lesson(common.out, learnt)
        if summary.interrupted:
            return INTERRUPTED
        if show.keep:
            _wait(stage, _most_telling(summary), common.err if as_json else common.out)
        elif not as_json:
            tell_next(AFTERWARDS, common.out)
    is_well = summary.reconciles and (customers is None or customers.reconciles)
    return 0 if is_well and (learnt is None or learnt.outcome != "failed") else common.FAILED


def _as_asked(own: Settings, show: _Show) -> Settings:
    """The user's settings, with what is asked for."""
    replies = own.replies.model_copy(update={"enabled": show.replies, "webhook_url": None, "webhook_secret": None})
    briefs = own.briefs.model_copy(update={"enabled": show.replies})
    return own.model_copy(update={"replies": replies, "briefs": briefs})


def _look_at_replies(stage: _Stage, tally: Tally) -> CustomersSummary:
    alerts = {(alert.fingerprint, alert.startsAt, alert.status) for alert in tally.changes if not alert.past}
    return read_replies(stage.settings, tally.sources["customer"].total(), len(alerts), stage.look_after)


def _look_at_readers(domain: Domain, stage: _Stage) -> list[ReaderSummary]:
    """What readers of the domain's site are recommended; nobody where it has none, or it is switched off."""
    readership = load_readership(domain, datetime.now(UTC)) if stage.settings.recommend.enabled else None
    if readership is None:
        return []
    count = len({behavior.user for behavior in readership.behaviors})
    common.err.print(f"\n{common.some(count, 'reader')} on a site with {common.some(len(readership.items), 'article')}")
    return play_readers(readership, stage.settings, stage.look_after)


def _teach(lesson: Lesson, stage: _Stage) -> LessonSummary:
    """The second act."""
    configure_logging(stage.settings.log)
    classroom = Classroom(lesson, stage.settings, stage.look_after)
    common.err.print(
        f"\nThe desk labels {common.some(len(lesson.labels), 'message')} on a new topic: {escape(lesson.topic)}"
    )
    before = classroom.ask()
    classroom.hand_in()
    started = time.monotonic()
    with bars() as progress:
        record = stage.stop.wait_for(lambda: classroom.train(Stages(progress).move))
    if record is None:
        raise _StoppedError
    trained = time.monotonic()
    after: list[Prediction] = []
    swap_seconds = None
    if record.outcome == "promoted" and record.version is not None:
        classroom.wait_for_swap(record.version)
        swap_seconds = time.monotonic() - trained
        after = classroom.ask()
    return summarise_lesson(
        lesson, record, before, after, training_seconds=trained - started, swap_seconds=swap_seconds
    )


def _prepare_model(settings: Settings, stop: Stop) -> None:
    started = time.monotonic()
    answer = stop.wait_for(lambda: ensure_champion(settings))
    if answer is None:
        raise _StoppedError
    manifest, made = answer
    text = f"Model {manifest.name}:{manifest.version}, {'made from the seed examples' if made else 'made before'}"
    tell_done(text, started)


@dataclass(frozen=True)
class _Stage:
    """What runs for the play."""

    settings: Settings
    broker: Broker
    worker: StageWorker
    stop: Stop

    def look_after(self) -> None:
        """Make sure that the play may go on.

        Raises:
            CommandError: Broker or worker has ended; the message holds its last words.
            _StoppedError: Somebody asked to stop.
        """
        _require_no_stop(self.stop)
        self.worker.require_running()
        if not self.broker.running:
            raise common.CommandError(f"the broker ended by itself: {self.broker.why_it_ended()}")


def _require_no_stop(stop: Stop) -> None:
    if stop.requested:
        raise _StoppedError


@contextmanager
def _stage(own: Settings, stop: Stop, answers: Sequence[Document], *, is_taught: bool) -> Iterator[_Stage]:
    """A broker with the topics and a worker that is ready; both are ended, the worker first."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-demo-")))
        with step_of("Starting the embedded broker") as step:
            broker = stack.enter_context(TansuBroker())
            settings = stage_settings(own, broker.bootstrap_servers, folder)
            if is_taught:
                settings = with_borrowed_champion(settings, folder)
            with admin_client(settings.kafka) as admin:
                topics = create_topics(admin, all_topics(settings))
            step.done = f"Embedded broker on {broker.bootstrap_servers}, with {common.some(len(topics), 'topic')}"
        with step_of("Starting a worker") as step:

            def tell(detail: str) -> None:
                _require_no_stop(stop)
                step.tell(detail)

            worker = stack.enter_context(StageWorker(settings, folder))
            worker.wait_until_ready(tell)

            def look_after() -> None:
                tell(f"it takes in {common.some(len(answers), 'answer')}")
                worker.require_running()

            hand_in(answers, settings, worker.url, look_after)
            known = f" with {common.some(len(answers), 'answer')} to draw from" if answers else ""
            step.done = f"Worker ready{known}, metrics at {worker.url}/metrics"
        open_page(settings, stack)
        yield _Stage(settings, broker, worker, stop)


def _perform(story: Sequence[Cue], stage: _Stage, domain: Domain, *, live: bool) -> tuple[Summary, Tally]:
    """Play, and give the account, also of a play that Ctrl-C broke off."""
    tally = Tally(len(story), EntityNames(domain.entities))
    if live:
        foot = f"metrics {stage.worker.url}/metrics  broker {stage.broker.bootstrap_servers}  Ctrl-C stops"
        screen = Screen(f"Tocsin \u00b7 {escape(domain.title)}", tally, foot)
        shown = live_screen(common.err, screen, last_look=_LAST_LOOK_SECONDS)
    else:
        shown = plain_lines(common.err, tally)
    started = time.monotonic()
    ended = None
    with suppress(_StoppedError), shown as draw:

        def each_turn() -> None:
            stage.look_after()
            draw()

        play(story, stage.settings, tally, each_turn)
        ended = time.monotonic()
    # Who stops while late alerts are waited for, or while the last picture stands, has seen every message answered.
    seconds = (tally.answered_at or ended or time.monotonic()) - started
    return summarise(tally, seconds=seconds, interrupted=not tally.finished and ended is None), tally


def _most_telling(summary: Summary) -> str | None:
    """The subject of the alert with the most messages."""
    return max(summary.alerts, key=lambda alert: alert.observed).subject if summary.alerts else None


def _wait(stage: _Stage, subject: str | None, console: Console) -> None:
    """Leave all as it is until Ctrl-C.

    Args:
        stage: What goes on.
        subject: One that rang, to be looked at and muted; None where none did.
        console: Where it is told.
    """
    tell_next(meanwhile(stage.broker.bootstrap_servers, subject), console)
    console.print("\nBroker and worker go on; Ctrl-C stops them.", highlight=False)
    with suppress(_StoppedError):
        while True:
            stage.look_after()
            time.sleep(_POLL_SECONDS)
