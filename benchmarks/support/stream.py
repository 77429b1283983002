"""One measured stream: topics and a group of its own on a broker, all else as Tocsin's defaults have it."""

from __future__ import annotations

import json
import os
import secrets
from collections import defaultdict
from typing import TYPE_CHECKING, Self

from kafka.errors import CoordinatorNotAvailableError

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client, producer
from streams.brokers.reading import read_all
from streams.contract.settings import KafkaSettings, ModelSettings, Settings, TopicsSettings
from streams.contract.topics import all_topics, dead_letters_topic, predictions_topic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from benchmarks.support.real_messages import RealMessage
    from streams.brokers.broker import Broker
    from streams.contract.records import SourceKind

_PREFIX = "TOCSIN_"
_KEPT = "TOCSIN_DATA"
_READING_ALONE = {
    "TOCSIN_SURGE__ENABLED": "false",
    "TOCSIN_DRIFT__ENABLED": "false",
    "TOCSIN_LABELS__REQUESTS_PER_HOUR": "0",
}
# What answers and recommends has benchmarks of its own, and would here only take the cores from what is measured.
_NO_SERVICES = {
    "TOCSIN_REPLIES__ENABLED": "false",
    "TOCSIN_BRIEFS__ENABLED": "false",
    "TOCSIN_RECOMMEND__ENABLED": "false",
}
_KINDS: tuple[SourceKind, ...] = ("news", "social", "customer")


class UnansweredError(Exception):
    """What came out does not account for what went in."""


def forget_own_settings(workspace: Path) -> None:
    """Let no variable or file of this machine's user change what is measured, here and in the processes started."""
    for name in [name for name in os.environ if name.startswith(_PREFIX) and name != _KEPT]:
        del os.environ[name]
    empty = workspace / "empty.toml"
    empty.touch()
    os.environ[f"{_PREFIX}CONFIG"] = str(empty)


class Stream:
    """Topics that nobody else uses, and the settings of those who read and write them; a context manager.

    Args:
        broker: A running broker.
        registry: Folder of the model versions.
        backlog: Messages that wait in the topics, in order of arrival, before anybody reads.
        reading_alone: Nothing is done with what is read but to publish it: no surge detection, no drift, no requests
            for labels.
        partitions: Of each topic; as the default has it where absent.
    """

    def __init__(
        self,
        broker: Broker,
        registry: Path,
        backlog: Sequence[RealMessage] = (),
        *,
        reading_alone: bool = False,
        partitions: int | None = None,
    ) -> None:
        unique = secrets.token_hex(4)
        partitions = partitions or TopicsSettings().partitions
        self.settings = Settings(
            kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers, group_id=f"bench-{unique}"),
            topics=TopicsSettings(
                prefix=f"bench-{unique}.",
                inputs={f"{kind}-{unique}": kind for kind in _KINDS},
                partitions=partitions,
            ),
            model=ModelSettings(registry=str(registry)),
        )
        self._further = _READING_ALONE if reading_alone else {}
        self.topic_of: dict[SourceKind, str] = {kind: name for name, kind in self.settings.topics.inputs.items()}
        # One for all questions: to connect anew for each would take time from what is measured.
        self._admin = admin_client(self.settings.kafka)
        create_topics(self._admin, all_topics(self.settings))
        self.fill(backlog)

    @property
    def environment(self) -> dict[str, str]:
        """Variables under which a ``tocsin`` process has these settings."""
        settings = self.settings
        return {
            "TOCSIN_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
            "TOCSIN_KAFKA__GROUP_ID": settings.kafka.group_id,
            "TOCSIN_TOPICS__PREFIX": settings.topics.prefix,
            "TOCSIN_TOPICS__INPUTS": json.dumps(settings.topics.inputs),
            "TOCSIN_TOPICS__PARTITIONS": str(settings.topics.partitions),
            "TOCSIN_MODEL__REGISTRY": settings.model.registry,
            **_NO_SERVICES,
            **self._further,
        }

    def fill(self, messages: Sequence[RealMessage]) -> None:
        """Send messages as fast as that goes, and return once all are acknowledged."""
        with producer(self.settings.kafka) as sender:
            sent = [
                sender.send(self.topic_of[message.kind], key=message.id.encode(), value=message.encode())
                for message in messages
            ]
            sender.flush()
            for future in sent:
                future.get(timeout=0)

    def committed(self) -> int:
        """Messages that the group has committed, asked of the broker alone, so that the worker is left in peace."""
        group = self.settings.kafka.group_id
        try:
            offsets = self._admin.list_group_offsets(group).get(group, {})
        except CoordinatorNotAvailableError:  # a new Kafka makes its topic of offsets when a first group comes
            return 0
        inputs = self.settings.topics.inputs
        return sum(max(0, place.offset) for partition, place in offsets.items() if partition.topic in inputs)

    def sent_times(self) -> dict[str, float]:
        """When each input was sent, by its id: the record's own timestamp, seconds since the epoch."""
        return {
            record.key.decode(): record.timestamp / 1000
            for topic in self.topic_of.values()
            for record in read_all(self.settings, topic)
        }

    def answered_times(self, expected: int) -> dict[str, float]:
        """When each message was answered, by its id: the timestamp of its first prediction.

        Raises:
            UnansweredError: Some were not, or became dead letters.
        """
        buried = sum(1 for _ in read_all(self.settings, dead_letters_topic(self.settings.topics)))
        answers: defaultdict[str, list[float]] = defaultdict(list)
        for record in read_all(self.settings, predictions_topic(self.settings.topics)):
            answers[record.key.decode()].append(record.timestamp / 1000)
        if buried or len(answers) != expected:
            raise UnansweredError(f"of {expected} messages {len(answers)} were answered and {buried} are dead letters")
        return {name: min(times) for name, times in answers.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admin.close()
