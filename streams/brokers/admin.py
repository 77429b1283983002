"""Topics: created as the application needs them, listed, described, on any broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import InvalidReplicationFactorError, KafkaError, NoError, TopicAlreadyExistsError, for_code

from streams.brokers.client import admin_client
from streams.brokers.errors import TopicError
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kafka import KafkaAdminClient

    from streams.contract.settings import Settings
    from streams.contract.topics import TopicSpec

_NO_ID = str(UUID(int=0))
# What decides how long messages are kept, how large they may be, and how many copies must have them.
_CONFIG_TOLD = ("cleanup.policy", "retention.ms", "segment.bytes", "max.message.bytes", "min.insync.replicas")


@dataclass(frozen=True, slots=True)
class TopicOutcome:
    """What became of a topic that was to be created."""

    name: str
    outcome: Literal["created", "exists"]
    partitions: int
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class PartitionDescription:
    """Where one partition lies: node ids of its leader (None while there is none), copies, and copies in step."""

    partition: int
    leader: int | None
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic as the broker tells of it; ``config`` is None where the broker does not tell."""

    name: str
    partitions: tuple[PartitionDescription, ...]
    config: dict[str, str] | None = None

    @property
    def replication(self) -> int:
        """Copies of each partition."""
        return len(self.partitions[0].replicas) if self.partitions else 0


def create_topics(admin: KafkaAdminClient, specs: Sequence[TopicSpec]) -> list[TopicOutcome]:
    """Create the topics that are missing, and leave those that exist as they are.

    Returns once every partition of every topic has a leader.

    Args:
        admin: A client of the broker.
        specs: The topics as they should be.

    Raises:
        TopicError: The broker refuses one; those before it may have been created.
    """
    wanted = {
        spec.name: {"num_partitions": spec.partitions, "replication_factor": spec.replication, "configs": spec.config}
        for spec in specs
    }
    answer = admin.create_topics(wanted, raise_errors=False)
    errors = {topic["name"]: (for_code(topic["error_code"]), topic["error_message"]) for topic in answer["topics"]}
    for name, (kind, message) in errors.items():
        if kind not in (NoError, TopicAlreadyExistsError):
            raise TopicError(_refusal(name, kind, message))
    admin.wait_for_topics(list(wanted))
    found = {topic.name: topic for topic in describe_topics(admin, list(wanted), config=False)}
    return [_outcome(spec, found[spec.name], existed=errors[spec.name][0] is TopicAlreadyExistsError) for spec in specs]


def topic_ids(settings: Settings) -> dict[str, str | None]:
    """The application's topics that are on the broker, by name, with their ids (KIP-516).

    A topic that is deleted and made anew has another id. None for a broker that gives none.

    Raises:
        BrokerUnreachableError: No broker answers.
    """
    ours = {spec.name for spec in all_topics(settings)}
    # Of all topics: to ask for one that is missing would make it, where brokers make topics by themselves.
    with admin_client(settings.kafka) as admin:
        topics = admin.describe_topics()
    ids = {topic["name"]: topic.get("topic_id") for topic in topics if topic["name"] in ours}
    return {name: None if told in (None, _NO_ID) else str(told) for name, told in ids.items()}


def list_topics(admin: KafkaAdminClient) -> list[TopicDescription]:
    """Every topic but the broker's own, by name, without configuration."""
    return [_description(topic, None) for topic in _by_name(admin.describe_topics()) if not topic["is_internal"]]


def describe_topics(admin: KafkaAdminClient, names: Sequence[str], *, config: bool = True) -> list[TopicDescription]:
    """The topics of these names that exist, by name.

    Args:
        admin: A client of the broker.
        names: Which topics.
        config: Ask for their configuration too.
    """
    if not names:
        return []
    topics = [
        topic for topic in _by_name(admin.describe_topics(list(names))) if for_code(topic["error_code"]) is NoError
    ]
    configs = _configs(admin, [topic["name"] for topic in topics]) if config else {}
    return [_description(topic, configs.get(topic["name"])) for topic in topics]


def untold_topics(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, type[KafkaError] | None]:
    """Topics of which the broker tells nothing, and its reason; None where it gives none."""
    told = {topic["name"]: for_code(topic["error_code"]) for topic in admin.describe_topics(list(names))}
    return {name: told.get(name) for name in names if told.get(name) is not NoError}


def _by_name(topics: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(topics, key=lambda topic: topic["name"])


def _description(topic: dict[str, Any], config: dict[str, str] | None) -> TopicDescription:
    partitions = sorted(topic["partitions"], key=lambda partition: partition["partition_index"])
    return TopicDescription(
        name=topic["name"],
        partitions=tuple(
            PartitionDescription(
                partition=partition["partition_index"],
                leader=partition["leader_id"] if partition["leader_id"] >= 0 else None,
                replicas=tuple(partition["replica_nodes"]),
                in_sync=tuple(partition["isr_nodes"]),
            )
            for partition in partitions
        ),
        config=config,
    )


def _configs(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    try:
        # All, since Tansu marks even what was set as a default.
        told = admin.describe_configs(resources, config_filter="all").get("topic", {}) if resources else {}
    except KafkaError:  # a broker that does not know the request, or does not allow it to us
        return {}
    return {
        name: {key: str(values[key]["value"]) for key in _CONFIG_TOLD if key in values} for name, values in told.items()
    }


def _outcome(spec: TopicSpec, found: TopicDescription, *, existed: bool) -> TopicOutcome:
    count = len(found.partitions)
    warning = None
    if count != spec.partitions:
        warning = (
            f"{spec.name} has {count} partitions and the settings say {spec.partitions} (topics.partitions): it was "
            "left as it is, since more partitions would send a key elsewhere; set what it has, or make it anew"
        )
    return TopicOutcome(spec.name, "exists" if existed else "created", count, warning)


def _refusal(name: str, kind: type[KafkaError], message: str | None) -> str:
    advice = ""
    if kind is InvalidReplicationFactorError:
        advice = "; set topics.replication to at most the number of brokers"
    return f"topic {name} could not be created: {message or kind.__name__}{advice}"
