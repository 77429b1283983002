from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from streams.logic.surge.seen import KEPT, Seen, short_print

DAY = 288


def test_the_latest_messages_are_known_by_id_and_by_text() -> None:
    seen = Seen()
    for at in range(KEPT + 10):
        seen.add(short_print(f"id {at}"), short_print(f"text {at}"), 1_000 + at)
    now = 1_000 + KEPT + 10
    assert not seen.has_id(short_print("id 9"), now, KEPT * 2)
    assert seen.has_id(short_print("id 10"), now, KEPT * 2)
    assert seen.has_text(short_print("text 10"), now, KEPT * 2)
    assert not seen.has_text(short_print("id 10"), now, KEPT * 2)


def test_a_message_is_known_for_as_long_as_it_is_asked_for() -> None:
    seen = Seen()
    seen.add(short_print("id"), short_print("text"), 70_000)
    assert seen.has_text(short_print("text"), 70_000 + DAY, DAY)
    assert not seen.has_text(short_print("text"), 70_000 + DAY + 1, DAY)
    assert seen.has_text(short_print("text"), 70_000 - 3, DAY), "messages come a little out of order"


def test_what_is_known_anew_is_known_though_it_was_known_long_ago() -> None:
    seen = Seen()
    seen.add(short_print("id"), short_print("text"), 1_000)
    seen.add(short_print("id"), short_print("text"), 5_000)
    assert seen.has_text(short_print("text"), 5_001, DAY)


def test_it_is_two_kilobytes_and_kept_as_it_is() -> None:
    seen = Seen()
    for at in range(3 * KEPT):
        seen.add(short_print(str(at)), short_print(str(-at)), at)
    state = msgspec.msgpack.encode(seen)
    assert len(state) < 2_100
    again = msgspec.msgpack.decode(state, type=Seen)
    assert again == seen
    again.add(short_print("new"), short_print("new"), 3 * KEPT)
    assert again.has_id(short_print("new"), 3 * KEPT, DAY)


@quick
@given(st.lists(st.text(max_size=3), max_size=200))
def test_what_was_added_is_known(texts: list[str]) -> None:
    seen = Seen()
    for at, text in enumerate(texts):
        seen.add(short_print(f"id {at}"), short_print(text), 100)
    assert all(seen.has_text(short_print(text), 100, DAY) for text in texts)
    assert all(seen.has_id(short_print(f"id {at}"), 100, DAY) for at in range(len(texts)))
