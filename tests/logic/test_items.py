"""Items become vectors, withdrawals or dead letters, whatever the model does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from support.readings import seen

from models.readings import Reading
from streams.contract.incoming import Record
from streams.contract.recommendations import Item, ItemVector
from streams.contract.records import DeadLetter
from streams.contract.settings import Settings
from streams.logic.items import ItemEmbedder, NewsItems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass
class Model:
    """Reads earnings in everything, and cannot take some texts."""

    cannot: set[str] = field(default_factory=set)
    embedder_sha256: str = "sha"
    read_texts: list[str] = field(default_factory=list)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        self.read_texts += texts
        scores = {"negative": 0.1, "neutral": 0.2, "positive": 0.7}
        return [
            Reading(
                topics=["earnings"],
                topic_scores={},
                sentiment="positive",
                sentiment_scores=scores,
                intent=None,
                intent_scores=None,
                entities=[],
                truncated=False,
            )
            for _ in texts
        ]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.cannot & set(texts):
            raise RuntimeError("private")
        return np.array([[1.0, len(text)] for text in texts], np.float32)


def record(offset: int, value: dict[str, object] | None, key: str = "") -> Record:
    data = None if value is None else json.dumps(value).encode()
    return Record("items", 1, offset, 1_772_445_000.0, key.encode() or None, data, ())


def test_what_is_absent_is_read_and_what_is_given_stays() -> None:
    model = Model()
    given = {"id": "a", "text": "one", "topics": ["mine"], "sentiment": -0.5}
    outcomes = ItemEmbedder(lambda: model, Settings()).embed([record(0, given), record(1, {"id": "b", "text": "two"})])
    first, second = (msgspec.json.decode(each.output.value or b"", type=ItemVector) for each in outcomes)
    assert (first.item.topics, first.item.sentiment) == (["mine"], -0.5)
    assert (second.item.topics, second.item.sentiment) == (["earnings"], 0.6)
    assert model.read_texts == ["two"]
    assert [each.output.key for each in outcomes] == [b"a", b"b"]
    assert second.embedder == "sha"
    assert np.frombuffer(second.vector, "<f4").tolist() == [1.0, 3.0]


def test_a_withdrawal_goes_through_as_one() -> None:
    (outcome,) = ItemEmbedder(Model, Settings()).embed([record(0, None, "a")])
    assert (outcome.fate, outcome.output.key, outcome.output.value) == ("withdrawn", b"a", None)


def test_an_item_that_the_model_cannot_take_takes_no_other_with_it() -> None:
    model = Model(cannot={"bad"})
    records = [record(0, {"id": "a", "text": "bad"}), record(1, {"id": "b", "text": "good"}), record(2, {"text": ""})]
    outcomes = ItemEmbedder(lambda: model, Settings()).embed(records)
    assert [(each.fate, each.reason) for each in outcomes] == [
        ("refused", "inference_failed"),
        ("embedded", None),
        ("refused", "empty_text"),
    ]
    letter = msgspec.json.decode(outcomes[0].output.value or b"", type=DeadLetter)
    assert (letter.stage, letter.attempts) == ("infer", 3)
    assert "private" not in letter.error


def test_an_item_too_large_for_the_brokers_becomes_a_dead_letter_and_then_a_bare_one() -> None:
    embedder = ItemEmbedder(Model, Settings())
    (outcome,) = embedder.embed([record(0, {"id": "a", "text": "one"})])
    whole, bare = (embedder.bury_refused(outcome, bare=bare) for bare in (False, True))
    letters = [msgspec.json.decode(each.output.value or b"", type=DeadLetter) for each in (whole, bare)]
    assert [letter.reason for letter in letters] == ["too_large", "too_large"]
    assert letters[0].value == outcome.record.value
    assert letters[1].value == b""


def test_items_embedded_anew_keep_what_was_read_in_them() -> None:
    item = Item(id="a", text="one", time=seen("one").message.time, topics=["old"], sentiment=0.1)
    (output,) = ItemEmbedder(Model, Settings()).embed_anew([item])
    assert msgspec.json.decode(output.value or b"", type=ItemVector).item == item


def test_a_news_message_becomes_an_item_with_its_reading() -> None:
    told = seen("Shares fall", sentiment_scores={"negative": 0.9, "neutral": 0.1, "positive": 0.0})
    output = NewsItems(Settings()).item(told.message, told.prediction)
    item = msgspec.json.decode(output.value or b"", type=Item)
    assert (output.topic, output.key) == ("items", told.message.id.encode())
    assert (item.text, item.topics, item.sentiment) == ("Shares fall", ["earnings"], -0.9)
