"""Sources of items and behaviors: what each needs, what is filled in, and how it is keyed."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from streams.sources.files import FileOptions, read_items
from streams.sources.items import Item, Outgoing, SourceError
from streams.sources.shapes import BEHAVIOR, ITEM
from streams.sources.table import TableOptions


def read(text: str, options: FileOptions) -> list[Item]:
    return list(read_items(io.BytesIO(text.encode()), "shelf/file", options))


def fields(item: Item) -> dict[str, Any]:
    assert isinstance(item, Outgoing)
    found: dict[str, Any] = json.loads(item.value)
    return found


def test_an_item_of_json_lines_is_keyed_by_its_id_and_stays_as_it_is() -> None:
    line = '{"id":"a","text":"one","time":"2026-03-02T09:50:00Z","source":"s","expires":1772445000}'
    first, again = (read(line, FileOptions("jsonl", "shelf", shape=ITEM))[0] for _ in range(2))
    assert isinstance(first, Outgoing)
    assert (first.key, first.value) == ("a", line.encode())
    assert first == again


def test_an_item_without_an_id_has_the_same_one_at_every_reading() -> None:
    first, again = (read('{"text":"one"}', FileOptions("jsonl", "shelf", shape=ITEM))[0] for _ in range(2))
    assert isinstance(first, Outgoing)
    assert first.key == fields(first)["id"] == fields(again)["id"]
    assert set(fields(first)) == {"id", "text", "time", "source"}


def test_a_behavior_of_json_lines_is_keyed_by_its_reader() -> None:
    lines = [
        '{"user":17,"item":"a","action":"view"}',
        '{"user":"ada","item":"a"}',
        '{"user":["x"],"item":1,"action":"view"}',
    ]
    found = read("\n".join(lines), FileOptions("jsonl", "shelf", shape=BEHAVIOR))
    assert [isinstance(each, Outgoing) and (each.key == "17", each.malformed) for each in found] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    assert set(fields(found[0])) == {"user", "item", "action", "id", "time"}


def test_a_cloud_event_is_keyed_as_its_data_is() -> None:
    event = {"specversion": "1.0", "id": "e", "data": {"user": "ada", "item": "a", "action": "view"}}
    (found,) = read(json.dumps(event), FileOptions("jsonl", "shelf", shape=BEHAVIOR))
    assert isinstance(found, Outgoing)
    assert (found.key, found.malformed) == ("ada", False)
    assert found.headers


def test_a_table_gives_items_with_topics_and_numbers() -> None:
    table = TableOptions(text=("title", "plot"), columns={"id": "film", "topics": "genres"})
    text = "film,title,plot,genres,sentiment\n7,Heat,A theft,Crime|Drama |,0.5\n8,Up,A flight,,high\n"
    first, second = read(text, FileOptions("csv", "films", table=table, shape=ITEM))
    assert fields(first) | {"time": ""} == {
        "id": "7",
        "source": "films",
        "text": "Heat\nA theft",
        "title": "Heat",
        "topics": ["Crime", "Drama"],
        "sentiment": 0.5,
        "time": "",
    }
    assert fields(second)["sentiment"] == "high"  # The worker says what is wrong with it.
    assert "fingerprint" not in fields(first)


def test_a_table_gives_behaviors_and_has_no_text() -> None:
    text = "user,item,action,time,seconds\nada,7,click,2026-03-02T09:50:00Z,1e3\n,7,click,,\nben,7\n"
    first, second, third = read(text, FileOptions("csv", "films", shape=BEHAVIOR))
    assert isinstance(first, Outgoing)
    assert first.key == "ada"
    assert fields(first)["seconds"] == 1000.0
    assert "text" not in fields(first)
    assert fields(second)["user"] == ""
    assert isinstance(third, Outgoing)
    assert third.malformed


def test_a_table_of_behaviors_without_their_column_names_the_flag() -> None:
    with pytest.raises(SourceError, match="--item-column"):
        read("user,article,action\nada,7,click\n", FileOptions("csv", "films", shape=BEHAVIOR))


def test_lines_can_be_items_and_no_behaviors() -> None:
    (found,) = read("one\n", FileOptions("lines", "shelf", shape=ITEM))
    assert fields(found)["text"] == "one"
    with pytest.raises(SourceError, match="a behavior needs user, item, action"):
        read("one\n", FileOptions("lines", "shelf", shape=BEHAVIOR))
