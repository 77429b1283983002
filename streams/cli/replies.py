"""``tocsin replies``: what is to be done about customers' messages, and a person's word on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from streams.cli import common, desk
from streams.cli.connector import connector
from streams.cli.conversations import answer, hand_back, take_over
from streams.cli.explain import explain
from streams.cli.watching import ACTION_COLOURS, printable
from streams.contract.masking import mask
from streams.contract.replies import Document, Reply, ReplyAction, Turn
from streams.contract.settings import Settings
from streams.contract.topics import documents_topic, replies_topic, turns_topic

app = typer.Typer(
    help="Look at what is to be done about customers' messages, answer them, and post what is to be sent.",
    no_args_is_help=True,
)
app.command("take-over")(take_over)
app.command("hand-back")(hand_back)
app.command()(answer)
app.command()(connector)
app.command()(explain)

_PREVIEW_CHARS = 80

Id = Annotated[str, typer.Argument(help="Id of the reply, or the beginning of it.")]
Raw = Annotated[bool, typer.Option("--raw", help="Unmasked: personal data appears on the screen.")]


@dataclass(frozen=True, slots=True)
class Dealt:
    """A reply, and whether a person has written in its conversation since."""

    reply: Reply
    is_answered: bool

    @property
    def waits(self) -> bool:
        """Whether a person is waited for."""
        return self.reply.action != "send" and not self.is_answered


@app.command("list")
def list_(
    action: Annotated[ReplyAction | None, typer.Option(help="Only this action.", show_default=False)] = None,
    conversation: Annotated[str | None, typer.Option(help="Only this conversation.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the latest.")] = 50,
    *,
    every: Annotated[bool, typer.Option("--all", help="What was sent, or answered by a person since, too.")] = False,
    raw: Raw = False,
    as_json: desk.AsJsonLines = False,
) -> None:
    """List what waits for a person, the latest last; masked unless --raw.

    Example: `tocsin replies list --action review`
    """
    found = [
        dealt
        for dealt in _read(common.settings())
        if (every or action is not None or dealt.waits)
        and action in (None, dealt.reply.action)
        and conversation in (None, dealt.reply.conversation)
    ]
    shown = found[-limit:]
    if as_json:
        common.print_json_lines(_document(dealt, raw=raw) for dealt in shown)
        return
    table = Table("id", "time (UTC)", "action", "reason", "conversation", "asked", "draft")
    for dealt in shown:
        reply = dealt.reply
        cells = (
            reply.id[: desk.ID_SHOWN],
            desk.moment(reply.time),
            reply.action + (", answered" if dealt.is_answered else ""),
            reply.reason,
            _shown(reply.conversation, raw=raw),
            _preview(reply.question),
            _preview(_shown(reply.text, raw=raw)),
        )
        table.add_row(*(escape(printable(cell)) for cell in cells), style=ACTION_COLOURS[reply.action])
    common.out.print(table)
    counts = ", ".join(
        f"{count} {name}" for name, count in Counter(dealt.reply.action for dealt in found).most_common()
    )
    common.err.print(f"{len(shown)} of {len(found)} shown{f': {counts}' if counts else ''}", highlight=False)


@app.command()
def show(
    id: Id,  # noqa: A002  the user's word
    *,
    raw: Raw = False,
    as_json: desk.AsJson = False,
) -> None:
    """Show one reply whole, with what it was drawn from; masked unless --raw.

    Example: `tocsin replies show 3f9c12ab77d0`
    """
    settings = common.settings()
    ids = {dealt.reply.id: dealt for dealt in _read(settings)}
    dealt = desk.unique(id, ids, "reply", "tocsin replies list --all")
    known = desk.latest(settings, documents_topic(settings.topics), Document) if dealt.reply.evidence else {}
    evidence = {name: known.get(name) for name in dealt.reply.evidence}
    if as_json:
        told = [{"id": name, "text": document.text if document else None} for name, document in evidence.items()]
        common.print_json({**_document(dealt, raw=raw), "evidence": told})
        return
    document = _document(dealt, raw=raw)
    del document["evidence"]
    for name, value in document.items():
        if value not in ("", [], None):
            shown = ", ".join(value) if isinstance(value, list) else str(value)
            common.out.print(f"[bold]{name}[/]: {escape(printable(shown))}", highlight=False, soft_wrap=True)
    for name, found in evidence.items():
        text = "gone since" if found is None else f"{found.question or found.title or ''}: {found.text}"
        common.say(f"  {printable(name)}  {printable(text)}")


def _read(settings: Settings) -> list[Dealt]:
    """Every reply once, in order of time."""
    answered: dict[str, Any] = {}
    for _, turn in desk.read_records(settings, turns_topic(settings.topics), Turn):
        if turn is not None and turn.kind == "answered":
            answered[turn.conversation] = max(turn.time, answered.get(turn.conversation, turn.time))
    found: dict[str, Reply] = {}
    for _, reply in desk.read_records(settings, replies_topic(settings.topics), Reply):
        if reply is not None:
            found.setdefault(reply.id, reply)
    return [
        Dealt(reply, reply.conversation in answered and answered[reply.conversation] >= reply.time)
        for reply in sorted(found.values(), key=lambda reply: reply.time)
    ]


def _document(dealt: Dealt, *, raw: bool) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(dealt.reply)
    # A conversation may be named by its customer's address.
    personal = {name: _shown(document[name], raw=raw) for name in ("conversation", "text")}
    return {**document, **personal, "answered": dealt.is_answered}


def _shown(text: str, *, raw: bool) -> str:
    return text if raw else mask(text, handles=True)


def _preview(text: str) -> str:
    return text if len(text) <= _PREVIEW_CHARS else f"{text[:_PREVIEW_CHARS]}…"
