"""The demonstration's second act: labels come in, a better model is made of them, and the worker swaps to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retrain.label_topic import send_label
from retrain.run_record import RunRecord
from streams.brokers import client
from streams.brokers.delivery import Delivery
from streams.brokers.following import Follower
from streams.cli.common import CommandError, some
from streams.cli.demonstration.lesson import LABELLER, Lesson
from streams.cli.watching import printable
from streams.contract.model_records import ModelEvent, RetrainRequest
from streams.contract.records import Prediction
from streams.contract.settings import Settings
from streams.contract.topics import kept_in_place, labels_topic, model_events_topic, predictions_topic

_POLL_SECONDS = 0.1
_SEND_SECONDS = 20.0
_ANSWER_SECONDS = 30.0
_SWAP_SECONDS = 60.0
_TEXT_CHARS = 76

_prediction = msgspec.json.Decoder(Prediction)
_event = msgspec.json.Decoder(ModelEvent)


class Answer(msgspec.Struct, frozen=True):
    """One text, as it was read before the lesson and after it."""

    text: str
    before: list[str]
    after: list[str]


class LessonSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the lesson."""

    topic: str
    labels: int
    outcome: str | None
    """Of the training run: promoted, rejected or failed."""
    reasons: list[str]
    before: str
    """Name and version of the model that answered before."""
    after: str | None
    """And after; None where no other came to serve."""
    training_seconds: float
    swap_seconds: float | None
    """From the end of the run, which moved the pointer, to the worker's word that it answers with the new version."""
    answers: list[Answer]


class Classroom:
    """Teaches a running worker.

    Args:
        lesson: What.
        settings: Where the broker and the registry are.
        each_turn: Called some times a second while something is waited for; what it raises ends the lesson.
    """

    def __init__(self, lesson: Lesson, settings: Settings, each_turn: Callable[[], None]) -> None:
        self._lesson = lesson
        self._settings = settings
        self._each_turn = each_turn

    def hand_in(self) -> None:
        """Publish the labels.

        Raises:
            CommandError: The broker does not take them.
        """
        with client.producer(self._settings.kafka) as producer:
            topic = labels_topic(self._settings.topics)
            delivery = Delivery(producer, topic, spread=kept_in_place(self._settings).get(topic))
            for number, label in enumerate(self._lesson.labels):
                send_label(delivery, f"label {number}", label, position=number)
            if not delivery.flush(_SEND_SECONDS) or delivery.failed:
                raise CommandError(f"the labels were not taken: {delivery.problem or 'no answer in time'}")

    def ask(self) -> list[Prediction]:
        """Let the worker read the probes, and give its answers in their order.

        Raises:
            CommandError: It does not answer in time.
        """
        settings, probes = self._settings, self._lesson.probes
        ids = [f"probe-{uuid4().hex}" for _ in probes]
        found: dict[str, Prediction] = {}
        with self._following(predictions_topic(settings.topics)) as records:
            with client.producer(settings.kafka) as producer:
                delivery = Delivery(producer, _input(settings))
                for number, (id_, text) in enumerate(zip(ids, probes, strict=True)):
                    message = {"id": id_, "text": text, "time": datetime.now(UTC), "source": "demo"}
                    delivery.send(f"probe {number}", id_, msgspec.json.encode(message), position=number)
                delivery.flush(_SEND_SECONDS)
            for value in records(_ANSWER_SECONDS, "an answer"):
                prediction = _prediction.decode(value)
                if prediction.message_id in ids:
                    found[prediction.message_id] = prediction
                if len(found) == len(ids):
                    return [found[id_] for id_ in ids]
        raise AssertionError("unreachable: records end by raising")

    def train(self, tell: Callable[[str, int, int], None]) -> RunRecord:
        """Make a candidate of the labels and the seed, judge it, and promote it if it is better.

        Args:
            tell: Told of a stage's name, and how much of it is done, of how much.
        """
        # Late, so that the command line stays quick for all other commands.
        from retrain.steps import job  # noqa: PLC0415

        model = self._settings.model.name
        reason = f"the topic {self._lesson.topic} is new"
        request = RetrainRequest(id=uuid4().hex, model=model, time=datetime.now(UTC), by=LABELLER, reason=reason)
        return job(self._settings, tell).run(request)

    def wait_for_swap(self, version: int) -> None:
        """Wait until the worker says that it answers with a version.

        Raises:
            CommandError: It does not in time.
        """
        with self._following(model_events_topic(self._settings.topics), from_beginning=True) as records:
            for value in records(_SWAP_SECONDS, f"the worker's swap to version {version}"):
                event = _event.decode(value)
                if event.version == version and event.kind == "swapped":
                    return
                if event.version == version and event.kind == "swap_failed":
                    raise CommandError(f"the worker could not swap to version {version}: {' '.join(event.reasons)}")

    @contextmanager
    def _following(
        self, topic: str, *, from_beginning: bool = False
    ) -> Iterator[Callable[[float, str], Iterator[bytes]]]:
        with Follower(self._settings.kafka, [topic], from_beginning=from_beginning) as follower:

            def records(within: float, what: str) -> Iterator[bytes]:
                deadline = time.monotonic() + within
                while time.monotonic() < deadline:
                    for record in follower.poll(_POLL_SECONDS):
                        yield record.value
                    self._each_turn()
                raise CommandError(f"{what} did not come within {within:g} s")

            yield records


def summarise_lesson(
    lesson: Lesson,
    record: RunRecord,
    before: Sequence[Prediction],
    after: Sequence[Prediction],
    *,
    training_seconds: float,
    swap_seconds: float | None,
) -> LessonSummary:
    """The account of a lesson.

    Args:
        lesson: What was taught.
        record: Of the training run.
        before: Answers to the probes before it.
        after: Answers after the swap; empty where there was none.
        training_seconds: How long the run took.
        swap_seconds: How long the worker took to swap.
    """
    return LessonSummary(
        topic=lesson.topic,
        labels=len(lesson.labels),
        outcome=record.outcome,
        reasons=list(record.reasons),
        before=before[0].model,
        after=after[0].model if after else None,
        training_seconds=round(training_seconds, 1),
        swap_seconds=None if swap_seconds is None else round(swap_seconds, 2),
        answers=[
            Answer(text, old.topics, new.topics)
            for text, old, new in zip(lesson.probes, before, after or before, strict=True)
        ],
    )


def print_lesson(console: Console, summary: LessonSummary) -> None:
    """Show what came of it."""
    console.print(
        f"\n[bold]A lesson[/]: {some(summary.labels, 'label')} of a topic without a name, {escape(summary.topic)}; "
        f"a candidate in {summary.training_seconds:.0f} s: [bold]{summary.outcome}[/]",
        highlight=False,
    )
    for reason in summary.reasons:
        console.print(f"  {escape(reason)}", highlight=False, style="dim")
    if summary.after is None:
        return
    console.print(
        f"The worker swapped from {summary.before} to {summary.after} in {summary.swap_seconds:.1f} s, between two "
        "batches.\n",
        highlight=False,
    )
    table = Table("the same text", summary.before, summary.after, box=None, padding=(0, 2, 0, 0))
    for answer in summary.answers:
        text, before, after = printable(answer.text)[:_TEXT_CHARS], ", ".join(answer.before), ", ".join(answer.after)
        table.add_row(escape(text), escape(before), f"[bold]{escape(after)}[/]")
    console.print(table)


def _input(settings: Settings) -> str:
    return next(topic for topic, kind in settings.topics.inputs.items() if kind == "news")
