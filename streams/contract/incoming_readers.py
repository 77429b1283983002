"""From the bytes of readers' topics to items, behaviors and requests, or to the reason why not.

As lenient as with messages: ids may be numbers, times ISO 8601 or epochs, and CloudEvents may wrap any of them. What is
absent is taken from the CloudEvent, then from Kafka itself. What is dated later than its record passes for as old as
that: nothing is told before it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import msgspec

from streams.contract.ids import output_id
from streams.contract.incoming import BadMessageError, check_text, decode_payload, given_id, given_time
from streams.contract.recommendations import Behavior, BehaviorAction, Item, RecommendationRequest, Topics

if TYPE_CHECKING:
    from streams.contract.incoming import Record

_ACTIONS: tuple[BehaviorAction, ...] = get_args(BehaviorAction)
_MAX_LIMIT = 100


class InputItem(msgspec.Struct):
    """What a user may send of an item; other fields are ignored."""

    text: str
    id: str | int | None = None
    time: str | int | float | None = None
    title: str | None = None
    url: str | None = None
    source: str | None = None
    topics: Topics | None = None
    sentiment: float | None = None
    expires: str | int | float | None = None


class InputBehavior(msgspec.Struct):
    """What a user may send of a behavior; other fields are ignored."""

    user: str | int
    item: str | int
    action: str
    time: str | int | float | None = None
    id: str | int | None = None
    seconds: float | None = None


class InputRequest(msgspec.Struct):
    """What a user may send to ask for recommendations; other fields are ignored."""

    user: str | int
    id: str | int | None = None
    time: str | int | float | None = None
    limit: int = 10


_item = msgspec.json.Decoder(InputItem)
_behavior = msgspec.json.Decoder(InputBehavior)
_request = msgspec.json.Decoder(InputRequest)


def decode_item(record: Record, *, max_bytes: int, max_chars: int) -> Item:
    """Read one record of the items topic that has a value; without one it is a withdrawal, for ``withdrawn_item``.

    An item without an id has its record's key for one, by which it can be withdrawn.

    Args:
        record: As it came from Kafka.
        max_bytes: Limit on the value.
        max_chars: Limit on the text, in code points.

    Raises:
        BadMessageError: It is no item; with the reason.
    """
    payload, attributes = decode_payload(record, _item, max_bytes=max_bytes)
    check_text(payload.text, record, max_chars)
    if payload.sentiment is not None and not -1.0 <= payload.sentiment <= 1.0:
        raise BadMessageError("wrong_type", f"{record.place}: sentiment is not between -1 and 1")
    return Item(
        id=given_id(payload.id, _key(record) or attributes.id, record) or _made_id(record, "item"),
        text=payload.text,
        time=_time(payload.time, attributes.time, record),
        title=payload.title or None,
        url=payload.url or None,
        source=payload.source or "",
        topics=payload.topics or [],
        sentiment=payload.sentiment,
        expires=None if payload.expires in (None, "") else given_time(payload.expires, None, record, "expires"),
    )


def withdrawn_item(record: Record) -> str:
    """Id of the item that a record without a value withdraws: its key.

    Raises:
        BadMessageError: It has none.
    """
    key = _key(record)
    if key is None:
        raise BadMessageError("empty", f"{record.place}: the record has neither a value nor a key")
    return key


def decode_behavior(record: Record, *, max_bytes: int) -> Behavior:
    """Read one record of the behaviors topic.

    Raises:
        BadMessageError: It is no behavior; with the reason.
    """
    payload, attributes = decode_payload(record, _behavior, max_bytes=max_bytes)
    action = next((action for action in _ACTIONS if action == payload.action.strip().lower()), None)
    if action is None:
        raise BadMessageError("wrong_type", f"{record.place}: action is none of {', '.join(_ACTIONS)}")
    if payload.seconds is not None and payload.seconds < 0.0:
        raise BadMessageError("wrong_type", f"{record.place}: seconds are negative")
    return Behavior(
        user=_required(payload.user, "user", record),
        item=_required(payload.item, "item", record),
        action=action,
        time=_time(payload.time, attributes.time, record),
        id=given_id(payload.id, attributes.id, record),
        seconds=payload.seconds,
    )


def decode_request(record: Record, *, max_bytes: int) -> RecommendationRequest:
    """Read one record of the requests topic.

    Raises:
        BadMessageError: It is no request; with the reason.
    """
    payload, attributes = decode_payload(record, _request, max_bytes=max_bytes)
    if not 1 <= payload.limit <= _MAX_LIMIT:
        raise BadMessageError("wrong_type", f"{record.place}: limit is not between 1 and {_MAX_LIMIT}")
    return RecommendationRequest(
        id=given_id(payload.id, attributes.id, record) or _made_id(record, "request"),
        user=_required(payload.user, "user", record),
        time=_time(payload.time, attributes.time, record),
        limit=payload.limit,
    )


def _required(given: str | int, field: str, record: Record) -> str:
    text = given_id(given, None, record, field)
    if text is None:
        raise BadMessageError("wrong_type", f"{record.place}: {field} is empty")
    return text


def _time(given: str | float | None, else_given: str | None, record: Record) -> datetime:
    time = given_time(given, else_given, record)
    # Records of before there were times in Kafka have none, which is told by one below 0.
    return datetime.fromtimestamp(record.timestamp, UTC) if 0.0 < record.timestamp < time.timestamp() else time


def _made_id(record: Record, kind: str) -> str:
    return output_id(record.topic, record.partition, record.offset, kind)


def _key(record: Record) -> str | None:
    return record.key.decode("utf-8", "replace") if record.key else None
