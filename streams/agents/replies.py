"""replies: answers customers, drafts answers, or hands over to a person.

Read from top to bottom: turns are taken in without ever waiting; of those in line, what has waited for too long goes to
people, and the first of the others are answered; it is looked once more whether a person has come in; then the replies
are published, then the state of their conversations, and when the brokers have acknowledged both, the turns are, in
order. State is thus never older than what is acknowledged.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from streams.contract.decoding import JsonDecoder
from streams.contract.replies import Turn
from streams.contract.topics import turns_topic
from streams.logic.waiting import WaitingLine
from streams.worker.answering import Told
from streams.worker.line import Line
from streams.worker.records import as_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from exporters.reply_metrics import ReplyMetrics
    from streams.contract.replies import Reply
    from streams.contract.settings import Settings
    from streams.worker.answering import Answering, Answers
    from streams.worker.application import Application
    from streams.worker.publisher import BatchPublisher

# Of the line, to the thread that answers; it takes as many of the first as it can answer at once.
_SHOWN = 64
# So many times replies.max_waiting may be taken in during one batch before their topic is fetched no more.
_MOST_TIMES = 4

log = structlog.get_logger(__name__)

_turn = JsonDecoder(Turn)


def add_replies(
    app: Application,
    answering: Answering,
    publisher: BatchPublisher,
    settings: Settings,
    metrics: ReplyMetrics,
    on_fatal: Callable[[BaseException], None],
    *,
    executor: Executor,
    is_ready: Callable[[], bool],
) -> Line[Told, Answers]:
    """Add the replies agent to the application, and give the line of turns that wait for it.

    Args:
        app: The application.
        answering: Does the work.
        publisher: Where replies and state go.
        settings: All of them.
        metrics: Where it is counted.
        on_fatal: Told what the worker cannot go on with.
        executor: Where the work is done.
        is_ready: Whether there is anything to answer from yet.
    """
    topic = turns_topic(settings.topics)
    waiting: WaitingLine[Told] = WaitingLine(settings.replies.max_waiting, settings.replies.deadline_seconds)

    async def deliver(answers: Answers) -> None:
        replies = answering.settle(answers, lambda told: _is_person_in(told, waiting))
        refused = await publisher.publish([answering.output(reply) for reply in replies])
        if refused:
            too_large = {output.value for output in refused}
            places = [place for place, reply in enumerate(replies) if answering.output(reply).value in too_large]
            for place in places:
                replies[place] = answering.without_text(replies[place])
            refused = await publisher.publish([answering.output(replies[place]) for place in places])
        refused += await publisher.publish(answering.states())
        if refused:
            log.error("the brokers refuse records as too large", topics=sorted({output.topic for output in refused}))
        _count(replies, answers, metrics)
        metrics.conversations.set(answering.conversations)

    def acknowledge(done: Sequence[Told], _: Answers) -> None:
        for told in done:
            told.event.ack()

    line: Line[Told, Answers] = Line(
        answering.answer,
        deliver,
        acknowledge,
        on_fatal,
        executor=executor,
        waiting=waiting,
        batch_max=lambda: _SHOWN,
        is_ready=is_ready,
    )
    line.bound(_MOST_TIMES * settings.replies.max_waiting, lambda back: app.hold_back(topic, back=back))
    metrics.waiting.set_function(lambda: line.in_flight)
    turns = app.topic(topic, key_type=bytes, value_type=bytes)

    @app.agent(turns, name="replies")
    async def replies(stream: Any) -> None:  # noqa: ANN401  Faust has no types
        async for event in stream.noack().events():
            told = _told(event)
            line.put(told, told.partition, told.since)

    return line


def _told(event: Any) -> Told:  # noqa: ANN401  likewise
    record = as_record(event)
    try:
        turn = _turn.decode(record.value or b"")
    except msgspec.DecodeError as error:
        log.warning("left out: no turn", place=record.place, error=str(error))
        turn = None
    return Told(event, record.place, record.partition, record.timestamp, turn)


def _is_person_in(told: Told, waiting: WaitingLine[Told]) -> bool:
    """Whether a person has taken over a conversation, by what was taken in meanwhile."""
    is_in = False
    for later in waiting:
        if later.turn is not None and told.turn is not None and later.turn.conversation == told.turn.conversation:
            is_in = later.turn.kind in ("taken_over", "answered") or (is_in and later.turn.kind != "handed_back")
    return is_in


def _count(replies: Sequence[Reply], answers: Answers, metrics: ReplyMetrics) -> None:
    now = time.time()
    for reply, case in zip(replies, answers.cases, strict=True):
        metrics.replies.labels(reply.action, reply.reason).inc()
        metrics.seconds.observe(max(0.0, now - case.told.since))
    metrics.unreadable.inc(answers.unreadable)
    metrics.repeated.inc(answers.repeated)
    for kind in answers.claims:
        metrics.claims.labels(kind).inc()
    # A generator that failed took no time that says anything.
    if answers.written and answers.written[0].seconds:
        metrics.generator_seconds.observe(answers.written[0].seconds)
        metrics.generator_tokens.inc(sum(written.tokens for written in answers.written))
