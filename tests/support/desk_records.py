"""Records as the tests of the page need them, each made in a line."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from support.readings import SURE, seen

from streams.contract.alerts import Trend
from streams.contract.labels import LabelRequest
from streams.contract.replies import Reply, Turn
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from datetime import datetime

    from msgspec import Struct

    from streams.contract.records import SourceKind
    from streams.contract.replies import ReplyAction, ReplyReason
    from streams.contract.settings import Settings

WINDOW = timedelta(minutes=5)


class Told(NamedTuple):
    """A record and its key."""

    key: bytes
    record: Struct


def topic_of(settings: Settings, kind: type[Struct]) -> str:
    """The topic of these records."""
    return next(spec.name for spec in all_topics(settings) if spec.record is kind)


def make_trend(subject: str, start: datetime, volume: int, negative: int, usual: tuple[float, float]) -> Trend:
    """One window of a subject; what is not negative is half neutral."""
    neutral = (volume - negative) // 2
    return Trend(
        id=f"{subject} {start.isoformat()}",
        subject=subject,
        start=start,
        end=start + WINDOW,
        volume=volume,
        negative=negative,
        neutral=neutral,
        positive=volume - negative - neutral,
        expected_volume=usual[0],
        expected_negative=usual[1],
        change=None,
    )


def make_request(number: int, text: str, now: datetime, kind: SourceKind = "social", **fields: object) -> LabelRequest:
    """A request for a label of a message."""
    given = {"reason": "uncertain", "topics": ["service"], "sentiment": "negative", "sentiment_score": 0.54} | fields
    return LabelRequest(
        id=f"r-{number}",
        message_id=f"q-{number}",
        text=text,
        kind=kind,
        source="Example Social" if kind == "social" else "mailbox",
        message_time=now - timedelta(minutes=number),
        time=now,
        score=1.0 - number / 100,
        model="encoder:2",
        **given,
    )


def make_turn(conversation: str, text: str, time: datetime, intent: str | None = None, **fields: object) -> Turn:
    """A customer's turn, read by a model where an intent is told."""
    reading = None
    if intent is not None:
        scores = {"negative": 0.71, "neutral": 0.25, "positive": 0.04}
        reading = seen(
            text,
            kind="customer",
            sentiment_scores=scores if fields.pop("is_negative", True) else SURE,
            topic_scores={"payments": 0.88, "service": 0.12},
            intent_scores={intent: 0.83, "other": 0.1},
        ).prediction
    given = {"kind": "asked", "source": "mailbox", "message_id": f"m-{conversation}"} | fields
    return Turn(
        id=f"{given['kind']} {time.isoformat()}",
        conversation=conversation,
        time=time,
        text=text,
        prediction=reading,
        **given,
    )


def make_reply(
    conversation: str,
    time: datetime,
    action: ReplyAction = "review",
    text: str = "",
    reason: ReplyReason = "weak_evidence",
    detail: str = "",
    **fields: object,
) -> Reply:
    """What is to be done about a conversation's message."""
    given = {
        "id": f"reply-{conversation}",
        "message_id": f"m-{conversation}",
        "confidence": 0.62,
        "evidence": [],
        "origin": "generated" if text else "none",
        "model": "encoder:2",
    }
    told = {"action": action, "text": text, "reason": reason, "detail": detail, "time": time}
    return Reply(conversation=conversation, **(given | told | fields))
