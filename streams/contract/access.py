"""Who reads and writes which topic: what each process must be allowed on a broker that asks for rights.

Reading or writing a topic implies to describe it. No process but ``tocsin topics create`` makes topics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streams.contract.topics import all_topics, output_topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.contract.settings import Settings

Operation = Literal["Read", "Write", "Create", "Describe", "DescribeConfigs"]
Resource = Literal["topic", "group"]


@dataclass(frozen=True, slots=True)
class Component:
    """A process, and what it needs of the brokers.

    Attributes:
        name: One word.
        command: What starts it.
        reads: Full names of the topics that it reads.
        writes: Of those that it writes.
        joins: Consumer groups that it is a member of.
        sees: Consumer groups that it only looks at.
        creates: Full names of the topics that it makes and describes.
    """

    name: str
    command: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Right:
    """One right: an operation on one resource."""

    operation: Operation
    resource: Resource
    name: str


_WORKER_READS = (
    *(
        "recommendation-requests",
        "signals",
        "surge-state",
        "alerts",
        "silences",
        "watchlist",
        "alert-verdicts",
        "labels",
    ),
    *("documents", "turns", "conversations", "briefs", "item-vectors", "reader-events", "interests", "model-pointers"),
)
_WORKER_WRITES = (
    *("predictions", "dead-letters", "signals", "surge-state", "trends", "alerts", "label-requests", "turns"),
    *("conversations", "replies", "briefs", "item-vectors", "reader-events", "interests", "recommendations"),
    *("retrain-requests", "model-pointers", "model-events"),
)
_DESK_READS = (
    *(
        "predictions",
        "trends",
        "alerts",
        "briefs",
        "silences",
        "watchlist",
        "alert-verdicts",
        "labels",
        "label-requests",
    ),
    *("documents", "turns", "replies", "retrain-requests", "model-pointers", "model-events"),
)
_DESK_WRITES = (
    *("silences", "watchlist", "alert-verdicts", "labels", "turns", "replies", "retrain-requests"),
    *("model-pointers", "model-events"),
)


def connector_group(group_id: str) -> str:
    """Consumer group of the connector that posts replies."""
    return f"{group_id}-connector"


def components(settings: Settings) -> list[Component]:
    """Every process that talks to the brokers, under these settings."""
    topics, recommend, group = settings.topics, settings.recommend, settings.kafka.group_id
    every = tuple(spec.name for spec in all_topics(settings))
    inputs = tuple(topics.inputs)
    readers = (recommend.items_topic, recommend.behaviors_topic)
    watched = tuple(sorted({group, connector_group(group), *settings.exporter.groups}))

    def own(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(output_topic(topics, name) for name in names)

    return [
        Component(
            "worker",
            "tocsin worker",
            reads=(*inputs, *readers, *own(_WORKER_READS)),
            writes=own(_WORKER_WRITES),
            joins=(group,),
        ),
        Component(
            "connector",
            "tocsin replies connector",
            reads=own(["replies"]),
            writes=own(["dead-letters"]),
            joins=(connector_group(group),),
        ),
        Component(
            "retraining",
            "tocsin retrain schedule, run",
            reads=(
                recommend.behaviors_topic,
                *own(["labels", "documents", "item-vectors", "retrain-requests", "model-pointers", "model-events"]),
            ),
            writes=own(["model-pointers", "model-events"]),
        ),
        Component("desk", "tocsin desk", reads=own(_DESK_READS), writes=own(_DESK_WRITES)),
        Component(
            "operator",
            "alerts, silence, watchlist, labels, answers, replies, dead-letters, models, watch, doctor",
            reads=every,
            writes=(*inputs, *readers, *own(("documents", "recommendation-requests", *_DESK_WRITES))),
        ),
        Component("feed", "tocsin feed, or a producer of yours", writes=(*inputs, *readers)),
        Component("exporter", "tocsin exporter, lag", reads=every, sees=watched),
        Component("admin", "tocsin topics create", creates=every),
    ]


def rights(component: Component) -> Iterator[Right]:
    """Every right that a process needs, each once."""
    for name in component.reads:
        yield Right("Read", "topic", name)
    for name in component.writes:
        yield Right("Write", "topic", name)
    for name in component.joins:
        yield Right("Read", "group", name)
    for name in component.sees:
        yield Right("Describe", "group", name)
    for name in component.creates:
        yield Right("Create", "topic", name)
        yield Right("Describe", "topic", name)
        yield Right("DescribeConfigs", "topic", name)
