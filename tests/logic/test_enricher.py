from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick
from support.serving import Alone

from models.readings import Reading
from streams.contract.domain import load_domain
from streams.contract.ids import output_id
from streams.contract.incoming import Record
from streams.contract.records import DeadLetter, Entity, Prediction
from streams.contract.service_settings import RepliesSettings
from streams.contract.settings import EnrichSettings, Settings, SurgeSettings
from streams.logic.breaker import BrokenModelError
from streams.logic.enricher import REASONS, Batch, Enricher, Outcome
from streams.logic.inputs import InputClocks, Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from streams.contract.signals import Signal
    from streams.logic.reading import Reader

POISON = "poison"
DOMAIN = load_domain("finance")


class Model:
    """Reads the length of a text, refuses some texts, and remembers what it was asked."""

    model = "toy:7"

    def __init__(self, *, failures: dict[str, int] | None = None, at_most: int = 1_000) -> None:
        self.failures = failures or {}
        self.at_most = at_most
        self.asked: list[list[str]] = []
        self.embedded: list[list[str]] = []

    def read(self, texts: Sequence[str]) -> list[Reading]:
        self.asked.append(list(texts))
        if len(texts) > self.at_most:
            raise MemoryError
        for text in texts:
            if text == POISON:
                raise RuntimeError(f"cannot read {text}")
            if self.failures.get(text, 0):
                self.failures[text] -= 1
                raise RuntimeError("not now")
        return [self.reading(text) for text in texts]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded.append(list(texts))
        return np.array([[len(text), 0.5] for text in texts], np.float32)

    @staticmethod
    def reading(text: str) -> Reading:
        return Reading(
            topics=["deals"],
            topic_scores={"deals": 0.75, "markets": 0.25},
            sentiment="negative",
            sentiment_scores={"negative": 0.5, "neutral": 0.25, "positive": 0.25},
            intent="complaint",
            intent_scores={"complaint": 1.0},
            entities=[
                Entity(text=text[:1], type="ORG", start=0, end=1, score=1.0, sentiment="positive", sentiment_scores={})
            ],
            truncated=len(text) > 20,
        )


def enricher(model: Reader, **limits: object) -> Enricher:
    return Enricher(Alone(model), Settings(enrich=EnrichSettings(**limits)), DOMAIN)


def record(
    text: str = "", topic: str = "news", offset: int = 0, *, value: bytes | None = None, **fields: str
) -> Record:
    body = json.dumps({"text": text} | fields).encode() if value is None else value
    return Record(topic, 1, offset, 1_700_000_000.0, b"a key", body, [("trace", b"\xff"), ("none", None)])


def records(*texts: str) -> list[Record]:
    return [record(text, offset=offset) for offset, text in enumerate(texts)]


def prediction(outcome: Outcome) -> Prediction:
    assert outcome.reason is None
    assert outcome.outputs[0].topic == "tocsin.predictions"
    return msgspec.json.decode(outcome.outputs[0].value, type=Prediction)


def letter(outcome: Outcome) -> DeadLetter:
    assert outcome.reason is not None
    assert outcome.outputs[0].topic == "tocsin.dead-letters"
    read = msgspec.json.decode(outcome.outputs[0].value, type=DeadLetter)
    assert read.reason == outcome.reason
    return read


def told(batch: Batch) -> list[str | None]:
    return [outcome.reason for outcome in batch.outcomes]


def test_a_message_becomes_a_prediction_of_what_the_model_read() -> None:
    (outcome,) = enricher(Model()).enrich([record("Sale", id="m-1", source="wire", fingerprint="f")]).outcomes
    read, expected = prediction(outcome), Model.reading("Sale")
    assert (read.message_id, read.source, read.kind, read.fingerprint) == ("m-1", "wire", "news", "f")
    assert (read.topics, read.topic_scores) == (expected.topics, expected.topic_scores)
    assert (read.sentiment, read.sentiment_scores) == (expected.sentiment, expected.sentiment_scores)
    assert (read.entities, read.truncated, read.model) == (expected.entities, False, "toy:7")
    assert outcome.outputs[0].key == b"m-1"
    headers = dict(outcome.outputs[0].headers)
    assert (headers["ce_id"], headers["ce_type"]) == (read.id.encode(), b"tocsin.prediction")


def test_a_text_cut_for_the_model_is_flagged() -> None:
    (outcome,) = enricher(Model()).enrich([record("a text of more than twenty characters")]).outcomes
    assert prediction(outcome).truncated


@pytest.mark.parametrize(("topic", "intent"), [("news", None), ("social", None), ("customer", "complaint")])
def test_only_customers_have_intents(topic: str, intent: str | None) -> None:
    read = prediction(enricher(Model()).enrich([record("Help!", topic)]).outcomes[0])
    assert read.kind == topic
    assert read.intent == intent
    assert read.intent_scores == ({"complaint": 1.0} if intent else None)


@pytest.mark.parametrize("asked", [True, False])
def test_an_embedding_is_made_and_published_only_where_asked_for(*, asked: bool) -> None:
    model = Model()
    batch = enricher(model, publish_embedding=asked).enrich(records("one", "three"))
    embeddings = [prediction(outcome).embedding for outcome in batch.outcomes]
    assert embeddings == ([[3.0, 0.5], [5.0, 0.5]] if asked else [None, None])
    assert model.embedded == ([["one", "three"]] if asked else [])


def test_outcomes_stand_in_the_order_of_their_inputs() -> None:
    model = Model()
    texts = ["a", "", "b", POISON, "c"]
    batch = enricher(model, max_attempts=1).enrich(records(*texts))
    assert [outcome.record.offset for outcome in batch.outcomes] == [0, 1, 2, 3, 4]
    assert told(batch) == [None, "empty_text", None, "inference_failed", None]
    assert [prediction(batch.outcomes[place]).entities[0].text for place in (0, 2, 4)] == ["a", "b", "c"]


def test_a_batch_without_a_single_message_does_not_ask_the_model() -> None:
    model = Model()
    assert told(enricher(model).enrich([record(value=b"{"), record("")])) == ["malformed", "empty_text"]
    assert enricher(model).enrich([]).outcomes == []
    assert model.asked == []


def test_a_bad_message_becomes_a_dead_letter_as_it_came() -> None:
    value = b'{"text": "private words", \xff'
    (outcome,) = enricher(Model()).enrich([record(value=value, topic="social", offset=8)]).outcomes
    read = letter(outcome)
    assert (read.topic, read.partition, read.offset) == ("social", 1, 8)
    assert (read.stage, read.reason, read.attempts) == ("decode", "not_utf8", 1)
    assert (read.key, read.value, read.value_cut) == (b"a key", value, False)
    assert read.headers == [("trace", b"\xff"), ("none", b"")]
    assert "private" not in read.error
    assert outcome.outputs[0].key == b"social"
    assert dict(outcome.outputs[0].headers)["ce_type"] == b"tocsin.dead-letter"


def test_no_value_stays_no_value() -> None:
    tombstone = Record("news", 0, 0, 0.0, None, None, ())
    read = letter(enricher(Model()).enrich([tombstone]).outcomes[0])
    assert (read.reason, read.key, read.value, read.value_cut) == ("empty", None, None, False)


def test_a_value_over_the_limit_is_cut_and_flagged() -> None:
    read = letter(enricher(Model(), max_message_bytes=100).enrich([record("x" * 200)]).outcomes[0])
    assert read.reason == "too_large"
    assert read.value == b'{"text": "' + b"x" * 90
    assert read.value_cut


def test_a_poisonous_message_takes_no_other_with_it() -> None:
    model = Model()
    batch = enricher(model, max_attempts=3).enrich(records("a", POISON, "b"))
    assert told(batch) == [None, "inference_failed", None]
    read = letter(batch.outcomes[1])
    assert (read.stage, read.attempts) == ("infer", 3)
    assert read.error == "news[1]@1: the model raised RuntimeError"
    assert model.asked == [["a", POISON, "b"], ["a"], [POISON], [POISON], [POISON], ["b"]]
    # Made again: the batch once, and the message twice.
    assert batch.retries == 3


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_message_alone_is_tried_as_often_as_its_dead_letter_says(attempts: int) -> None:
    model = Model()
    batch = enricher(model, max_attempts=attempts).enrich(records(POISON))
    assert letter(batch.outcomes[0]).attempts == model.asked.count([POISON]) == attempts
    assert batch.retries == attempts - 1


def test_a_fault_that_passes_costs_no_message() -> None:
    model = Model(failures={"b": 2})
    batch = enricher(model, max_attempts=3).enrich(records("a", "b"))
    assert told(batch) == [None, None]
    assert batch.retries == 2
    assert model.asked == [["a", "b"], ["a"], ["b"], ["b"]]


def test_a_batch_too_large_for_the_model_is_read_one_by_one() -> None:
    batch = enricher(Model(at_most=1)).enrich(records("a", "b", "c"))
    assert told(batch) == [None] * 3
    assert batch.retries == 1


def test_a_failing_embedding_is_a_failing_message() -> None:
    class NoVectors(Model):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if {"a", "b"}.intersection(texts):
                raise RuntimeError(f"no vectors for {len(texts)} texts")
            return super().embed(texts)

    batch = enricher(NoVectors(), publish_embedding=True, max_attempts=1).enrich(records("a", "b"))
    assert told(batch) == ["inference_failed"] * 2


@pytest.mark.parametrize("publish_embedding", [False, True])
def test_a_model_that_reads_nothing_any_more_buries_nothing(*, publish_embedding: bool) -> None:
    class Broken(Model):
        broken = False

        def read(self, texts: Sequence[str]) -> list[Reading]:
            if self.broken and not publish_embedding:
                raise MemoryError
            return super().read(texts)

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if self.broken:
                raise MemoryError
            return super().embed(texts)

    model = Broken()
    enriching = enricher(model, publish_embedding=publish_embedding)
    assert told(enriching.enrich(records("a", "b"))) == [None, None]
    model.broken = True
    with pytest.raises(BrokenModelError, match="failed at 2 of 2 messages"):
        enriching.enrich(records("c", "d"))


def test_ids_are_equal_for_the_same_place_and_differ_else() -> None:
    given_ = [record("a", offset=1), record("a", offset=2), record("", offset=1), record("a", "social", offset=1)]
    first, again = (enricher(Model()).enrich(given_).outcomes for _ in range(2))
    ids = [dict(outcome.outputs[0].headers)["ce_id"] for outcome in first]
    assert ids == [dict(outcome.outputs[0].headers)["ce_id"] for outcome in again]
    assert len(set(ids)) == 4
    assert prediction(first[0]).id == output_id("news", 1, 1, "prediction")
    assert letter(first[2]).id == output_id("news", 1, 1, "dead-letter")


def test_a_prediction_that_no_broker_takes_is_a_dead_letter_of_the_whole_message() -> None:
    made = enricher(Model())
    (outcome,) = made.enrich(records("a")).outcomes
    read = letter(made.bury_refused(outcome))
    assert (read.stage, read.reason, read.value) == ("publish", "prediction_too_large", outcome.record.value)
    assert f"no prediction of {len(outcome.outputs[0].value)} bytes" in read.error


def test_a_dead_letter_that_no_broker_takes_keeps_the_place_and_reason_alone() -> None:
    made = enricher(Model())
    large = Record("news", 2, 9, 0.0, b"k" * 9_000, b"x" * 9_000, [("h" * 9_000, b"v" * 9_000)])
    bare = made.bury_refused(made.enrich([large]).outcomes[0])
    read = letter(bare)
    assert (read.topic, read.partition, read.offset, read.reason) == ("news", 2, 9, "malformed")
    assert (read.key, read.value, read.value_cut, read.headers) == (None, b"", True, [])
    assert len(bare.outputs[0].value) < 1_000
    assert read.id == output_id("news", 2, 9, "dead-letter")


def stamped(given_: list[Record]) -> tuple[list[Signal], dict[tuple[str, int], Progress]]:
    made = enricher(Model())
    progress, signals = made.stamp(made.enrich(given_), InputClocks(Settings()))
    return signals, progress


def test_a_prediction_has_a_signal_for_its_topic_its_entity_and_both() -> None:
    signals, _ = stamped(records("Sale"))
    assert [signal.subject for signal in signals] == ["topic/deals", "entity/s", "entity/s/topic/deals"]


def test_a_dead_letter_has_no_signals_and_moves_no_clock() -> None:
    signals, progress = stamped([record(value=b"{", offset=4)])
    assert signals == []
    assert progress == {("news", 1): Progress(5, None)}


def test_where_surge_detection_is_off_there_are_no_signals() -> None:
    settings = Settings(surge=SurgeSettings(enabled=False))
    made = Enricher(Alone(Model()), settings, DOMAIN)
    _, signals = made.stamp(made.enrich(records("Sale")), InputClocks(settings))
    assert signals == []


@pytest.mark.parametrize(("topic", "enabled"), [("news", True), ("customer", True), ("customer", False)])
def test_a_customers_message_has_a_turn_beside_its_prediction(topic: str, *, enabled: bool) -> None:
    settings = Settings(replies=RepliesSettings(enabled=enabled))
    (outcome,) = Enricher(Alone(Model()), settings, DOMAIN).enrich([record("Help!", topic, user="ann")]).outcomes
    expected = ["tocsin.predictions"] + ["tocsin.turns"] * (topic == "customer" and enabled)
    assert [output.topic for output in outcome.outputs] == expected
    if len(outcome.outputs) > 1:
        assert outcome.outputs[1].key == b"ann"


def test_signals_bear_the_time_that_their_partition_had_reached_with_their_message() -> None:
    at, social = (
        1_699_990_000.0,
        Record("social", 3, 7, 1_700_000_000.0, None, b'{"text": "a", "time": 1600000000}', ()),
    )
    timed = [record("a", offset=offset, time=str(at + offset)) for offset in range(3)]
    signals, progress = stamped([timed[0], social, timed[1], timed[2]])
    reached = {(signal.topic, signal.offset): signal.watermark for signal in signals}
    assert reached == {
        ("news", 0): None,
        ("social", 7): None,
        ("news", 1): at - 120,
        ("news", 2): at + 2 - 120,
    }
    assert progress == {("news", 1): Progress(3, at + 2 - 120), ("social", 3): Progress(8, None)}


def test_batches_read_at_once_are_stamped_in_the_order_of_their_records() -> None:
    made, at = enricher(Model()), 1_699_990_000.0
    batches = [
        [record("a", offset=offset, time=str(at + offset)) for offset in range(first, first + 20)]
        for first in range(0, 200, 20)
    ]
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(made.enrich, batches))
    clocks = InputClocks(Settings())
    signals = [signal for batch in read for signal in made.stamp(batch, clocks)[1]]
    watermarks = [signal.watermark for signal in signals if signal.subject.startswith("topic/")]
    assert watermarks == [None, at - 120, *(at + offset - 120 for offset in range(2, 200))]


def test_what_is_refused_keeps_its_signals() -> None:
    made = enricher(Model())
    outcome = made.enrich(records("a")).outcomes[0]
    buried = made.bury_refused(outcome)
    assert letter(buried).reason == "prediction_too_large"
    assert buried.signals == outcome.signals
    assert len(outcome.signals) == 3
    assert made.bury_refused(buried).signals == outcome.signals


_texts = st.text(max_size=9).map(lambda text: json.dumps({"text": text}).encode())


@quick
@given(
    st.lists(
        st.builds(
            Record,
            st.sampled_from(["news", "social", "customer"]),
            st.integers(0, 3),
            st.integers(0, 2**40),
            st.floats(-1, 2**33),
            st.none() | st.binary(max_size=5),
            st.none() | st.binary(max_size=20) | _texts,
            st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=5), st.none() | st.binary(max_size=5))),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_whatever_comes_there_is_one_outcome_each_and_nothing_is_raised(given_: list[Record]) -> None:
    made = enricher(Model(failures={"0": 10}), max_message_bytes=30, max_text_chars=5)
    batch = made.enrich(given_)
    progress, signals = made.stamp(batch, InputClocks(Settings()))
    assert progress.keys() == {(record.topic, record.partition) for record in given_}
    outcomes = batch.outcomes
    assert len(signals) == sum(len(outcome.signals) for outcome in outcomes)
    assert [outcome.record for outcome in outcomes] == given_
    for outcome in outcomes:
        if outcome.reason is None:
            prediction(outcome)
            assert len(outcome.signals) in {1, 3}
        else:
            assert outcome.reason in REASONS
            assert letter(outcome).key == outcome.record.key
