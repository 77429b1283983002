"""How ``tocsin watch`` shows a record: a line for people, or a JSON document for scripts.

A line holds no personal data: customers' and readers' ids are left out, and texts are masked as far as the record tells
whose they are. The document is the record itself.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from kafka.consumer.fetcher import ConsumerRecord
from rich.text import Text

from streams.contract.alerts import Alert
from streams.contract.masking import mask, mask_beside, mask_bytes
from streams.contract.recommendations import (
    Behavior,
    InterestState,
    ReaderEvent,
    Recommendation,
    RecommendationRequest,
)
from streams.contract.records import DeadLetter, Message, Prediction
from streams.contract.replies import Brief, ConversationState, Reply, ReplyAction, Turn

LEVEL_COLOURS = {"yellow": "yellow", "orange": "dark_orange", "red": "bold red"}
ACTION_COLOURS: dict[ReplyAction, str] = {"send": "green", "review": "yellow", "handoff": "red"}
_COLOURS = {"negative": "red", "neutral": "default", "positive": "green"}
_PREVIEW_CHARS = 100
# The beginning of an id is enough for `tocsin alerts show`.
_ID_CHARS = 12
# Of a recommendation, which has many.
_ITEMS_SHOWN = 3
# Masked before it is cut, so that nothing is half shown; and not all of a megabyte is masked for a line.
_MASKED_CHARS = 2000
# Zero-width (non-)joiners make up emoji and some scripts' letters; other invisible characters could act on a terminal.
_JOINERS = "\u200c\u200d"

# A conversation may bear its customer's id, which nothing in a record that is not as expected tells.
_OF_CUSTOMERS = frozenset({Turn, ConversationState, Reply})

_fields = msgspec.json.Decoder(dict[str, Any])


class _Shown(NamedTuple):
    decode: Callable[[bytes], Any]
    line: Callable[[Any, ConsumerRecord], Text]


def as_line(record: ConsumerRecord, kind: type[msgspec.Struct]) -> Text:
    """A record in a line for people; personal data in raw text is masked.

    Args:
        record: As it was read.
        kind: The contract's record on its topic.
    """
    value = record.value or b""
    try:
        if (shown := _LINES.get(kind)) is not None:
            return shown.line(shown.decode(value), record)
    except (ValueError, OverflowError, RecursionError):
        raw = f"{len(value)} bytes" if kind in _OF_CUSTOMERS else _raw_preview(value)
        return _line(_time(_moment(record)), Text(f"not as expected on {record.topic}:", "yellow"), raw)
    return _line(_time(_moment(record)), _raw_preview(value))


def as_document(record: ConsumerRecord, *, meta: bool) -> bytes:
    """A record as one line of JSON.

    The value stands as it is where it is JSON, else as ``{"base64": ...}``; a tombstone is null.

    Args:
        record: As it was read.
        meta: Put the value under ``value``, beside topic, partition, offset, timestamp, key and headers.
    """
    value = _json_value(record.value)
    if not meta:
        return bytes(value)
    return msgspec.json.encode(
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": _moment(record),
            "key": _readable(record.key),
            "headers": {name: _readable(content) for name, content in record.headers},
            "value": value,
        }
    )


def printable(text: str) -> str:
    """A text that cannot act on the terminal: control characters and the like are replaced, white space made single."""
    single = " ".join(text.split())
    return "".join(char if char.isprintable() or char in _JOINERS else "\ufffd" for char in single)


def _prediction_line(prediction: Prediction, _: ConsumerRecord) -> Text:
    parts: list[Text | str] = [
        _time(prediction.time),
        Text(_masked(prediction.source), "dim"),
        Text(printable(prediction.message_id), "dim"),
        Text(", ".join(prediction.topics) or "no topic", "bold"),
        _sentiment(
            prediction.sentiment,
            f"{prediction.sentiment} {prediction.sentiment_scores.get(prediction.sentiment, math.nan):.2f}",
        ),
    ]
    if prediction.intent is not None:
        parts.append(Text(prediction.intent, "cyan"))
    parts += [
        _sentiment(entity.sentiment, f"{_masked(entity.text)} ({entity.type}: {entity.sentiment})")
        for entity in prediction.entities
    ]
    return _line(*parts)


def _alert_line(alert: Alert, _: ConsumerRecord) -> Text:
    evidence = alert.evidence
    colour = LEVEL_COLOURS[alert.level] if alert.status == "firing" else "green"
    notes = [name for name in ("watched", "past") if getattr(alert, name)] + ["silenced"] * bool(alert.silenced_by)
    parts: list[Text | str] = [
        _time(alert.time),
        Text(alert.id[:_ID_CHARS], "dim"),
        Text(f"{alert.level} {alert.status}", colour),
        Text(printable(alert.labels.get("subject", "")), "bold"),
        f"{evidence.observed} of {evidence.volume}, {evidence.expected:.1f} expected",
    ]
    if notes:
        parts.append(Text(", ".join(notes), "cyan"))
    parts.append(printable(alert.annotations.get("summary", "")))
    if evidence.messages:
        top = evidence.messages[0]
        parts.append(Text(f"“{_preview(top.text)}” {_masked(top.source)}", "dim"))
    return _line(*parts)


def _dead_letter_line(letter: DeadLetter, _: ConsumerRecord) -> Text:
    place = f"{letter.topic}[{letter.partition}]@{letter.offset}"
    return _line(
        _time(letter.time),
        Text(letter.reason, "bold red"),
        printable(place),
        f"at {letter.stage}",
        _raw_preview(letter.value or b""),
    )


def _reply_line(reply: Reply, _: ConsumerRecord) -> Text:
    parts: list[Text | str] = [
        _time(reply.time),
        Text(reply.id[:_ID_CHARS], "dim"),
        Text(f"{reply.action} ({reply.reason})", ACTION_COLOURS[reply.action]),
        Text(f"“{_preview(reply.question)}”", "dim"),
    ]
    if reply.text:
        parts += [_preview(reply.text), Text(f"{reply.origin} {reply.confidence:.2f}", "cyan")]
    else:
        parts.append(printable(reply.detail))
    return _line(*parts)


def _turn_line(turn: Turn, record: ConsumerRecord) -> Text:
    """Without the conversation, which may bear its customer's id; it is in the JSON."""
    return _line(
        _time(turn.time),
        Text(printable(turn.message_id), "dim"),
        Text(turn.kind.replace("_", " ") + (f" by {printable(turn.by)}" if turn.by else ""), "bold"),
        _preview_beside(turn.text, record),
    )


def _conversation_line(state: ConversationState, record: ConsumerRecord) -> Text:
    """Likewise."""
    return _line(_time(_moment(record)), f"{len(state.state)} bytes of state, form {state.form}")


def _brief_line(brief: Brief, _: ConsumerRecord) -> Text:
    return _line(
        _time(brief.time),
        Text(brief.status, "green" if brief.status == "resolved" else "red"),
        Text(printable(brief.subject), "bold"),
        printable(mask(brief.text, handles=True)),
        Text(brief.generator or brief.origin, "dim"),
    )


def _behavior_line(behavior: Behavior, _: ConsumerRecord) -> Text:
    """Without the reader, whose id is personal data; it is in the JSON."""
    return _line(_time(behavior.time), Text(behavior.action, "bold"), printable(behavior.item))


def _reader_event_line(event: ReaderEvent, record: ConsumerRecord) -> Text:
    """Likewise."""
    behavior, request = event.behavior, event.request
    did = f"{behavior.action}  {printable(behavior.item)}" if behavior is not None else ""
    return _line(
        _time(_moment(record)),
        Text(event.id[:_ID_CHARS], "dim"),
        printable(f"{event.topic}[{event.partition}]@{event.offset}"),
        *([did] if did else []),
        *([f"asks for {request.limit}"] if request is not None else []),
    )


def _interest_line(state: InterestState, record: ConsumerRecord) -> Text:
    """Likewise."""
    owed = ["an answer is owed"] if state.owed is not None else []
    return _line(_time(_moment(record)), f"{len(state.state)} bytes of state, form {state.form}", *owed)


def _request_line(request: RecommendationRequest, record: ConsumerRecord) -> Text:
    """Likewise."""
    return _line(_time(request.time), _request_id(request.id, record), f"asks for {request.limit}")


def _recommendation_line(told: Recommendation, record: ConsumerRecord) -> Text:
    """Likewise."""
    items = [f"{printable(each.title or each.item)} ({printable(each.why)})" for each in told.items[:_ITEMS_SHOWN]]
    more = len(told.items) - len(items)
    return _line(
        _time(told.time),
        _request_id(told.id, record),
        Text(f"{told.cause}, a reader nobody knows" if told.cold else told.cause, "cyan"),
        *items,
        *([f"and {more} more"] if more else []),
    )


def _message_line(fields: dict[str, Any], record: ConsumerRecord) -> Text:
    source, text = fields.get("source") or record.topic, fields.get("text")
    return _line(
        _time(_moment(record)),
        Text(printable(mask_beside(str(source), record.value or b"")), "dim"),
        _preview_beside(text, record) if isinstance(text, str) else _raw_preview(record.value or b""),
    )


_LINES: dict[type[msgspec.Struct], _Shown] = {Message: _Shown(_fields.decode, _message_line)} | {
    kind: _Shown(msgspec.json.Decoder(kind).decode, line)
    for kind, line in (
        (Prediction, _prediction_line),
        (Alert, _alert_line),
        (DeadLetter, _dead_letter_line),
        (Turn, _turn_line),
        (ConversationState, _conversation_line),
        (Reply, _reply_line),
        (Brief, _brief_line),
        (Behavior, _behavior_line),
        (ReaderEvent, _reader_event_line),
        (InterestState, _interest_line),
        (RecommendationRequest, _request_line),
        (Recommendation, _recommendation_line),
    )
}


def _line(*parts: Text | str) -> Text:
    return Text("  ").join(Text(part) if isinstance(part, str) else part for part in parts)


def _sentiment(sentiment: str, text: str) -> Text:
    return Text(text, _COLOURS[sentiment])


def _request_id(told: str, record: ConsumerRecord) -> Text:
    """Whoever asks gives it, and may have put the reader's id into it."""
    return Text(printable(mask_beside(told, record.value or b""))[:_ID_CHARS], "dim")


def _masked(text: str) -> str:
    return printable(mask(text[:_MASKED_CHARS], handles=True))


def _preview(text: str) -> str:
    return _cut(_masked(text))


def _preview_beside(text: str, record: ConsumerRecord) -> str:
    return _cut(printable(mask_beside(text[:_MASKED_CHARS], record.value or b"")))


def _raw_preview(value: bytes) -> str:
    return _cut(printable(mask_bytes(value, limit=_MASKED_CHARS)))


def _cut(text: str) -> str:
    return text if len(text) <= _PREVIEW_CHARS else f"{text[:_PREVIEW_CHARS]}…"


def _moment(record: ConsumerRecord) -> datetime | None:
    """When it was written; None where no calendar has it, as where a producer gives microseconds for milliseconds."""
    try:
        return datetime.fromtimestamp(record.timestamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _time(moment: datetime | None) -> Text:
    return Text("no time" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"), "dim")


def _json_value(value: bytes | None) -> msgspec.Raw:
    if value is None:
        return msgspec.Raw(b"null")
    try:
        value.decode()
        msgspec.json.decode(value)
        return msgspec.Raw(msgspec.json.format(value, indent=-1))
    except (ValueError, RecursionError):
        return msgspec.Raw(msgspec.json.encode({"base64": base64.b64encode(value).decode()}))


def _readable(content: bytes | None) -> str | dict[str, str] | None:
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
