"""The connector: posts what is to be sent to a webhook, as a consumer of the replies with a group of its own.

Nobody waits for it, and nothing is lost with a process: what was posted is committed after it was posted, so a reply
whose post was cut off is posted again, with the same id. What is refused, or not taken however often it was tried, is a
dead letter: told, and put back by `tocsin dead-letters replay`.

A consumer that is busy with one batch for too long is taken for dead by its group. So a reply whose turn comes late is
left where it stands and comes first in the next batch, however many of its conversation wait for a receiver that is
away.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import structlog
from kafka import TopicPartition
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from streams.brokers.client import QUIET_FETCH_SECONDS, consumer, producer
from streams.brokers.errors import BrokerError
from streams.brokers.presence import Presence
from streams.contract.access import connector_group as group_of_connectors
from streams.contract.decoding import JsonDecoder
from streams.contract.ids import output_id
from streams.contract.records import DeadLetter, encode
from streams.contract.replies import Reply
from streams.contract.topics import dead_letters_topic, replies_topic
from streams.worker.webhook import Posted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kafka import KafkaConsumer, KafkaProducer
    from kafka.consumer.fetcher import ConsumerRecord

    from exporters.reply_metrics import WebhookMetrics
    from streams.contract.settings import Settings
    from streams.worker.webhook import Webhook

_POLL_MS = 200
# A batch has a thread for each of its replies, so that the first of every conversation begins at once.
_BATCH = 8
BEGIN_SECONDS = 60.0
"""No reply of a batch is begun later than this.

The batch is over once the last that was begun is taken or given up (LONGEST_SECONDS and one attempt more): before the
five minutes are over for which kafka-python, unless told otherwise, lets a consumer be away from its group.
"""
_PAUSE_SECONDS = 2.0
# Each takes _POLL_MS at most while the group is being formed anew, as it is whenever a connector comes or goes.
_COMMIT_ATTEMPTS = 50
_LOOK_SECONDS = 0.5
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
        clock: Seconds that only grow; given in tests.
    """

    def __init__(
        self,
        settings: Settings,
        webhook: Webhook,
        metrics: WebhookMetrics,
        stopped: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._webhook = webhook
        self._metrics = metrics
        self._stopped = stopped
        self._clock = clock
        self._replies = replies_topic(settings.topics)
        self._dead_letters = dead_letters_topic(settings.topics)
        self._posting = ThreadPoolExecutor(_BATCH, thread_name_prefix="post")
        # What stands behind a reply that was left, or was not committed, is read again and not to be posted again. With
        # the id, since a topic that is made anew has the same offsets for other replies.
        self._dealt_with: dict[TopicPartition, set[tuple[int, str]]] = {}
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
        with (
            consumer(kafka, group_id=group, fetch_wait_seconds=QUIET_FETCH_SECONDS) as reader,
            producer(kafka) as sender,
        ):
            if not self._wait_for_topic(reader):
                return
            reader.subscribe([self._replies])
            presence = Presence(kafka)
            self.is_following = True
            log.info("connector started", group=group, host=self._webhook.host)
            while not self._stopped():
                batches = reader.poll(timeout_ms=_POLL_MS, max_records=_BATCH)
                if batches:
                    left = self._post_all([record for batch in batches.values() for record in batch], sender)
                    self._commit(reader, batches, left)
                    self.is_following = True
                else:
                    self._note(presence.change())

    def _note(self, change: bool | None) -> None:
        """Whether a broker listens: the consumer waits for one without a word."""
        if change is None:
            return
        self.is_following = change
        if change:
            log.info("replies are followed again")
        else:
            log.warning("replies cannot be followed: no broker listens", servers=self._settings.kafka.bootstrap_servers)

    def _wait_for_topic(self, reader: KafkaConsumer) -> bool:
        """Whether the topic is there, for which it is waited; False where the connector is to end.

        A group that is joined before its topic is known has nothing to read until its client looks again, which is five
        minutes later.
        """
        told = False
        while not self._stopped():
            if reader.partitions_for_topic(self._replies):
                return True
            if not told:
                log.warning("the topic of replies is not there yet: waited for", topic=self._replies)
                told = True
            time.sleep(_LOOK_SECONDS)
        return False

    def _commit(
        self,
        reader: KafkaConsumer,
        batches: Mapping[TopicPartition, Sequence[ConsumerRecord]],
        left: Sequence[ConsumerRecord],
    ) -> None:
        """Commit what was dealt with; of each partition no more than what stands before the first that was left."""
        places = {partition: records[-1].offset + 1 for partition, records in batches.items()}
        for record in left:
            partition = _partition(record)
            places[partition] = min(places[partition], record.offset)
        for partition in {_partition(record) for record in left} & reader.assignment():
            reader.seek(partition, places[partition])
        try:
            _commit_places(reader, places)
        except CommitFailedError:
            log.warning("the group has gone on without this connector: what was posted last may be posted again")
            return
        for partition, place in places.items():
            if partition in self._dealt_with:
                ahead = {known for known in self._dealt_with[partition] if known[0] >= place}
                self._dealt_with[partition] = ahead

    def _post_all(self, records: Sequence[ConsumerRecord], sender: KafkaProducer) -> list[ConsumerRecord]:
        """Post what is to be sent, each conversation in order; what was not begun in time."""
        begin_by = self._clock() + BEGIN_SECONDS
        conversations: dict[str, list[tuple[ConsumerRecord, Reply]]] = {}
        for record in records:
            reply = _sendable(record)
            if reply is not None and (record.offset, reply.id) not in self._dealt_with.get(_partition(record), ()):
                conversations.setdefault(reply.conversation, []).append((record, reply))
        # All are waited for before any is buried: should that fail, nothing is being posted when this begins anew.
        results = list(
            self._posting.map(lambda replies: self._post_in_order(replies, begin_by), conversations.values())
        )
        for given_up, _ in results:
            for record, reply, posted in given_up:
                self._bury(record, posted, sender)
                self._remember(record, reply)
        sender.flush()
        left = [record for _, late in results for record in late]
        if left:
            log.info("replies wait for the next batch", replies=len(left))
        return left

    def _post_in_order(
        self, replies: Sequence[tuple[ConsumerRecord, Reply]], begin_by: float
    ) -> tuple[list[tuple[ConsumerRecord, Reply, Posted]], list[ConsumerRecord]]:
        """Post replies of one conversation; what was given up, and why, and what was not begun in time."""
        given_up: list[tuple[ConsumerRecord, Reply, Posted]] = []
        for number, (record, reply) in enumerate(replies):
            started = self._clock()
            if started > begin_by or self._stopped():
                return given_up, [late for late, _ in replies[number:]]
            posted = self._post(record, reply)
            self._metrics.count(posted.outcome, posted.attempts, self._clock() - started)
            if posted.outcome == "posted":
                self._remember(record, reply)
            else:
                given_up.append((record, reply, posted))
        return given_up, []

    def _remember(self, record: ConsumerRecord, reply: Reply) -> None:
        self._dealt_with.setdefault(_partition(record), set()).add((record.offset, reply.id))

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


def _commit_places(reader: KafkaConsumer, places: Mapping[TopicPartition, int]) -> None:
    """Commit; where the group is being formed anew just then, once it is.

    Raises:
        CommitFailedError: A partition is another's now, or the group is not formed in time.
    """
    for _ in range(_COMMIT_ATTEMPTS):
        kept = {partition: place for partition, place in places.items() if partition in reader.assignment()}
        try:
            reader.commit({partition: OffsetAndMetadata(place, "", -1) for partition, place in kept.items()})
        except RebalanceInProgressError:
            # It is formed in polls; what comes with them is put back.
            for partition, records in reader.poll(timeout_ms=_POLL_MS).items():
                reader.seek(partition, records[0].offset)
            continue
        # A group that was formed anew began with what was committed before.
        for partition, place in kept.items():
            reader.seek(partition, place)
        if len(kept) == len(places):
            return
        break
    raise CommitFailedError


def _partition(record: ConsumerRecord) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def _sendable(record: ConsumerRecord) -> Reply | None:
    try:
        reply = _reply.decode(record.value or b"")
    except msgspec.DecodeError as error:
        log.warning("left out: no reply", offset=record.offset, partition=record.partition, error=str(error))
        return None
    return reply if reply.action == "send" else None
