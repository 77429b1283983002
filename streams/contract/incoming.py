"""From the bytes of an input topic to a Message, or to the reason why not.

An input needs only ``text``. What is absent is taken from the CloudEvent that wraps it, then from Kafka itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from streams.contract.cloudevents import CloudEventError, unwrap
from streams.contract.ids import output_id
from streams.contract.records import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.cloudevents import Attributes

Reason = Literal[
    "empty",
    "too_large",
    "not_utf8",
    "malformed",
    "wrong_type",
    "empty_text",
    "text_too_long",
    "bad_time",
    "inference_failed",
    "prediction_too_large",
]

T = TypeVar("T")

FIRST_TIMESTAMP = "tocsin_first_timestamp"
"""Header of a record that was a dead letter and was put back: the timestamp that Kafka had given it at first, in
milliseconds since 1970. What has no time of its own was said then, not when it was put back."""

# Epoch times are told apart by size: seconds until the year 5138, else milliseconds, else microseconds.
_SECONDS_BELOW = 1e11
_MILLISECONDS_BELOW = 1e14
# An epoch time that was written as a string. ISO 8601 has no run of so many digits, though Python would find one in it.
_EPOCH = re.compile(r"-?\d{9,}(\.\d+)?", re.ASCII)
_MAX_ID_CHARS = 512
# It is a name for people, told with each reading, signal and label request.
_MAX_SOURCE_CHARS = 512
_MILLISECONDS = re.compile(rb"\d{1,15}")


class BadMessageError(ValueError):
    """An input that is no message. ``reason`` is one of a few words, for counting; the text holds none of the input."""

    def __init__(self, reason: Reason, error: str) -> None:
        super().__init__(error)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record of an input topic, as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp: float
    """Kafka's timestamp, seconds since the epoch."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]

    @property
    def place(self) -> str:
        """Where it stands, for people: ``topic[partition]@offset``."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


class InputMessage(msgspec.Struct):
    """What a user may send; other fields are ignored."""

    text: str
    id: str | int | None = None
    source: str | None = None
    time: str | int | float | None = None
    author: str | None = None
    language: str | None = None
    url: str | None = None
    channel: str | None = None
    conversation: str | None = None
    user: str | None = None
    fingerprint: str | None = None


_decoder = msgspec.json.Decoder(InputMessage)


def decode_message(record: Record, *, max_bytes: int, max_chars: int) -> Message:
    """Read one input record.

    Args:
        record: As it came from Kafka.
        max_bytes: Limit on the value.
        max_chars: Limit on the text, in code points.

    Raises:
        BadMessageError: It is no message; with the reason.
    """
    payload, attributes = decode_payload(record, _decoder, max_bytes=max_bytes)
    check_text(payload.text, record, max_chars)
    return Message(
        id=given_id(payload.id, attributes.id, record)
        or output_id(record.topic, record.partition, record.offset, "message"),
        text=payload.text,
        source=(payload.source or attributes.source or record.topic)[:_MAX_SOURCE_CHARS],
        time=given_time(payload.time, attributes.time, record),
        author=payload.author,
        language=payload.language,
        url=payload.url,
        channel=payload.channel,
        conversation=payload.conversation,
        user=payload.user,
        fingerprint=payload.fingerprint,
    )


def decode_payload(record: Record, decoder: msgspec.json.Decoder[T], *, max_bytes: int) -> tuple[T, Attributes]:
    """What a record carries, and what the CloudEvent that may wrap it says of it.

    Args:
        record: As it came from Kafka.
        decoder: Of what it should be.
        max_bytes: Limit on the value.

    Raises:
        BadMessageError: It is no such thing; with the reason.
    """
    value = record.value
    if not value:
        raise BadMessageError("empty", f"{record.place}: the record has no value")
    if len(value) > max_bytes:
        raise BadMessageError(
            "too_large", f"{record.place}: {len(value)} bytes, the limit is {max_bytes} (enrich.max_message_bytes)"
        )
    _check_utf8(value, record)
    try:
        data, attributes = unwrap(value, record.headers)
        return decoder.decode(data), attributes
    except msgspec.ValidationError as error:
        raise BadMessageError("wrong_type", f"{record.place}: {error}") from error
    except (ValueError, RecursionError) as error:  # not JSON, no CloudEvent, or nested without end
        raise BadMessageError("malformed", f"{record.place}: {_without_input(error)}") from error


def _check_utf8(value: bytes, record: Record) -> None:
    # Asked of the whole, since the decoder does not look into what it skips: the names and values of unknown fields.
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise BadMessageError("not_utf8", f"{record.place}: not UTF-8 at byte {error.start}") from error


def check_text(text: str, record: Record, max_chars: int) -> None:
    """Raise BadMessageError for a text that is empty, or has more characters than so many."""
    if not text.strip():
        raise BadMessageError("empty_text", f"{record.place}: the text is empty")
    if len(text) > max_chars:
        raise BadMessageError(
            "text_too_long", f"{record.place}: {len(text)} characters, the limit is {max_chars} (enrich.max_text_chars)"
        )


def given_id(given: str | int | None, else_given: str | None, record: Record, field: str = "id") -> str | None:
    """An id that is text or a number; None where there is none.

    Args:
        given: By the record itself.
        else_given: Where the record has none, such as by its CloudEvent.
        record: For the error.
        field: Its name, for the error.

    Raises:
        BadMessageError: It is too long.
    """
    chosen = given if given not in (None, "") else else_given
    if chosen in (None, ""):
        return None
    if len(text := str(chosen)) > _MAX_ID_CHARS:
        raise BadMessageError(
            "wrong_type", f"{record.place}: {field} has {len(text)} characters, the limit is {_MAX_ID_CHARS}"
        )
    return text


def given_time(given: str | float | None, else_given: str | None, record: Record, field: str = "time") -> datetime:
    """A time in any of the forms of ``parse_time``; that at which the record first came to Kafka where there is none.

    Raises:
        BadMessageError: It is none, or out of range.
    """
    chosen = else_given if given is None else given
    try:
        return parse_time(_first_timestamp(record) if chosen is None else chosen)
    except ValueError as error:
        raise BadMessageError("bad_time", f"{record.place}: {field}: {error}") from error


def _first_timestamp(record: Record) -> float:
    """Kafka's timestamp, seconds since the epoch; of what was put back, once or often, its earliest."""
    told = (content for name, content in record.headers if name == FIRST_TIMESTAMP and content is not None)
    # Nothing was said after it was put back, whatever a header tells.
    return min([record.timestamp, *(int(content) / 1e3 for content in told if _MILLISECONDS.fullmatch(content))])


def parse_time(given: str | float) -> datetime:
    """A time with its zone.

    Args:
        given: ISO 8601 (UTC where it names no zone), or seconds, milliseconds or microseconds since the epoch, as a
            number or as its digits.

    Raises:
        ValueError: It is neither, or out of the calendar's range.
    """
    if isinstance(given, str) and _EPOCH.fullmatch(given):
        given = float(given)
    if isinstance(given, str):
        try:
            time = datetime.fromisoformat(given.upper())  # RFC 3339 has "t" and "z" too
        except ValueError:
            raise ValueError("neither ISO 8601 nor a number of seconds since the epoch") from None
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
    else:
        size = abs(given)
        try:
            # JSON's integers have no end, and one of 400 digits can be no float.
            seconds = given if size < _SECONDS_BELOW else given / 1e3 if size < _MILLISECONDS_BELOW else given / 1e6
            time = datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise ValueError("out of range") from None
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None


def _without_input(error: BaseException) -> str:
    # These name the place of the fault and quote nothing of the input; anything else is named by its kind alone.
    return str(error) if isinstance(error, msgspec.MsgspecError | CloudEventError) else type(error).__name__
