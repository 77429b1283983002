from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from support.replies import prediction

from streams.contract.incoming import Record
from streams.contract.records import Message
from streams.contract.replies import Turn
from streams.contract.settings import TopicsSettings
from streams.logic.turns import TurnMaker, conversation_of

RECORD = Record("customer", 2, 41, 1_700_000_000.0, b"k", b"v", ())


def message(**changes: Any) -> Message:  # noqa: ANN401
    fields = {"id": "m-1", "text": "Where is my card?", "source": "chat", "time": datetime(2026, 3, 2, tzinfo=UTC)}
    return Message(**fields | changes)


def turn(said: Message) -> Turn:
    output = TurnMaker(TopicsSettings()).turn(RECORD, said, prediction())
    return msgspec.json.decode(output.value or b"", type=Turn)


@pytest.mark.parametrize(
    ("fields", "conversation"),
    [
        ({"conversation": "talk", "user": "u-7"}, "talk"),
        ({"user": "u-7"}, "u-7"),
        ({"conversation": "", "user": ""}, "m-1"),
        ({}, "m-1"),
    ],
)
def test_a_turn_belongs_to_the_conversation_else_to_the_user_else_to_itself(
    fields: dict[str, str], conversation: str
) -> None:
    said = message(**fields)
    output = TurnMaker(TopicsSettings()).turn(RECORD, said, prediction())
    assert output.key == conversation.encode()
    assert turn(said).conversation == conversation


def test_a_turn_bears_the_time_at_which_its_message_came_and_one_id_however_often_it_is_read() -> None:
    one, other = (TurnMaker(TopicsSettings()).turn(RECORD, message(), prediction()) for _ in range(2))
    assert one == other
    assert (one.topic, one.timestamp) == ("tocsin.turns", RECORD.timestamp)
    made = turn(message())
    assert (made.kind, made.message_id, made.time) == ("asked", "m-1", message().time)
    assert made.prediction == prediction()


def test_a_turn_is_small_whatever_a_customer_sends() -> None:
    long = "x" * 900_000
    said = message(text=long, conversation=long, user=long, author=long, language=long, source=long)
    output = TurnMaker(TopicsSettings()).turn(RECORD, said, prediction())
    assert len(output.key) + len(output.value or b"") < 20_000


def test_two_conversations_with_long_names_are_not_taken_for_one() -> None:
    one, other = (conversation_of(message(conversation="x" * 600 + end)) for end in "ab")
    assert one != other
    assert one == conversation_of(message(conversation="x" * 600 + "a"))
