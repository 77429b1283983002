"""The connector is a real process over a real broker: what it posts is posted once, over its own death too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from pydantic import SecretStr
from support.messages import produce
from support.processes import run_tocsin, settings_env, wait_for
from support.streams import read_dead_letters
from support.webhook import Receiver

from streams.contract.cloudevents import headers
from streams.contract.records import encode
from streams.contract.replies import Reply, ReplyAction
from streams.contract.service_settings import RepliesSettings
from streams.contract.topics import replies_topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.processes import TocsinProcess

    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def posting(stream_settings: Settings, receiver: Receiver) -> Settings:
    chosen = RepliesSettings(
        enabled=False, webhook_url=receiver.url, webhook_secret=SecretStr("rosebud"), webhook_attempts=2
    )
    return stream_settings.model_copy(update={"replies": chosen})


def publish(settings: Settings, *replies: Reply) -> None:
    topic = replies_topic(settings.topics)
    records = [
        (reply.conversation.encode(), encode(reply), headers(id=reply.id, type="tocsin.reply", time=reply.time))
        for reply in replies
    ]
    produce(settings, topic, records)


def reply(number: int, action: ReplyAction = "send", conversation: str = "talk") -> Reply:
    return Reply(
        id=f"reply-{number}",
        conversation=conversation,
        message_id=str(number),
        action=action,
        text=f"Answer {number}",
        reason="answered" if action == "send" else "weak_evidence",
        detail="",
        confidence=0.9,
        evidence=["new-card"],
        time=datetime.now(UTC) - timedelta(seconds=number),
    )


def connector(settings: Settings) -> TocsinProcess:
    return run_tocsin(["replies", "connector"], settings_env(settings))


def posted(receiver: Receiver) -> list[str]:
    ids = []
    for post in list(receiver.posts):
        body: dict[str, Any] = msgspec.json.decode(post.body)
        assert {name.lower(): value for name, value in post.headers.items()}["idempotency-key"] == body["id"]
        ids.append(body["id"])
    return ids


def test_what_is_to_be_sent_is_posted_in_order_over_the_death_of_the_connector(
    posting: Settings, receiver: Receiver
) -> None:
    publish(posting, reply(1), reply(2, "review"), reply(3, "handoff"), reply(4))
    receiver.hold.clear()
    with connector(posting) as doomed:
        wait_for(lambda: posted(receiver), what="for a post that is not answered")
        doomed.kill()
    receiver.hold.set()
    receiver.posts.clear()
    with connector(posting) as second:
        wait_for(lambda: "reply-4" in posted(receiver), what="for what was not committed")
        publish(posting, reply(5))
        wait_for(lambda: "reply-5" in posted(receiver), what="for what came later")
        assert second.terminate() == 0, second.stderr
    assert posted(receiver) == ["reply-1", "reply-4", "reply-5"]
    with connector(posting) as third:
        publish(posting, reply(6))
        wait_for(lambda: "reply-6" in posted(receiver), what="for the third")
        assert third.terminate() == 0, third.stderr
    assert posted(receiver) == ["reply-1", "reply-4", "reply-5", "reply-6"]


@pytest.mark.parametrize("broker", ["tansu_broker"], indirect=True)
def test_what_is_not_taken_is_a_dead_letter_that_is_posted_again_when_it_is_put_back(
    posting: Settings, receiver: Receiver
) -> None:
    receiver.answers += [(400, {}), (500, {}), (500, {})]
    with connector(posting) as running:
        publish(posting, reply(1))
        wait_for(lambda: len(receiver.posts) == 1, what="for the refusal")
        publish(posting, reply(2))
        letters = read_dead_letters(posting, 2)
        assert sorted(letter["reason"] for letter in letters) == ["webhook_failed", "webhook_refused"]
        assert {letter["stage"] for letter in letters} == {"post"}
        assert "secret" not in str([letter["error"] for letter in letters]) + running.stderr
        with run_tocsin(["dead-letters", "replay", "--all", "--yes"], settings_env(posting)) as replay:
            assert replay.wait() == 0, replay.stderr
        wait_for(lambda: posted(receiver)[-2:] == ["reply-1", "reply-2"], what="for both again")
        assert running.terminate() == 0, running.stderr
