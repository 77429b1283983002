"""What the commands of an opinion desk share: who speaks, of what, for how long, and where it is kept."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import uuid4

import msgspec
import typer
from kafka.errors import KafkaError
from rich.markup import escape

from streams.brokers.client import producer
from streams.brokers.reading import read_all
from streams.cli import common
from streams.cli.reach import require_topics
from streams.contract.cloudevents import headers
from streams.contract.domain import load_domain
from streams.contract.records import encode
from streams.contract.settings import Settings
from streams.contract.subjects import EntityNames, Subject, parse_subject

T = TypeVar("T", bound=msgspec.Struct)
Found = TypeVar("Found")

By = Annotated[str | None, typer.Option(help="Who says so; your login name where absent.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
AsJsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, one a line, for scripts.")]

ID_SHOWN = 12
"""Characters of an id that a table shows; the beginning of an id is enough wherever one is asked for."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:\d+[smhdw])+", re.ASCII)
_LONGEST_SECONDS = 366 * 86_400
_SEND_SECONDS = 30.0


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
    seconds = 0
    if _DURATION.fullmatch(text):
        seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text))
    if 0 < seconds <= _LONGEST_SECONDS:
        return timedelta(seconds=seconds)
    raise common.CommandError(f"{text!r} is no length of time: write one such as 90m, 2h or 1d12h, up to a year", 2)


def subject_of(settings: Settings, text: str) -> Subject:
    """The subject that a person means: by its key, or an entity by any of its names.

    Raises:
        CommandError: It is none, or could be two.
        DomainError: The domain cannot be read.
    """
    domain = load_domain(settings.domain)
    if "/" in text:
        try:
            subject = parse_subject(text)
        except ValueError as error:
            raise common.CommandError(str(error), 2) from None
    elif text in domain.topic_names:
        raise common.CommandError(f"{text!r} is a topic: say topic/{text}, or entity/{text} for an entity", 2)
    else:
        subject = Subject(entity=text)
    if subject.topic is not None and subject.topic not in domain.topic_names:
        topics = ", ".join(domain.topic_names)
        raise common.CommandError(f"the domain {domain.name} has no topic {subject.topic!r}: one of {topics}", 2)
    if subject.entity is None:
        return subject
    name = EntityNames(domain.entities).normalise(subject.entity)
    if name is None:
        raise common.CommandError(f"nothing is left of the name in {text!r}", 2)
    return Subject(entity=name, topic=subject.topic)


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
    value, event = None, []
    if record is not None:
        value = encode(record)
        event = headers(id=uuid4().hex, type=f"tocsin.{type(record).__name__.lower()}", time=datetime.now(UTC))
    try:
        with producer(settings.kafka) as sender:
            sender.send(topic, key=key.encode(), value=value, headers=event).get(timeout=_SEND_SECONDS)
    except KafkaError as error:
        raise common.CommandError(f"{topic} was not written to: {error}") from error


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
    decoder = msgspec.json.Decoder(kind)
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
    found = {id(ids[name]): ids[name] for name in ids if name.startswith(given)}
    if not found:
        raise common.CommandError(f"no {what} {given}: `{command}` shows them", common.NOT_FOUND)
    if len(found) > 1:
        raise common.CommandError(f"{given} begins the ids of {len(found)}: give more of it")
    return next(iter(found.values()))


def moment(time: datetime) -> str:
    """A time for a table or a line, in UTC, to the minute."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"
