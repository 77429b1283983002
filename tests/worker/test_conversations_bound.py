"""Conversations that somebody invents do not fill a worker's memory."""

from __future__ import annotations

from streams.contract.service_settings import RepliesSettings
from streams.contract.settings import Settings
from streams.worker.conversations import Conversations

SETTINGS = Settings(replies=RepliesSettings(max_conversations=50))


def test_beyond_the_most_the_longest_silent_go_and_are_removed() -> None:
    conversations = Conversations(SETTINGS, lambda _: [])
    for number in range(60):
        conversations.of(0, f"c{number:02}")
        outputs = conversations.states()
        assert len(conversations) <= 50
    assert [(output.key, output.value) for output in outputs if output.value is None] == [(b"c09", None)]
    conversations.of(0, "c10")
    assert [output.key for output in conversations.states() if output.value is None] == []


def test_what_is_in_hand_is_written_before_it_can_go() -> None:
    conversations = Conversations(SETTINGS, lambda _: [])
    for number in range(80):
        conversations.of(0, f"c{number:02}")
    outputs = conversations.states()
    assert sum(output.value is not None for output in outputs) == 80
    conversations.of(0, "one more")
    conversations.states()
    assert len(conversations) == 50


def test_of_each_partition_by_itself() -> None:
    conversations = Conversations(SETTINGS, lambda _: [])
    for partition in range(3):
        for number in range(60):
            conversations.of(partition, f"c{number}")
            conversations.states()
    assert len(conversations) == 150
