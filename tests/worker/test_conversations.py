from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from structlog.testing import capture_logs
from support.replies import turn

from streams.contract.replies import ConversationState
from streams.contract.service_settings import RepliesSettings
from streams.contract.settings import Settings
from streams.worker.conversations import Conversations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.outgoing import Output

SETTINGS = Settings(replies=RepliesSettings(forget_hours=1.0))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def kept(outputs: Sequence[Output]) -> list[ConversationState]:
    return [msgspec.json.decode(output.value, type=ConversationState) for output in outputs if output.value is not None]


def test_what_was_heard_is_written_to_the_partition_of_the_turns_and_comes_back() -> None:
    first = Conversations(SETTINGS, lambda _: [])
    first.of(3, "talk").hear(turn(kind="taken_over"))
    first.of(1, "other").hear(turn(id_="t2"))
    outputs = first.states()
    assert [(output.partition, output.key) for output in outputs] == [(1, b"other"), (3, b"talk")]
    assert {output.topic for output in outputs} == {"tocsin.conversations"}
    states = {partition: [state] for partition, state in zip((1, 3), kept(outputs), strict=True)}
    second = Conversations(SETTINGS, lambda partition: states[partition])
    assert second.of(3, "talk").taken_over
    assert not second.of(1, "other").taken_over
    assert not second.of(1, "other").hear(turn(id_="t2"))


def test_only_what_was_asked_for_is_written_again() -> None:
    conversations = Conversations(SETTINGS, lambda _: [])
    conversations.of(0, "a")
    conversations.of(0, "b")
    assert len(conversations.states()) == 2
    conversations.of(0, "b")
    assert [output.key for output in conversations.states()] == [b"b"]
    assert conversations.states() == []


def test_a_partition_is_read_once_and_again_after_it_was_given_up() -> None:
    read: list[int] = []

    def read_state(partition: int) -> list[ConversationState]:
        read.append(partition)
        return []

    conversations = Conversations(SETTINGS, read_state)
    conversations.of(0, "a")
    conversations.of(0, "b")
    conversations.forget([("tocsin.turns", 0), ("tocsin.signals", 1)])
    assert len(conversations) == 0
    conversations.of(0, "a")
    assert read == [0, 0]


def test_a_conversation_that_was_silent_for_long_is_taken_out_of_the_topic() -> None:
    clock = Clock()
    conversations = Conversations(SETTINGS, lambda _: [], clock)
    conversations.of(0, "silent").hear(turn())
    conversations.states()
    clock.now = 3700.0
    conversations.of(0, "lively").hear(turn(id_="t2"))
    outputs = conversations.states()
    assert [(output.key, output.value is None) for output in outputs] == [(b"lively", False), (b"silent", True)]
    assert len(conversations) == 1


def test_state_that_is_none_is_left_out_and_told() -> None:
    broken = [
        ConversationState(conversation="a", form=99, state=b""),
        ConversationState(conversation="b", form=1, state=b"\xff"),
    ]
    with capture_logs() as logs:
        conversations = Conversations(SETTINGS, lambda _: broken)
        assert not conversations.of(0, "a").turns
    assert [line["event"] for line in logs[:2]] == ["a conversation's state is left out"] * 2


def test_what_was_said_at_the_end_of_the_calendar_is_restored_like_any_other() -> None:
    first = Conversations(SETTINGS, lambda _: [])
    for name, time in (("never", datetime.max.replace(tzinfo=UTC)), ("first", datetime.min.replace(tzinfo=UTC))):
        first.of(0, name).hear(turn(time=time, kind="taken_over"))
    states = kept(first.states())
    second = Conversations(SETTINGS, lambda _: states)
    assert second.of(0, "never").taken_over
    assert len(second) == 2
