"""The connector: posts what is to be sent to a webhook, as a consumer of the replies with a group of its own.

Nobody waits for it, and nothing is lost with a process: what was posted is committed after it was posted, so a reply
whose post was cut off is posted again, with the same id. What is refused, or not taken however often it was tried, is a
dead letter: told, and put back by `tocsin dead-letters replay`.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import structlog
from kafka.errors import CommitFailedError, KafkaError

from streams.brokers.client import consumer, producer
from streams.brokers.errors import BrokerError
from streams.contract.access import connector_group as group_of_connectors
from streams.contract.decoding import JsonDecoder
from streams.contract.ids import output_id
from streams.contract.records import DeadLetter, encode
from streams.contract.replies import Reply
from streams.contract.topics import dead_letters_topic, replies_topic
from streams.worker.webhook import Posted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kafka import KafkaConsumer, KafkaProducer
    from kafka.consumer.fetcher import ConsumerRecord

    from exporters.reply_metrics import WebhookMetrics
    from streams.contract.settings import Settings
    from streams.worker.webhook import Webhook

_POLL_MS = 200
# Few, so that a batch of posts that are all tried to the end is done before the group takes this consumer for dead.
_BATCH = 8
_PAUSE_SECONDS = 2.0
# By then somebody may have answered by hand; and a new group begins with whatever the topic still holds.
STALE_SECONDS = 900.0

log = structlog.get_logger(__name__)

_reply = JsonDecoder(Reply)


def connector_group(settings: Settings) -> str:
    """Consumer group of connectors."""
    return group_of_connectors(settings.kafka.group_id)


class Connector:
    """Posts replies until stopped.

    Args:
        settings: Where the brokers are, and the topics.
        webhook: Where to.
        metrics: Where it is counted.
        stopped: Whether it is to end.
    """

    def __init__(
        self, settings: Settings, webhook: Webhook, metrics: WebhookMetrics, stopped: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._webhook = webhook
        self._metrics = metrics
        self._stopped = stopped
        self._replies = replies_topic(settings.topics)
        self._dead_letters = dead_letters_topic(settings.topics)
        self._posting = ThreadPoolExecutor(_BATCH, thread_name_prefix="post")
        self.is_following = False
        """Whether the brokers are there."""

    def run(self) -> None:
        """Post until stopped; brokers that are away are waited for."""
        with self._posting:
            while not self._stopped():
                try:
                    self._follow()
                except (BrokerError, KafkaError, OSError) as error:
                    self.is_following = False
                    log.warning("replies cannot be followed: trying on", error=str(error))
                    time.sleep(_PAUSE_SECONDS)

    def _follow(self) -> None:
        kafka = self._settings.kafka
        group = connector_group(self._settings)
        with consumer(kafka, group_id=group) as reader, producer(kafka) as sender:
            reader.subscribe([self._replies])
            self.is_following = True
            log.info("connector started", group=group, host=self._webhook.host)
            while not self._stopped():
                batches = reader.poll(timeout_ms=_POLL_MS, max_records=_BATCH)
                records = [record for batch in batches.values() for record in batch]
                if records:
                    self._post_all(records, sender)
                    self._commit(reader)

    def _commit(self, reader: KafkaConsumer) -> None:
        try:
            reader.commit()
        except CommitFailedError:
            log.warning("the group has gone on without this connector: what was posted last is posted again")

    def _post_all(self, records: Sequence[ConsumerRecord], sender: KafkaProducer) -> None:
        """Post what is to be sent, each conversation in order."""
        conversations: dict[str, list[tuple[ConsumerRecord, Reply]]] = {}
        for record in records:
            if (reply := _sendable(record)) is not None:
                conversations.setdefault(reply.conversation, []).append((record, reply))
        for given_up in self._posting.map(self._post_in_order, conversations.values()):
            for record, posted in given_up:
                self._bury(record, posted, sender)
        sender.flush()

    def _post_in_order(self, replies: Iterable[tuple[ConsumerRecord, Reply]]) -> list[tuple[ConsumerRecord, Posted]]:
        """Post replies of one conversation; those that were not posted, and why."""
        given_up = []
        for record, reply in replies:
            started = time.monotonic()
            posted = self._post(record, reply)
            self._metrics.count(posted.outcome, posted.attempts, time.monotonic() - started)
            if posted.outcome != "posted":
                given_up.append((record, posted))
        return given_up

    def _post(self, record: ConsumerRecord, reply: Reply) -> Posted:
        age = time.time() - record.timestamp / 1000
        if age > STALE_SECONDS:
            return Posted("stale", 1, f"{age:.0f} s old")
        return self._webhook.post(reply.id, record.value)

    def _bury(self, record: ConsumerRecord, posted: Posted, sender: KafkaProducer) -> None:
        place = f"{record.topic}[{record.partition}]@{record.offset}"
        log.error("a reply was not posted: a dead letter", place=place, outcome=posted.outcome, problem=posted.problem)
        letter = DeadLetter(
            id=output_id(record.topic, record.partition, record.offset, "dead-letter"),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            stage="post",
            reason=f"webhook_{posted.outcome}",
            error=f"{place}: not posted to {self._webhook.host}: {posted.problem}",
            attempts=posted.attempts,
            time=datetime.now(UTC),
            key=record.key,
            value=record.value,
            headers=[(name, content or b"") for name, content in record.headers],
        )
        sender.send(self._dead_letters, key=record.topic.encode(), value=encode(letter)).get()


def _sendable(record: ConsumerRecord) -> Reply | None:
    try:
        reply = _reply.decode(record.value or b"")
    except msgspec.DecodeError as error:
        log.warning("left out: no reply", offset=record.offset, partition=record.partition, error=str(error))
        return None
    return reply if reply.action == "send" else None
