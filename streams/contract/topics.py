"""Every topic that Tocsin reads or writes: its name, record, key and keeping."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from streams.contract.records import DeadLetter, Message, Prediction

if TYPE_CHECKING:
    from msgspec import Struct

    from streams.contract.settings import Settings, TopicsSettings

_MS_PER_HOUR = 3_600_000
_ENVELOPE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it is to be created and documented."""

    name: str
    record: type[Struct]
    key: str
    description: str
    partitions: int
    replication: int
    config: dict[str, str] = field(default_factory=dict)
    is_input: bool = False


def output_topic(settings: TopicsSettings, name: str) -> str:
    """Full name of one of Tocsin's own topics, such as ``tocsin.predictions``."""
    return f"{settings.prefix}{name}"


def predictions_topic(settings: TopicsSettings) -> str:
    """Where predictions are published."""
    return output_topic(settings, "predictions")


def dead_letters_topic(settings: TopicsSettings) -> str:
    """Where messages go that could not be processed."""
    return output_topic(settings, "dead-letters")


def all_topics(settings: Settings) -> list[TopicSpec]:
    """Every topic of the application under these settings, inputs first."""
    topics = settings.topics
    kept = {"retention.ms": str(int(topics.retention_hours * _MS_PER_HOUR))}
    dead_kept = {"retention.ms": str(int(topics.dead_letter_retention_hours * _MS_PER_HOUR))}
    # A dead letter carries its message in base64, which is a third larger.
    dead_kept["max.message.bytes"] = str(2 * settings.enrich.max_message_bytes + _ENVELOPE_BYTES)

    def spec(name: str, record: type[Struct], key: str, description: str, config: dict[str, str]) -> TopicSpec:
        return TopicSpec(name, record, key, description, topics.partitions, topics.replication, config)

    inputs = [
        replace(
            spec(name, Message, "the user's", f"Messages of kind {kind}, to be read by the model.", kept), is_input=True
        )
        for name, kind in topics.inputs.items()
    ]
    return [
        *inputs,
        spec(predictions_topic(topics), Prediction, "message id", "What the model read in each message.", kept),
        spec(dead_letters_topic(topics), DeadLetter, "source topic", "Messages given up, as they came.", dead_kept),
    ]
