"""Every topic that Tocsin reads or writes: its name, record, key and keeping."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from streams.contract.alerts import Alert, Silence, Trend, Verdict, Watch
from streams.contract.labels import Label, LabelRequest
from streams.contract.model_records import ModelEvent, ModelPointer, RetrainRequest
from streams.contract.recommendations import (
    Behavior,
    InterestState,
    Item,
    ItemVector,
    ReaderEvent,
    Recommendation,
    RecommendationRequest,
)
from streams.contract.records import DeadLetter, Message, Prediction
from streams.contract.replies import Brief, ConversationState, Document, Reply, Turn
from streams.contract.signals import Signals, SurgeState

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
    is_event: bool = False
    """Whether its records are CloudEvents, told by headers; inputs may be."""


def output_topic(settings: TopicsSettings, name: str) -> str:
    """Full name of one of Tocsin's own topics, such as ``tocsin.predictions``."""
    return f"{settings.prefix}{name}"


def predictions_topic(settings: TopicsSettings) -> str:
    """Where predictions are published."""
    return output_topic(settings, "predictions")


def dead_letters_topic(settings: TopicsSettings) -> str:
    """Where messages go that could not be processed."""
    return output_topic(settings, "dead-letters")


def signals_topic(settings: TopicsSettings) -> str:
    """Where what surge detection needs is published, by subject. Internal."""
    return output_topic(settings, "signals")


def surge_state_topic(settings: TopicsSettings) -> str:
    """Where the state of surge detection is kept, partition by partition as signals are. Internal."""
    return output_topic(settings, "surge-state")


def alerts_topic(settings: TopicsSettings) -> str:
    """Where alerts are published."""
    return output_topic(settings, "alerts")


def trends_topic(settings: TopicsSettings) -> str:
    """Where trends are published."""
    return output_topic(settings, "trends")


def silences_topic(settings: TopicsSettings) -> str:
    """Where silences are kept."""
    return output_topic(settings, "silences")


def watchlist_topic(settings: TopicsSettings) -> str:
    """Where the watchlist is kept."""
    return output_topic(settings, "watchlist")


def verdicts_topic(settings: TopicsSettings) -> str:
    """Where a desk's verdicts on alerts are kept."""
    return output_topic(settings, "alert-verdicts")


def labels_topic(settings: TopicsSettings) -> str:
    """Where labels are kept."""
    return output_topic(settings, "labels")


def label_requests_topic(settings: TopicsSettings) -> str:
    """Where the stream asks for labels."""
    return output_topic(settings, "label-requests")


def retrain_requests_topic(settings: TopicsSettings) -> str:
    """Where training runs are asked for."""
    return output_topic(settings, "retrain-requests")


def model_pointers_topic(settings: TopicsSettings) -> str:
    """Where it is told which version serves."""
    return output_topic(settings, "model-pointers")


def model_events_topic(settings: TopicsSettings) -> str:
    """Where the history of models is kept."""
    return output_topic(settings, "model-events")


def documents_topic(settings: TopicsSettings) -> str:
    """Where what replies may be drawn from is kept."""
    return output_topic(settings, "documents")


def turns_topic(settings: TopicsSettings) -> str:
    """Where conversations are told, by conversation. Internal."""
    return output_topic(settings, "turns")


def conversations_topic(settings: TopicsSettings) -> str:
    """Where the state of conversations is kept, partition by partition as turns are. Internal."""
    return output_topic(settings, "conversations")


def replies_topic(settings: TopicsSettings) -> str:
    """Where replies are published."""
    return output_topic(settings, "replies")


def briefs_topic(settings: TopicsSettings) -> str:
    """Where briefs are published."""
    return output_topic(settings, "briefs")


def item_vectors_topic(settings: TopicsSettings) -> str:
    """Where items are kept as the encoder understands them. Internal."""
    return output_topic(settings, "item-vectors")


def reader_events_topic(settings: TopicsSettings) -> str:
    """Where behaviors and requests are told, by reader. Internal."""
    return output_topic(settings, "reader-events")


def interests_topic(settings: TopicsSettings) -> str:
    """Where readers' interests are kept, partition by partition as reader events are. Internal."""
    return output_topic(settings, "interests")


def recommendation_requests_topic(settings: TopicsSettings) -> str:
    """Where recommendations are asked for."""
    return output_topic(settings, "recommendation-requests")


def recommendations_topic(settings: TopicsSettings) -> str:
    """Where recommendations are published."""
    return output_topic(settings, "recommendations")


def kept_in_place(settings: Settings) -> dict[str, int]:
    """Topics whose keys must stay in their partition, each with the number of partitions that keys are spread over.

    State lies in the partition of what it was made of, and of a key's records the last one counts: a key that moved
    would be two. Kafka moves keys once a topic is given more partitions. So keys go on to the first ones, as many as
    there were at creation, and those that were added stay empty.
    """
    topics = settings.topics
    # What state is made of, and histories whose order over all keys matters; all else is kept compacted.
    ordered = {
        named(topics)
        for named in (signals_topic, turns_topic, reader_events_topic, retrain_requests_topic, model_events_topic)
    }
    return {
        spec.name: spec.partitions
        for spec in all_topics(settings)
        if not spec.is_input and (spec.name in ordered or spec.config.get("cleanup.policy") == "compact")
    }


def all_topics(settings: Settings) -> list[TopicSpec]:
    """Every topic of the application under these settings, inputs first."""
    topics = settings.topics
    kept = {"retention.ms": str(int(topics.retention_hours * _MS_PER_HOUR))}
    dead_kept = {"retention.ms": str(int(topics.dead_letter_retention_hours * _MS_PER_HOUR))}
    # A dead letter carries its message in base64, which is a third larger.
    dead_kept["max.message.bytes"] = str(2 * settings.enrich.max_message_bytes + _ENVELOPE_BYTES)

    compacted = {"cleanup.policy": "compact"}
    # Written all the time: in segments of a broker's usual size, a gigabyte, compaction would come days too late.
    state = compacted | {"segment.bytes": str(topics.state_segment_bytes)}
    # A history: it is small, and is kept for as long as there are models.
    history = {"retention.ms": "-1"}

    def spec(name: str, record: type[Struct], key: str, description: str, config: dict[str, str]) -> TopicSpec:
        return TopicSpec(name, record, key, description, topics.partitions, topics.replication, config)

    def event(name: str, record: type[Struct], key: str, description: str, config: dict[str, str]) -> TopicSpec:
        return replace(spec(name, record, key, description, config), is_event=True)

    def in_order(spec: TopicSpec) -> TopicSpec:
        """Of one partition: few records, whose order over all keys matters."""
        return replace(spec, partitions=1)

    inputs = [
        replace(
            spec(name, Message, "the user's", f"Messages of kind {kind}, to be read by the model.", kept), is_input=True
        )
        for name, kind in topics.inputs.items()
    ]
    readers = settings.recommend
    users = "the user's"
    inputs += [
        replace(spec(name, record, users, description, config), is_input=True)
        for name, record, description, config in (
            (readers.items_topic, Item, "What can be recommended.", compacted),
            (readers.behaviors_topic, Behavior, "What readers do.", kept),
        )
    ]
    return [
        *inputs,
        event(predictions_topic(topics), Prediction, "message id", "What the model read in each message.", kept),
        event(dead_letters_topic(topics), DeadLetter, "source topic", "Messages given up, as they came.", dead_kept),
        spec(signals_topic(topics), Signals, "none", "What surge detection needs of predictions. Internal.", kept),
        spec(surge_state_topic(topics), SurgeState, "subject", "State of surge detection. Internal.", state),
        event(trends_topic(topics), Trend, "subject", "What was said of a subject, window by window.", kept),
        event(alerts_topic(topics), Alert, "fingerprint", "Surges that begin, grow stronger, or are over.", kept),
        spec(silences_topic(topics), Silence, "silence id", "What the desk has muted.", compacted),
        spec(watchlist_topic(topics), Watch, "subject", "Subjects with a budget of their own.", compacted),
        spec(verdicts_topic(topics), Verdict, "fingerprint/startsAt", "What the desk says of alerts.", compacted),
        spec(labels_topic(topics), Label, "message id and labeller", "What people say of messages.", compacted),
        event(label_requests_topic(topics), LabelRequest, "message id", "Messages that are worth a label.", kept),
        spec(documents_topic(topics), Document, "document id", "What replies may be drawn from.", compacted),
        spec(turns_topic(topics), Turn, "conversation", "Conversations, turn by turn. Internal.", kept),
        spec(conversations_topic(topics), ConversationState, "conversation", "State of them. Internal.", state),
        event(replies_topic(topics), Reply, "conversation", "What is to be done about customers' messages.", kept),
        event(briefs_topic(topics), Brief, "fingerprint", "Alerts' stories.", kept),
        spec(item_vectors_topic(topics), ItemVector, "item id", "Items as the encoder sees them. Internal.", state),
        spec(reader_events_topic(topics), ReaderEvent, "user", "Behaviors and requests. Internal.", kept),
        spec(interests_topic(topics), InterestState, "user", "State of readers' interests. Internal.", state),
        spec(recommendation_requests_topic(topics), RecommendationRequest, "user", "Who asks now.", kept),
        event(recommendations_topic(topics), Recommendation, "user", "What readers may like.", kept),
        in_order(spec(retrain_requests_topic(topics), RetrainRequest, "model", "Somebody wants a run now.", kept)),
        in_order(spec(model_pointers_topic(topics), ModelPointer, "model/alias", "Which version serves.", compacted)),
        in_order(event(model_events_topic(topics), ModelEvent, "model", "What became of each version.", history)),
    ]
