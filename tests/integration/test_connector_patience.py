"""A batch of the connector ends while its group still waits for it; what is left comes with the next, once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from support.processes import wait_for
from support.streams import read_dead_letters

from exporters.reply_metrics import WebhookMetrics
from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client, consumer, producer
from streams.contract.records import encode
from streams.contract.replies import Reply
from streams.contract.topics import all_topics, replies_topic
from streams.worker.connector import BEGIN_SECONDS, Connector, connector_group
from streams.worker.webhook import LONGEST_SECONDS, LONGEST_TIMEOUT_SECONDS, OUTCOMES, STEPS, Posted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from kafka.structs import OffsetAndMetadata

    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration

PATIENCE_SECONDS = KafkaConsumer.DEFAULT_CONFIG["max_poll_interval_ms"] / 1000
PARTITION = 1


class Away:
    """In the place of ``Webhook``: some replies are tried for as long as may be, on a clock of its own, and not taken.

    Args:
        settings: Where the group commits.
        failing: Ids of those replies.
        until: What must have been posted before the first of them is given up.
    """

    host = "support.example"

    def __init__(self, settings: Settings, failing: Collection[str] = (), until: str = "") -> None:
        self._settings = settings
        self._failing = failing
        self._until = until
        self._until_posted = threading.Event()
        self.now = 0.0
        self.posts: list[str] = []
        self.committed: dict[str, int | None] = {}
        """What the group had committed when each reply was posted."""
        self.stopped = threading.Event()

    def post(self, reply_id: str, _: bytes) -> Posted:
        """As ``Webhook.post``."""
        self.posts.append(reply_id)
        self.committed[reply_id] = committed(self._settings)
        if reply_id == self._until:
            self._until_posted.set()
        if reply_id not in self._failing:
            return Posted("posted", 1)
        assert not self._until or self._until_posted.wait(10)
        self.now += LONGEST_SECONDS
        return Posted("failed", 6, "HTTP 503")

    def clock(self) -> float:
        """Seconds."""
        return self.now


def committed(settings: Settings) -> int | None:
    with consumer(settings.kafka, group_id=connector_group(settings)) as reader:
        found: int | None = reader.committed(TopicPartition(replies_topic(settings.topics), PARTITION))
    return found


def publish(settings: Settings, *ids: str) -> None:
    """Replies to be sent, all on one partition; the part of an id before the dash is its conversation."""
    replies = [
        Reply(
            id=id_,
            conversation=id_.partition("-")[0],
            message_id=id_,
            action="send",
            text="It is on its way.",
            reason="answered",
            detail="",
            confidence=0.9,
            evidence=[],
            time=datetime.now(UTC),
        )
        for id_ in ids
    ]
    with producer(settings.kafka) as sender:
        for reply in replies:
            sender.send(replies_topic(settings.topics), encode(reply), key=b"talk", partition=PARTITION)
        sender.flush()


def refuse_commits(monkeypatch: pytest.MonkeyPatch, *errors: KafkaError) -> list[KafkaError]:
    """The next commits fail, each by one of these; those that are left."""
    commit, left = KafkaConsumer.commit, list(errors)

    def refuse(reader: KafkaConsumer, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        if not left:
            commit(reader, offsets)
            return
        # What a group that has gone on does next: it begins again with what is committed.
        for partition in reader.assignment():
            reader.seek_to_beginning(partition)
        raise left.pop(0)

    monkeypatch.setattr(KafkaConsumer, "commit", refuse)
    return left


@pytest.fixture
def connect(unmade_settings: Settings) -> Iterator[Callable[[Away], None]]:
    """Runs a connector over a webhook until the test ends."""
    with ThreadPoolExecutor() as threads:
        running = []

        def start(webhook: Away) -> None:
            connector = Connector(
                unmade_settings,
                webhook,
                WebhookMetrics(CollectorRegistry(), OUTCOMES),
                webhook.stopped.is_set,
                webhook.clock,
            )
            running.append((webhook, threads.submit(connector.run)))

        try:
            yield start
        finally:
            for webhook, _ in running:
                webhook.stopped.set()
            for _, run in running:
                run.result(30)


def test_the_longest_batch_is_over_before_the_group_takes_its_consumer_for_dead() -> None:
    assert BEGIN_SECONDS + LONGEST_SECONDS + STEPS * LONGEST_TIMEOUT_SECONDS < PATIENCE_SECONDS


def test_replies_that_come_up_late_are_left_to_the_next_batch_and_nothing_is_posted_twice(
    stream_settings: Settings, connect: Callable[[Away], None]
) -> None:
    ids = ("slow-1", "slow-2", "quick-1", "slow-3", "quick-2")
    publish(stream_settings, *ids)
    webhook = Away(stream_settings, {"slow-1", "slow-2"}, until="quick-2")
    connect(webhook)
    letters = read_dead_letters(stream_settings, 2)
    wait_for(lambda: committed(stream_settings) == len(ids), what="for all to be committed")
    assert {letter["reason"] for letter in letters} == {"webhook_failed"}
    assert sorted(webhook.posts[:3]) == ["quick-1", "quick-2", "slow-1"]
    assert webhook.posts[3:] == ["slow-2", "slow-3"]
    # By then the group has heard of the connector: each is the first of its conversation in a batch.
    assert [webhook.committed[id_] for id_ in ("slow-1", "slow-2", "slow-3")] == [None, 1, 3]


def test_a_connector_that_is_there_before_its_topic_posts_as_soon_as_there_is_something(
    unmade_settings: Settings, connect: Callable[[Away], None]
) -> None:
    webhook = Away(unmade_settings)
    with capture_logs() as logs:
        connect(webhook)
        wait_for(
            lambda: any("is not there yet" in line["event"] for line in logs),
            what="for the connector to look for its topic",
        )
    with admin_client(unmade_settings.kafka) as admin:
        create_topics(admin, all_topics(unmade_settings))
    publish(unmade_settings, "talk-1")
    wait_for(lambda: webhook.posts == ["talk-1"], what="for the reply to be posted")


def test_what_was_posted_but_not_committed_is_not_posted_again(
    stream_settings: Settings, connect: Callable[[Away], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = refuse_commits(monkeypatch, CommitFailedError())
    publish(stream_settings, "talk-1", "other-1")
    webhook = Away(stream_settings)
    connect(webhook)
    wait_for(lambda: not left, what="for the first commit")
    publish(stream_settings, "talk-2")
    wait_for(lambda: committed(stream_settings) == 3, what="for all to be committed")
    assert sorted(webhook.posts) == ["other-1", "talk-1", "talk-2"]


class Stopping(Away):
    """Has the connector stop with the first reply."""

    def post(self, reply_id: str, body: bytes) -> Posted:
        """As ``Webhook.post``."""
        self.stopped.set()
        return super().post(reply_id, body)


def test_what_was_posted_while_the_group_was_formed_anew_is_committed_once_it_is(
    stream_settings: Settings, connect: Callable[[Away], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = refuse_commits(monkeypatch, RebalanceInProgressError(), RebalanceInProgressError())
    publish(stream_settings, "talk-1", "talk-2")
    webhook = Stopping(stream_settings)
    connect(webhook)
    wait_for(lambda: committed(stream_settings) == 1, what="for the one that was posted")
    assert webhook.posts == ["talk-1"]
    after = Away(stream_settings)
    connect(after)
    wait_for(lambda: committed(stream_settings) == 2, what="for the other")
    assert after.posts == ["talk-2"]
    assert not left


def test_a_connector_that_is_to_stop_begins_no_other_reply(
    stream_settings: Settings, connect: Callable[[Away], None]
) -> None:
    publish(stream_settings, "talk-1", "talk-2", "talk-3")
    webhook = Stopping(stream_settings)
    connect(webhook)
    wait_for(lambda: committed(stream_settings) == 1, what="for the one that was begun")
    assert webhook.posts == ["talk-1"]
