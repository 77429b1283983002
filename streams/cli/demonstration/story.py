"""The messages of the demonstration, and when each is due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from streams.cli.watching import printable
from streams.contract.domain import Domain, DomainError
from streams.contract.masking import mask_message
from streams.contract.records import Message
from streams.sources.files import FileOptions, open_source, read_items
from streams.sources.items import Outgoing

# A longer silence is shortened to so many times the mean one: nobody watches a still screen.
_LONGEST_SILENCE = 2.5
# What no stream is free of, and where in the story it comes: cut off, of a wrong type, not UTF-8.
_BROKEN = (
    (0.2, "broken-1", b'{"id": "broken-1", "text": "This line was cut off in the mid'),
    (0.5, "broken-2", b'{"id": "broken-2", "text": {"en": "Not a text but an object"}}'),
    (0.8, "broken-3", '{"id": "broken-3", "text": "Größe in Latin-1"}'.encode("latin-1")),
)

_HOUR = timedelta(hours=1)

_message = msgspec.json.Decoder(Message)


@dataclass(frozen=True, slots=True)
class Cue:
    """One record to send."""

    due: float
    """Seconds from the start."""
    topic: str
    item: Outgoing
    text: str
    """The message's text without personal data, in a line; empty for what is no message."""


def load_story(domain: Domain, topics: Collection[str], seconds: float, until: datetime | None = None) -> list[Cue]:
    """The domain's sample, by its own times, with a few broken lines in between.

    Args:
        domain: Whose ``sample.jsonl`` is played.
        topics: The input topics; a message's ``source`` names one.
        seconds: How long the whole is to last.
        until: Messages are moved in time by whole hours, so that the last is not later than this, and not by an hour
            earlier: what is older than a day is history to the desk. Where absent they keep their times.

    Raises:
        DomainError: A line of the sample is no message, or names no input topic.
        SourceError: The file cannot be read.
    """
    file = domain.sample_file
    with open_source(str(file)) as opened:
        items = list(read_items(opened.stream, file.name, FileOptions("jsonl", source=domain.name)))
    found = [(item, _decode(item, f"{file} {item.place}", topics)) for item in items if isinstance(item, Outgoing)]
    if not found:
        raise DomainError(f"{file} holds no messages")
    dues = schedule([message.time for _, message in found], seconds)
    if until is not None:
        shift = (until - max(message.time for _, message in found)) // _HOUR * _HOUR
        found = [(_moved(item, message.time + shift), message) for item, message in found]
    cues = [
        Cue(due, message.source, item, printable(mask_message(message).text))
        for due, (item, message) in zip(dues, found, strict=True)
    ]
    first_topic = next(iter(topics))
    broken = [
        Cue(seconds * part, first_topic, Outgoing(key, key, value, None, malformed=True), "")
        for part, key, value in _BROKEN
    ]
    return sorted([*cues, *broken], key=lambda cue: cue.due)


def schedule(times: Sequence[datetime], seconds: float, longest_silence: float = _LONGEST_SILENCE) -> list[float]:
    """When each message is due, so that they come in the rhythm of their own times.

    Args:
        times: Of the messages, in their order; one before its predecessor's counts as at once.
        seconds: When the last is due.
        longest_silence: Longer gaps are shortened to so many times the mean gap.

    Returns:
        Seconds from the start, ascending; all 0 where the messages have one and the same time.
    """
    gaps = [max((after - before).total_seconds(), 0.0) for before, after in pairwise(times)]
    longest = longest_silence * sum(gaps) / max(len(gaps), 1)
    gaps = [min(gap, longest) for gap in gaps]
    scale = seconds / sum(gaps) if sum(gaps) else 0.0
    dues = [0.0]
    for gap in gaps:
        dues.append(dues[-1] + gap * scale)
    return dues[: len(times)]


def _decode(item: Outgoing, place: str, topics: Collection[str]) -> Message:
    try:
        message = _message.decode(item.value)
    except (ValueError, RecursionError) as error:
        raise DomainError(f"{place}: {error}; a sample's line is a message with id, text, source and time") from error
    if message.source not in topics:
        raise DomainError(f"{place}: source is {message.source!r}; in a sample it is one of {', '.join(topics)}")
    return message


def _moved(item: Outgoing, time: datetime) -> Outgoing:
    fields = msgspec.json.decode(item.value)
    return replace(item, value=msgspec.json.encode({**fields, "time": time}), time=time)
