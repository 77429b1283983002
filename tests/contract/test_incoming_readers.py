"""Items, behaviors and requests as users send them: lenient in form, strict in sense."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from streams.contract.incoming import BadMessageError, Record
from streams.contract.incoming_readers import decode_behavior, decode_item, decode_request, withdrawn_item

APPENDED = datetime(2026, 3, 2, 9, 50, tzinfo=UTC)
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def record(value: object, key: bytes | None = None, headers: list[tuple[str, bytes]] | None = None) -> Record:
    data = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return Record("topic", 2, 7, APPENDED.timestamp(), key, data, headers or [])


def item(value: object, **more: Any) -> Any:  # noqa: ANN401  an item, or its error
    return decode_item(record(value, **more), max_bytes=1000, max_chars=100)


def behavior(value: object, **more: Any) -> Any:  # noqa: ANN401  likewise
    return decode_behavior(record(value, **more), max_bytes=1000)


def test_an_item_needs_only_a_text() -> None:
    found = item({"text": "Rates fall"}, key=b"guide-1")
    assert (found.id, found.text, found.time) == ("guide-1", "Rates fall", APPENDED)
    assert (found.title, found.topics, found.sentiment, found.expires) == (None, [], None, None)


def test_an_item_without_id_and_key_is_named_by_its_place() -> None:
    assert item({"text": "Rates fall"}).id == item({"text": "Other"}).id


@pytest.mark.parametrize(
    "time", ["2026-03-02T09:00:00Z", "2026-03-02t10:00:00+01:00", NINE.timestamp(), "1772442000000"]
)
def test_times_come_in_any_form(time: object) -> None:
    assert item({"text": "a", "time": time, "expires": time}).expires == NINE
    assert behavior({"user": 1, "item": 2, "action": "click", "time": time}).time == NINE


def test_numbers_are_ids() -> None:
    found = behavior({"user": 17, "item": 4, "action": "Click", "seconds": 3})
    assert (found.user, found.item, found.action, found.seconds) == ("17", "4", "click", 3.0)
    assert item({"id": 4, "text": "a"}, key=b"9").id == "4"


AHEAD = "2099-01-01T00:00:00Z"


def test_what_is_dated_later_than_its_record_is_as_old_as_that() -> None:
    assert behavior({"user": "ada", "item": "a", "action": "view", "time": AHEAD}).time == APPENDED
    ahead = item({"text": "a", "time": AHEAD, "expires": AHEAD})
    assert ahead.time == APPENDED
    assert ahead.expires == datetime(2099, 1, 1, tzinfo=UTC)
    event = [("ce_specversion", b"1.0"), ("ce_id", b"e-1"), ("ce_time", AHEAD.encode())]
    assert behavior({"user": "ada", "item": "a", "action": "view"}, headers=event).time == APPENDED


def test_beside_a_record_without_a_time_any_time_holds() -> None:
    bare = Record("topic", 2, 7, -0.001, None, json.dumps({"text": "a", "time": AHEAD}).encode(), [])
    assert decode_item(bare, max_bytes=1000, max_chars=100).time == datetime(2099, 1, 1, tzinfo=UTC)


def test_an_item_has_up_to_a_hundred_topics_with_names() -> None:
    topics = [f"{number:03}".ljust(256, "t") for number in range(100)]
    value = json.dumps({"text": "a", "topics": topics}).encode()
    assert decode_item(record(value), max_bytes=100_000, max_chars=100).topics == topics


def test_a_cloud_event_gives_what_is_absent() -> None:
    event = [("ce_specversion", b"1.0"), ("ce_id", b"e-1"), ("ce_time", b"2026-03-02T09:00:00Z")]
    found = behavior({"user": "ada", "item": "a", "action": "view"}, headers=event)
    assert (found.id, found.time) == ("e-1", NINE)


def test_a_withdrawal_names_its_item_by_the_key() -> None:
    assert withdrawn_item(record(None, key=b"guide-1")) == "guide-1"
    with pytest.raises(BadMessageError) as raised:
        withdrawn_item(record(None))
    assert raised.value.reason == "empty"


def test_a_request_is_named_by_its_place_where_it_has_no_id() -> None:
    found = decode_request(record({"user": "ada"}), max_bytes=1000)
    assert (found.user, found.limit, len(found.id)) == ("ada", 10, 32)


@pytest.mark.parametrize(
    ("decode", "value", "reason"),
    [
        (item, {"text": " "}, "empty_text"),
        (item, {"text": "a" * 101}, "text_too_long"),
        (item, {"id": "a"}, "wrong_type"),
        (item, {"text": "a", "sentiment": 2}, "wrong_type"),
        (item, {"text": "a", "expires": "soon"}, "bad_time"),
        (item, {"text": "a", "topics": ["private".ljust(257, "t")]}, "wrong_type"),
        (item, {"text": "a", "topics": ["private"] + ["t"] * 100}, "wrong_type"),
        (item, {"id": "i" * 513, "text": "a"}, "wrong_type"),
        (item, b"{", "malformed"),
        (item, b"\xff", "not_utf8"),
        (item, b"x" * 1001, "too_large"),
        (behavior, {"user": "private", "item": "a", "action": "stare private"}, "wrong_type"),
        (behavior, {"user": "", "item": "a", "action": "view"}, "wrong_type"),
        (behavior, {"user": "private", "action": "view"}, "wrong_type"),
        (behavior, {"user": "private", "item": "a", "action": "view", "seconds": -1}, "wrong_type"),
        (behavior, {"user": "private", "item": "a", "action": "view", "time": "private"}, "bad_time"),
        (behavior, None, "empty"),
    ],
)
def test_what_is_none_tells_the_reason_and_nothing_of_its_content(decode: Any, value: object, reason: str) -> None:  # noqa: ANN401
    with pytest.raises(BadMessageError) as raised:
        decode(value)
    assert raised.value.reason == reason
    assert "private" not in str(raised.value)
    assert str(raised.value).startswith("topic[2]@7")


@pytest.mark.parametrize("limit", [0, 101])
def test_a_request_for_too_many_or_none_is_refused(limit: int) -> None:
    with pytest.raises(BadMessageError):
        decode_request(record({"user": "ada", "limit": limit}), max_bytes=1000)
