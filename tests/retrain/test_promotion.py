"""The registry moves and everybody is told; where nobody can be told, nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from support import versions
from support.messages import consume_all

from models.aliases import AliasConflictError, PinnedError
from models.promoting import Details
from models.registry import Registry
from retrain import promotion
from streams.brokers.errors import BrokerUnreachableError, TopicError
from streams.contract.model_records import ModelEvent, ModelPointer
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import model_events_topic, model_pointers_topic

if TYPE_CHECKING:
    from pathlib import Path

NAME = versions.NAME
only_tansu = pytest.mark.parametrize(
    "broker", [pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu")], indirect=True
)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(str(tmp_path / "registry"))
    for _ in range(3):
        versions.add(registry)
    return registry


def told(settings: Settings, count: int) -> tuple[list[ModelPointer], list[ModelEvent]]:
    """Pointers and events on the topics, of which there are so many moves."""
    pointers = consume_all(settings, model_pointers_topic(settings.topics), count)
    events = consume_all(settings, model_events_topic(settings.topics), count)
    assert {record.key for record in pointers} <= {b"encoder/champion", b"encoder/challenger"}
    return (
        [msgspec.json.decode(record.value, type=ModelPointer) for record in pointers],
        [msgspec.json.decode(record.value, type=ModelEvent) for record in events],
    )


def test_every_move_is_told_in_order(stream_settings: Settings, registry: Registry) -> None:
    settings = stream_settings
    details = Details(metrics={"f1": 0.9}, lineage={"parent": 1}, request="r1")
    first = promotion.promote(settings, registry, 1, "ann", "the first", expected=None)
    promotion.promote(settings, registry, 2, "the gate", "better", expected=1, details=details)
    promotion.rollback(settings, registry, "ann", "worse", expected=2)
    promotion.pin(settings, registry, None, "ann", "audit")
    promotion.unpin(settings, registry, "ann", "audit over")
    promotion.challenge(settings, registry, 3, "the gate", "better on labels")
    pointers, events = told(settings, 6)
    assert pointers[0] == first
    assert [(pointer.alias, pointer.version, pointer.epoch) for pointer in pointers] == [
        ("champion", 1, 1),
        ("champion", 2, 2),
        ("champion", 1, 3),
        ("champion", 1, 4),
        ("champion", 1, 5),
        ("challenger", 3, 6),
    ]
    assert [event.kind for event in events] == [
        "promoted", "promoted", "rolled_back", "pinned", "unpinned", "challenged",
    ]  # fmt: skip
    assert (events[1].metrics, events[1].lineage, events[1].request) == ({"f1": 0.9}, {"parent": 1}, "r1")
    assert len({event.id for event in events}) == 6


@only_tansu
def test_what_is_refused_is_not_told(stream_settings: Settings, registry: Registry) -> None:
    settings = stream_settings
    promotion.promote(settings, registry, 1, "ann", "")
    promotion.pin(settings, registry, 1, "ann", "audit")
    with pytest.raises(PinnedError):
        promotion.promote(settings, registry, 2, "the gate", "")
    with pytest.raises(AliasConflictError):
        promotion.rollback(settings, registry, "ann", "", expected=2)
    assert promotion.announce(settings, registry)[0].epoch == 2
    pointers, events = told(settings, 2)
    assert [pointer.epoch for pointer in pointers] in ([1, 2], [1, 2, 2])
    assert [event.kind for event in events] == ["promoted", "pinned"]


@only_tansu
def test_without_the_topics_nothing_moves(unmade_settings: Settings, registry: Registry) -> None:
    with pytest.raises(TopicError, match=r"no topic .*model-pointers.*tocsin topics create"):
        promotion.promote(unmade_settings, registry, 1, "ann", "")
    assert registry.state(NAME).epoch == 0


def test_without_a_broker_nothing_moves(registry: Registry, clean_environment: None) -> None:
    nowhere = Settings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(BrokerUnreachableError):
        promotion.promote(nowhere, registry, 1, "ann", "")
    assert registry.state(NAME).epoch == 0


@only_tansu
def test_an_event_that_moves_nothing_is_told(stream_settings: Settings, registry: Registry) -> None:
    promotion.promote(stream_settings, registry, 1, "ann", "")
    _, (promoted,) = told(stream_settings, 1)
    rejected = msgspec.structs.replace(promoted, kind="rejected", id="x", version=2, epoch=None)
    promotion.tell_event(stream_settings, rejected)
    records = consume_all(stream_settings, model_events_topic(stream_settings.topics), 2)
    assert msgspec.json.decode(records[1].value, type=ModelEvent) == rejected
