"""Which partition a key goes to, and whether the topics are such that it always goes to the same.

Kafka spreads keys over all partitions of a topic, and so moves them once partitions are added. Topics that cannot bear
that are ``streams.contract.topics.kept_in_place``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka import TopicPartition
from kafka.errors import KafkaError
from kafka.partitioner.default import murmur2

from streams.brokers.client import consumer
from streams.brokers.errors import TopicError
from streams.contract.topics import kept_in_place

if TYPE_CHECKING:
    from kafka import KafkaConsumer, KafkaProducer

    from streams.contract.settings import Settings

# Kafka's producers take a key's hash for positive by dropping its sign.
_POSITIVE = 0x7FFF_FFFF


def place(key: bytes, partitions: int, spread: int | None = None) -> int:
    """Partition of a key, by the hash that all Kafka clients share.

    Args:
        key: The key.
        partitions: How many the topic has.
        spread: Keys go to so many of them, the first ones; to all where absent.
    """
    return int(murmur2(key) & _POSITIVE) % min(partitions, spread or partitions)


def place_of(sender: KafkaProducer, topic: str, key: bytes, spread: int | None) -> int | None:
    """Partition that a producer is to send a key to; None where it may choose as Kafka does.

    Raises:
        KafkaError: The brokers do not tell of the topic.
    """
    return None if spread is None else place(key, len(sender.partitions_for(topic) or (0,)), spread)


def require_places(settings: Settings) -> list[str]:
    """Make sure that each key is where it was, before anything is written.

    Returns:
        Topics that have partitions more than are used, which stay empty.

    Raises:
        BrokerUnreachableError: No broker answers.
        TopicError: A topic has fewer partitions than the settings say, or records where no key belongs.
    """
    further = []
    with consumer(settings.kafka) as reader:
        for topic, spread in kept_in_place(settings).items():
            try:
                count = len(reader.partitions_for_topic(topic) or ())
                strays = _strays(reader, topic, range(spread, count))
            except KafkaError as error:
                raise TopicError(
                    f"the brokers at {settings.kafka.bootstrap_servers} tell nothing of {topic}: {error}"
                ) from error
            if count < spread:
                raise TopicError(
                    f"{topic} has {count} partitions and topics.partitions is {spread}: keys would go elsewhere than "
                    f"their state. Set topics.partitions to {count}, or add partitions to {topic} if nothing was ever "
                    "written to it"
                )
            if strays:
                raise TopicError(
                    f"{topic} has records in its partitions {strays}, and topics.partitions is {spread}, so that only "
                    f"the first {spread} are used: set topics.partitions to what it was when they were written "
                    f"({count}, if the topic has had as many from the beginning)"
                )
            if count > spread:
                further.append(topic)
    return further


def _strays(reader: KafkaConsumer, topic: str, partitions: range) -> list[int]:
    """Partitions that hold anything."""
    places = [TopicPartition(topic, number) for number in partitions]
    if not places:
        return []
    beginnings, ends = reader.beginning_offsets(places), reader.end_offsets(places)
    return [where.partition for where in places if ends[where] > beginnings[where]]
