"""What the commands of an opinion desk share: who speaks, of what, for how long, and where it is kept."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.markup import escape

from streams.brokers.reading import read_all
from streams.brokers.writing import NotWrittenError, Writer
from streams.cli import common
from streams.cli.reach import require_topics
from streams.contract.decoding import JsonDecoder
from streams.contract.domain import load_domain
from streams.contract.settings import Settings
from streams.contract.subjects import Subject
from streams.contract.topics import kept_in_place
from streams.logic.durations import parse_duration
from streams.logic.naming import meant_subject

T = TypeVar("T", bound=msgspec.Struct)
Found = TypeVar("Found")

By = Annotated[str | None, typer.Option(help="Who says so; your login name where absent.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
AsJsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, one a line, for scripts.")]

ID_SHOWN = 12
"""Characters of an id that a table shows; the beginning of an id is enough wherever one is asked for."""


def speaker(by: str | None) -> str:
    """Who says it: as given, else the login name."""
    if by is not None:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        raise common.CommandError("your login name is not known: say who you are with --by", 2) from None


def duration(text: str) -> timedelta:
    """A length of time as Prometheus writes it: ``90m``, ``2h``, ``1d12h``.

    Raises:
        CommandError: It is none, or no time at all.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise common.CommandError(str(error), 2) from None


def subject_of(settings: Settings, text: str) -> Subject:
    """The subject that a person means: by its key, or an entity by any of its names.

    Raises:
        CommandError: It is none, or could be two.
        DomainError: The domain cannot be read.
    """
    domain = load_domain(settings.domain)
    try:
        return meant_subject(domain, text)
    except ValueError as error:
        raise common.CommandError(str(error), 2) from None


def put(settings: Settings, topic: str, key: str, record: msgspec.Struct | None) -> None:
    """Write one record to a compacted topic, and return once it is acknowledged.

    Args:
        settings: Where the brokers are.
        topic: Full name of the topic.
        key: Key of the record; it replaces what this key had before.
        record: None removes what the key had.

    Raises:
        BrokerUnreachableError: No broker answers.
        CommandError: The topic does not exist, or the brokers do not take the record.
    """
    require_topics(settings.kafka, [topic])
    try:
        with Writer(settings.kafka, kept_in_place(settings)) as writer:
            writer.put(topic, key.encode(), record)
    except NotWrittenError as error:
        raise common.CommandError(str(error)) from error


def latest(settings: Settings, topic: str, kind: type[T]) -> dict[str, T]:
    """What each key of a compacted topic has now.

    Raises:
        BrokerUnreachableError: No broker answers.
        TopicError: The topic does not exist.
    """
    found: dict[str, T] = {}
    for key, record in read_records(settings, topic, kind):
        if record is None:
            found.pop(key, None)
        else:
            found[key] = record
    return found


def read_records(settings: Settings, topic: str, kind: type[T]) -> Iterator[tuple[str, T | None]]:
    """Key and record of all that is on a topic, in order within each key; what cannot be read is told and left out."""
    decoder = JsonDecoder(kind)
    for raw in read_all(settings, topic):
        key = (raw.key or b"").decode("utf-8", "replace")
        try:
            yield key, None if raw.value is None else decoder.decode(raw.value)
        except msgspec.DecodeError as error:
            place = f"{topic}[{raw.partition}]@{raw.offset}"
            common.err.print(
                f"[yellow]warning:[/] {escape(place)} is no {kind.__name__.lower()}: {escape(str(error))}",
                highlight=False,
            )


def unique(given: str, ids: Mapping[str, Found], what: str, command: str) -> Found:
    """What has this id, or the only thing whose ids begin so.

    Raises:
        CommandError: There is none, or there are several.
    """
    # Whole ids first: of a user's own, one may begin another, as faq-1 does faq-10.
    if given in ids:
        return ids[given]
    found = {id(ids[name]): ids[name] for name in ids if name.startswith(given)}
    if not found:
        raise common.CommandError(f"no {what} {given}: `{command}` shows them", common.NOT_FOUND)
    if len(found) > 1:
        raise common.CommandError(f"{given} begins the ids of {len(found)}: give more of it")
    return next(iter(found.values()))


def moment(time: datetime) -> str:
    """A time for a table or a line, in UTC, to the minute."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"
