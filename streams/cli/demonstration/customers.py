"""The demonstration's customers: what is done about their messages, and what is told of what rang."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import httpx
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.brokers import client
from streams.brokers.following import Follower
from streams.cli.common import CommandError, some
from streams.cli.watching import ACTION_COLOURS, printable
from streams.contract.domain import Domain
from streams.contract.masking import mask
from streams.contract.records import encode
from streams.contract.replies import Brief, Document, Reply, ReplyAction
from streams.contract.settings import Settings
from streams.contract.topics import briefs_topic, documents_topic, replies_topic
from streams.sources.answers.items import Taken
from streams.sources.answers.making import DocumentMaker
from streams.sources.answers.reading import files_of, guess_format, read_answers

_ACTIONS: tuple[ReplyAction, ...] = ("send", "review", "handoff")
_EXAMPLES = 3
_PATIENCE_SECONDS = 60.0
_SILENCE_SECONDS = 10.0
_POLL_SECONDS = 0.2
_DOCUMENTS = re.compile(r"^tocsin_documents (\S+)", re.MULTILINE)
_EXAMPLE_CHARS = 200

_reply = msgspec.json.Decoder(Reply)
_brief = msgspec.json.Decoder(Brief)


class CustomersSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was done about customers' messages. It reconciles where each has one reply."""

    messages: int
    actions: dict[str, int]
    reasons: dict[str, int]
    """Of what was not sent."""
    reconciles: bool
    examples: list[Reply]
    briefs: list[Brief]


def load_answers(domain: Domain, now: datetime) -> list[Document]:
    """The domain's own answers; none where it has none."""
    if not domain.answers_files:
        return []
    documents = []
    for file, name in files_of(domain.folder / "answers"):
        maker = DocumentMaker(
            name, time=now, language=domain.language, intents=domain.intent_names, topics=domain.topic_names
        )
        items = read_answers(guess_format(name), file.read_text("utf-8"), maker)
        documents += [item.document for item in items if isinstance(item, Taken)]
    return documents


def hand_in(documents: Sequence[Document], settings: Settings, url: str, each_turn: Callable[[], None]) -> None:
    """Publish answers, and return once the worker can find them.

    Args:
        documents: What replies may be drawn from.
        settings: Where the broker is.
        url: Of the worker's metrics.
        each_turn: Called while the worker is waited for; raises where there is no sense in that.

    Raises:
        CommandError: The worker does not find them in time.
    """
    if not documents:
        return
    with client.producer(settings.kafka) as producer:
        for document in documents:
            producer.send(documents_topic(settings.topics), key=document.id.encode(), value=encode(document))
        producer.flush()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # Loopback: a proxy that the environment names is not asked.
    with httpx.Client(trust_env=False) as probe:
        while _known(probe, url) < len(documents):
            each_turn()
            time.sleep(_POLL_SECONDS)
            if time.monotonic() > deadline:
                raise CommandError(
                    f"the worker knew not all of {some(len(documents), 'answer')} after {_PATIENCE_SECONDS:g} s"
                )


def _known(probe: httpx.Client, url: str) -> float:
    """How many documents the worker can find."""
    try:
        found = _DOCUMENTS.search(probe.get(f"{url}/metrics").text)
    except httpx.TransportError:
        return 0.0
    return float(found[1]) if found is not None else 0.0


def read_replies(settings: Settings, messages: int, alerts: int, each_turn: Callable[[], None]) -> CustomersSummary:
    """What was done about so many messages of customers, and what was told of so many alerts, once all of it is there.

    Args:
        settings: Where the broker is.
        messages: How many customers' messages were read.
        alerts: How many changes of alerts there were.
        each_turn: Called while the worker is waited for; raises where there is no sense in that.
    """
    topics = [replies_topic(settings.topics), briefs_topic(settings.topics)]
    replies: dict[str, Reply] = {}
    briefs: dict[str, Brief] = {}
    last = time.monotonic()
    with Follower(settings.kafka, topics, from_beginning=True) as follower:
        while len(replies) < messages or len(briefs) < alerts:
            each_turn()
            for record in follower.poll(_POLL_SECONDS):
                last = time.monotonic()
                if record.topic == topics[0]:
                    reply = _reply.decode(record.value or b"")
                    replies[reply.id] = reply
                else:
                    brief = _brief.decode(record.value or b"")
                    briefs[brief.id] = brief
            if time.monotonic() - last > _SILENCE_SECONDS:
                break
    return _summary(list(replies.values()), list(briefs.values()), messages)


def print_customers(console: Console, summary: CustomersSummary) -> None:
    """Print it for people; texts are masked."""
    told = ", ".join(f"{summary.actions.get(action, 0)} {action}" for action in _ACTIONS)
    colour = "green" if summary.reconciles else "red"
    console.print(
        f"\n[bold {colour}]Replies[/] to {some(summary.messages, 'message')} of customers: {told}", highlight=False
    )
    reasons = ", ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in summary.reasons.items())
    console.print(Text(f"not sent by itself: {reasons}", "dim"))
    grid = Table.grid(padding=(0, 2))
    for reply in summary.examples:
        grid.add_row(Text(reply.action, ACTION_COLOURS[reply.action]), Text(f"\u201c{_short(reply.question)}\u201d"))
        grid.add_row("", Text(_short(reply.text) if reply.text else printable(reply.detail), "dim"))
    console.print(grid)
    for brief in summary.briefs:
        console.print(f"\n[bold]Brief[/], {brief.status}", highlight=False)
        console.print(Text(printable(mask(brief.text, handles=True))))


def _summary(replies: Sequence[Reply], briefs: Sequence[Brief], messages: int) -> CustomersSummary:
    actions = Counter(reply.action for reply in replies)
    ids = Counter(reply.message_id for reply in replies)
    return CustomersSummary(
        messages=messages,
        actions={action: actions[action] for action in _ACTIONS},
        reasons=dict(Counter(reply.reason for reply in replies if reply.action != "send").most_common()),
        reconciles=len(ids) == len(replies) == messages,
        examples=[
            max(mine, key=lambda reply: reply.confidence)
            for action in _ACTIONS
            if (mine := [reply for reply in replies if reply.action == action])
        ][:_EXAMPLES],
        briefs=sorted(briefs, key=lambda brief: brief.time),
    )


def _short(text: str) -> str:
    shown = printable(mask(text, handles=True))
    return shown if len(shown) <= _EXAMPLE_CHARS else f"{shown[:_EXAMPLE_CHARS]}\u2026"
