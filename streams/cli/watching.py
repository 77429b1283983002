"""How ``tocsin watch`` shows a record: a line for people, or a JSON document for scripts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from kafka.consumer.fetcher import ConsumerRecord
from rich.text import Text

from streams.contract.alerts import Alert
from streams.contract.masking import mask
from streams.contract.recommendations import Behavior, Recommendation
from streams.contract.records import DeadLetter, Message, Prediction
from streams.contract.replies import Brief, Reply, ReplyAction

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

_prediction = msgspec.json.Decoder(Prediction)
_dead_letter = msgspec.json.Decoder(DeadLetter)
_alert = msgspec.json.Decoder(Alert)
_reply = msgspec.json.Decoder(Reply)
_brief = msgspec.json.Decoder(Brief)
_behavior = msgspec.json.Decoder(Behavior)
_recommendation = msgspec.json.Decoder(Recommendation)
_fields = msgspec.json.Decoder(dict[str, Any])


def as_line(record: ConsumerRecord, kind: type[msgspec.Struct]) -> Text:
    """A record in a line for people; personal data in raw text is masked.

    Args:
        record: As it was read.
        kind: The contract's record on its topic.
    """
    value = record.value or b""
    try:
        if kind is Message:
            return _message_line(_fields.decode(value), record)
        if (line := _LINES.get(kind)) is not None:
            return line(value)
    except (ValueError, RecursionError):
        return _line(_time(_moment(record)), Text(f"not as expected on {record.topic}:", "yellow"), _preview(value))
    return _line(_time(_moment(record)), _preview(value))


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


def _prediction_line(prediction: Prediction) -> Text:
    parts: list[Text | str] = [
        _time(prediction.time),
        Text(printable(prediction.source), "dim"),
        Text(printable(prediction.message_id), "dim"),
        Text(", ".join(prediction.topics) or "no topic", "bold"),
        _sentiment(
            prediction.sentiment, f"{prediction.sentiment} {prediction.sentiment_scores[prediction.sentiment]:.2f}"
        ),
    ]
    if prediction.intent is not None:
        parts.append(Text(prediction.intent, "cyan"))
    parts += [
        _sentiment(entity.sentiment, f"{printable(entity.text)} ({entity.type}: {entity.sentiment})")
        for entity in prediction.entities
    ]
    return _line(*parts)


def _alert_line(alert: Alert) -> Text:
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
        parts.append(Text(f"“{_preview(top.text.encode(errors='replace'))}” {printable(top.source)}", "dim"))
    return _line(*parts)


def _dead_letter_line(letter: DeadLetter) -> Text:
    place = f"{letter.topic}[{letter.partition}]@{letter.offset}"
    return _line(
        _time(letter.time),
        Text(letter.reason, "bold red"),
        printable(place),
        f"at {letter.stage}",
        _preview(letter.value or b""),
    )


def _reply_line(reply: Reply) -> Text:
    parts: list[Text | str] = [
        _time(reply.time),
        Text(reply.id[:_ID_CHARS], "dim"),
        Text(f"{reply.action} ({reply.reason})", ACTION_COLOURS[reply.action]),
        Text(f"“{_preview(reply.question.encode(errors='replace'))}”", "dim"),
    ]
    if reply.text:
        parts += [_preview(reply.text.encode(errors="replace")), Text(f"{reply.origin} {reply.confidence:.2f}", "cyan")]
    else:
        parts.append(printable(reply.detail))
    return _line(*parts)


def _brief_line(brief: Brief) -> Text:
    return _line(
        _time(brief.time),
        Text(brief.status, "green" if brief.status == "resolved" else "red"),
        Text(printable(brief.subject), "bold"),
        printable(mask(brief.text, handles=True)),
        Text(brief.generator or brief.origin, "dim"),
    )


def _behavior_line(behavior: Behavior) -> Text:
    """Without the reader, whose id is personal data; it is in the JSON."""
    return _line(_time(behavior.time), Text(behavior.action, "bold"), printable(behavior.item))


def _recommendation_line(told: Recommendation) -> Text:
    """Likewise."""
    items = [f"{printable(each.title or each.item)} ({printable(each.why)})" for each in told.items[:_ITEMS_SHOWN]]
    more = len(told.items) - len(items)
    return _line(
        _time(told.time),
        Text(told.id[:_ID_CHARS], "dim"),
        Text(f"{told.cause}, a reader nobody knows" if told.cold else told.cause, "cyan"),
        *items,
        *([f"and {more} more"] if more else []),
    )


def _message_line(fields: dict[str, Any], record: ConsumerRecord) -> Text:
    source = fields.get("source") or record.topic
    text = fields["text"] if isinstance(fields.get("text"), str) else str(fields)
    return _line(_time(_moment(record)), Text(printable(str(source)), "dim"), _preview(text.encode(errors="replace")))


_LINES: dict[type[msgspec.Struct], Callable[[bytes], Text]] = {
    Prediction: lambda value: _prediction_line(_prediction.decode(value)),
    Alert: lambda value: _alert_line(_alert.decode(value)),
    DeadLetter: lambda value: _dead_letter_line(_dead_letter.decode(value)),
    Reply: lambda value: _reply_line(_reply.decode(value)),
    Brief: lambda value: _brief_line(_brief.decode(value)),
    Behavior: lambda value: _behavior_line(_behavior.decode(value)),
    Recommendation: lambda value: _recommendation_line(_recommendation.decode(value)),
}


def _line(*parts: Text | str) -> Text:
    return Text("  ").join(Text(part) if isinstance(part, str) else part for part in parts)


def _sentiment(sentiment: str, text: str) -> Text:
    return Text(text, _COLOURS[sentiment])


def _preview(value: bytes) -> str:
    text = printable(mask(value[: 4 * _MASKED_CHARS].decode("utf-8", "replace")[:_MASKED_CHARS], handles=True))
    return text if len(text) <= _PREVIEW_CHARS else f"{text[:_PREVIEW_CHARS]}…"


def _moment(record: ConsumerRecord) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


def _time(moment: datetime) -> Text:
    return Text(moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"), "dim")


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
