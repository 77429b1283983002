"""Items of two embedders never meet: one index serves, and another takes over when nearly all is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from models.items.index import ItemIndex
from streams.contract.recommendations import Item, ItemVector
from streams.contract.records import encode
from streams.worker.shelves import Shelves

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TTL_HOURS = 24.0


@dataclass
class Told:
    """A record as kafka-python gives it, as far as it is looked at."""

    key: bytes
    value: bytes | None
    offset: int
    partition: int = 0


class Topic:
    """The topic of item vectors, and the shelves that follow it."""

    def __init__(self, embedder: str = "old") -> None:
        self.now = NOW.timestamp()
        self.records: list[Told] = []
        self.shelves = Shelves(
            lambda width: ItemIndex(width, 1000, TTL_HOURS), embedder, ttl_hours=TTL_HOURS, clock=lambda: self.now
        )

    def begin(self) -> Topic:
        self.shelves.begin()
        self.shelves.caught_up()
        return self

    def put(self, id_: str, embedder: str, width: int = 4, **more: Any) -> None:  # noqa: ANN401  an item's fields
        item = Item(**{"id": id_, "text": f"text of {id_}", "time": NOW, **more})
        vector = np.eye(1, width, dtype="<f4").tobytes()
        self.tell(id_, encode(ItemVector(item=item, embedder=embedder, vector=vector)))

    def tell(self, id_: str, value: bytes | None) -> None:
        self.records.append(Told(id_.encode(), value, len(self.records)))
        self.shelves.apply(self.records[-1:])

    @property
    def serving(self) -> tuple[str, int]:
        shelf = self.shelves.serving
        assert shelf is not None
        return shelf.embedder, len(shelf.items)


def filled(count: int = 20) -> Topic:
    topic = Topic().begin()
    for number in range(count):
        topic.put(f"item {number}", "old")
    return topic


def test_nothing_serves_before_there_is_an_item() -> None:
    topic = Topic().begin()
    assert topic.shelves.serving is None
    assert topic.shelves.is_loaded
    assert len(topic.shelves) == 0


def test_the_old_embedders_index_serves_until_nearly_all_is_in_the_new_one() -> None:
    topic = filled()
    topic.shelves.exchange("new")
    for number in range(18):
        topic.put(f"item {number}", "new", width=3)
        assert topic.serving == ("old", 20)
    topic.put("item 18", "new", width=3)
    assert topic.serving == ("new", 19)


def test_what_was_embedded_by_a_version_served_before_is_stale_and_what_a_newer_one_did_is_not() -> None:
    topic = filled(3)
    topic.put("item 1", "newer")  # by another worker, which is ahead in a rollout
    assert topic.shelves.stale([0]).anew == {}
    assert topic.shelves.stale_items == 1
    topic.shelves.exchange("newer")
    assert topic.shelves.stale([0]).anew == {0: {0, 2}}
    assert topic.shelves.stale([1]).anew == {}


def test_what_others_had_embedded_before_the_start_is_stale() -> None:
    topic = filled(3)
    later = Topic("new")
    later.shelves.begin()
    later.shelves.apply(topic.records)
    later.shelves.caught_up()
    assert later.serving == ("old", 3)
    assert later.shelves.stale([0]).anew == {0: {0, 1, 2}}


def test_a_rollback_makes_the_other_ones_stale_again() -> None:
    topic = filled(2)
    topic.shelves.exchange("new")
    for number in range(2):
        topic.put(f"item {number}", "new")
    assert topic.serving == ("new", 2)
    topic.shelves.exchange("old")
    assert topic.serving == ("new", 2)
    assert topic.shelves.stale([0]).anew == {0: {2, 3}}
    for number in range(2):
        topic.put(f"item {number}", "old")
    assert topic.serving == ("old", 2)


def test_a_withdrawn_item_is_gone_from_every_shelf() -> None:
    topic = filled(2)
    topic.shelves.exchange("new")
    topic.put("item 0", "new")
    topic.tell("item 0", None)
    assert topic.serving == ("old", 1)
    assert not topic.shelves.is_latest("item 0", 2)


def test_what_is_over_is_let_go_and_told() -> None:
    topic = filled(1)
    topic.put("short", "old", expires=NOW + timedelta(hours=1))
    topic.put("long", "old", expires=NOW + timedelta(days=9))
    topic.put("over", "old", expires=NOW - timedelta(hours=1))
    assert topic.serving == ("old", 3)
    topic.now += TTL_HOURS * 3600
    topic.shelves.expire()
    assert topic.serving == ("old", 1)
    assert sorted(topic.shelves.stale([0]).expired) == ["item 0", "over", "short"]
    assert not topic.shelves.is_expired("long")


def test_what_does_not_come_again_when_all_is_read_anew_is_gone() -> None:
    topic = filled(3)
    topic.shelves.begin()
    topic.shelves.apply(topic.records[:2])
    topic.shelves.caught_up()
    assert topic.serving == ("old", 2)


def test_while_all_is_read_anew_nothing_is_done_about_records_that_are_not_the_latest() -> None:
    topic = filled(0)
    topic.put("item", "older", expires=NOW - timedelta(hours=1))
    topic.put("item", "old", expires=NOW + timedelta(hours=1))
    topic.shelves.begin()
    topic.shelves.apply(topic.records[:1])
    assert topic.shelves.stale([0]) == ({}, [])
    assert not topic.shelves.is_expired("item")
    assert not topic.shelves.is_latest("item", 0)
    topic.shelves.apply(topic.records[1:])
    topic.shelves.caught_up()
    assert topic.shelves.is_latest("item", 1)


def test_a_record_that_is_none_and_a_vector_of_another_width_are_left_out() -> None:
    topic = filled(1)
    topic.tell("item 1", b"nothing")
    topic.put("item 2", "old", width=7)
    assert topic.serving == ("old", 1)


def test_only_the_latest_record_of_an_item_counts() -> None:
    topic = filled(1)
    topic.put("item 0", "old", title="New title")
    assert topic.shelves.is_latest("item 0", 1)
    assert not topic.shelves.is_latest("item 0", 0)
    assert topic.serving == ("old", 1)


def test_an_item_of_the_last_year_of_the_calendar_is_an_item_like_any_other() -> None:
    topic = filled(1)
    topic.put("never", "old", time=datetime.max.replace(tzinfo=UTC))
    topic.put("after", "old")
    assert topic.serving == ("old", 3)
    assert topic.shelves.stale([0]).expired == []
