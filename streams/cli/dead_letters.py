"""``tocsin dead-letters``: what could not be processed, and how to put it back."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from streams.brokers.client import USUAL_RECORD_BYTES, producer
from streams.brokers.reading import read_all
from streams.brokers.sending_back import send_back
from streams.cli import common
from streams.contract.decoding import JsonDecoder
from streams.contract.masking import mask_bytes
from streams.contract.records import DeadLetter
from streams.contract.settings import Settings
from streams.contract.topics import dead_letters_topic

app = typer.Typer(help="List, show and put back messages that could not be processed.", no_args_is_help=True)

_PREVIEW_CHARS = 100
_ID_SHOWN = 12

Reason = Annotated[str | None, typer.Option(help="Only this reason, such as malformed.", show_default=False)]
Topic = Annotated[str | None, typer.Option(help="Only messages of this input topic.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one dead letter a line, for scripts.")]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant.

    Attributes:
        ids: Ids or their beginnings; every letter where there is none.
        reason: Only this reason.
        topic: Only this input topic.
    """

    ids: Sequence[str] = ()
    reason: str | None = None
    topic: str | None = None

    def includes(self, letter: DeadLetter) -> bool:
        """Whether a letter is meant."""
        return (
            (not self.ids or letter.id.startswith(tuple(self.ids)))
            and self.reason in (None, letter.reason)
            and self.topic in (None, letter.topic)
        )


@app.command("list")
def list_(
    reason: Reason = None,
    topic: Topic = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the latest.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the latest last; what they hold is masked.

    Example: `tocsin dead-letters list --reason malformed --limit 10`
    """
    letters = _read(common.settings(), Selection(reason=reason, topic=topic))
    rows = sorted((_row(letter) for letter in letters), key=lambda row: row["time"])
    shown = rows[-limit:]
    if as_json:
        common.print_json_lines(shown)
        return
    table = Table("id", "time", "place", "reason", "attempts", "error", "value, masked")
    for row in shown:
        time = row["time"].strftime("%Y-%m-%d %H:%M:%S")
        cells = (
            row["id"][:_ID_SHOWN],
            time,
            row["place"],
            row["reason"],
            str(row["attempts"]),
            row["error"],
            row["preview"],
        )
        table.add_row(*map(escape, cells))
    common.out.print(table)
    counts = ", ".join(f"{count} {name}" for name, count in Counter(row["reason"] for row in rows).most_common())
    common.err.print(
        f"{len(shown)} of {common.some(len(rows), 'dead letter')} shown{f': {counts}' if counts else ''}",
        highlight=False,
    )


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="Id of the dead letter, or the beginning of it.")],  # noqa: A002  the user's word
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Unmasked: personal data appears on the screen.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --raw, bytes are in base64.")] = False,
) -> None:
    """Show one dead letter whole, masked unless --raw.

    Example: `tocsin dead-letters show 3f9c12ab77d0`
    """
    matching = list(_read(common.settings(), Selection(ids=[id])))
    _require_unique([id], [letter.id for letter in matching])
    letter = matching[0]
    told = _told(letter, raw=raw, as_base64=as_json)
    if as_json:
        common.print_json(told)
        return
    for name, value in told.items():
        common.out.print(f"[bold]{name}[/]: {escape(str(value))}", highlight=False, soft_wrap=True)


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids, or their beginnings.", show_default=False)] = None,
    reason: Reason = None,
    topic: Topic = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="All dead letters (of --reason and --topic, where given).")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON, for scripts.")] = False,
) -> None:
    """Put dead letters back on the topics they came from: key, value, headers and partition as they were.

    Nothing remembers what was replayed: replayed twice, a message is there twice, with new offsets and so with new
    ids of its outputs. Each carries the header `tocsin_replayed_from`, the id of its dead letter, which stays where
    it is, and `tocsin_first_timestamp`: what has no time of its own was said when it first came. A value that was too
    large to be kept whole cannot be put back, nor what has neither key nor value.

    Example: `tocsin dead-letters replay --all --reason inference_failed`
    """
    if bool(ids) == every:
        raise common.CommandError("name the dead letters, or say --all: `tocsin dead-letters list` shows them", code=2)
    settings = common.settings()
    selection = Selection(ids or (), reason, topic)
    wanted = _choose(settings, selection)
    if not yes:
        _confirm(wanted)
    # A value that was kept whole, and as much again for key and headers: what the topic takes is the brokers' to say.
    largest = max(USUAL_RECORD_BYTES, 2 * settings.enrich.max_message_bytes)
    with producer(settings.kafka, max_record_bytes=largest) as sender:
        sent, failures = send_back(sender, (letter for letter in _read(settings, selection) if letter.id in wanted))
    replayed = sent - len(failures)
    if as_json:
        common.print_json({"replayed": replayed, "failed": failures})
    else:
        common.out.print(f"{replayed} put back and acknowledged", highlight=False)
    if failures:
        id_, why = next(iter(failures.items()))
        raise common.CommandError(f"{len(failures)} not acknowledged, the first of them {id_}: {why}")


def _read(settings: Settings, selection: Selection) -> Iterator[DeadLetter]:
    """The dead letters that are meant, each once, though delivery at least once may have left it twice."""
    decoder = JsonDecoder(DeadLetter)
    seen: set[str] = set()
    name = dead_letters_topic(settings.topics)
    for record in read_all(settings, name):
        try:
            letter = decoder.decode(record.value or b"")
        except msgspec.MsgspecError as error:
            place = f"{name}[{record.partition}]@{record.offset}"
            told = escape(f"{place} is no dead letter: {error}")  # which may quote what stands there
            common.err.print(f"[yellow]warning:[/] {told}", highlight=False)
            continue
        if letter.id not in seen and selection.includes(letter):
            seen.add(letter.id)
            yield letter


def _facts(letter: DeadLetter) -> dict[str, Any]:
    names = ("id", "time", "stage", "reason", "attempts", "error")
    return {name: getattr(letter, name) for name in names} | {"place": _place(letter)}


def _row(letter: DeadLetter) -> dict[str, Any]:
    text = mask_bytes(letter.value)
    preview = text if len(text) <= _PREVIEW_CHARS else text[:_PREVIEW_CHARS] + "…"
    return {**_facts(letter), "preview": _printable(preview)}


def _told(letter: DeadLetter, *, raw: bool, as_base64: bool) -> dict[str, Any]:
    def told(content: bytes | None) -> str | None:
        if content is None:
            return None
        if raw and as_base64:
            return b64encode(content).decode()
        # A key or a header may be the reader's or the customer's id, which the value alone tells.
        masked = content.decode("utf-8", "backslashreplace") if raw else mask_bytes(content, beside=letter.value)
        return _printable(masked)

    return {
        **_facts(letter),
        "key": told(letter.key),
        "value": told(letter.value),
        "value_cut": letter.value_cut,
        "headers": [[name, told(content)] for name, content in letter.headers],
    }


def _place(letter: DeadLetter) -> str:
    return f"{letter.topic}[{letter.partition}]@{letter.offset}"


def _printable(text: str) -> str:
    # A message may hold a terminal's control sequences.
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def _require_unique(given_ids: Sequence[str], known: Iterable[str]) -> None:
    for given in given_ids:
        found = [id_ for id_ in known if id_.startswith(given)]
        if not found:
            raise common.CommandError(
                f"no dead letter {given}: `tocsin dead-letters list` shows them", common.NOT_FOUND
            )
        if len(found) > 1:
            raise common.CommandError(f"{given} is the beginning of {len(found)} ids: give more of it")


def _choose(settings: Settings, selection: Selection) -> dict[str, str]:
    """Topic of each letter that is meant, by id: only these, and none that is written while they are replayed."""
    # Only ids are kept here, since a whole topic of letters may not fit into memory.
    topics: dict[str, str] = {}
    unfit: set[str] = set()
    for letter in _read(settings, selection):
        topics[letter.id] = letter.topic
        if not _can_be_sent(letter):
            unfit.add(letter.id)
    _require_unique(selection.ids, topics)
    if not topics:
        raise common.CommandError("no dead letter is meant by this", common.NOT_FOUND)
    wanted = {id_: topic for id_, topic in topics.items() if id_ not in unfit}
    why = "the value was not kept whole, or there is neither key nor value"
    if unfit and selection.ids:
        raise common.CommandError(f"{', '.join(id_[:_ID_SHOWN] for id_ in sorted(unfit))} cannot be put back: {why}")
    if not wanted:
        raise common.CommandError(f"none can be put back: {why}")
    if unfit:
        common.err.print(f"[yellow]warning:[/] {len(unfit)} left out: {why}", highlight=False)
    return wanted


def _can_be_sent(letter: DeadLetter) -> bool:
    # kafka-python sends no record that has neither key nor value, and nothing would be lost with one.
    return not letter.value_cut and (letter.key is not None or letter.value is not None)


def _confirm(wanted: dict[str, str]) -> None:
    counts = ", ".join(f"{count} on {name}" for name, count in sorted(Counter(wanted.values()).items()))
    if not sys.stdin.isatty():
        raise common.CommandError(f"this puts back {counts}: say --yes, since nobody can be asked here", code=2)
    if not typer.confirm(f"Put back {counts}?", err=True):
        raise common.CommandError("nothing was put back")
