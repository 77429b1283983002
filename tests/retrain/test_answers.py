"""What a model answers to rows: as it is served, and about the labelled entities besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from msgspec.structs import replace
from support import toy_model, toy_rows

from models.export import as_served
from models.running import OpenGraph
from models.tokens import TextTokenizer
from retrain.answers import answer
from retrain.outcomes import collect, collect_spans
from streams.contract.labels import LabelledEntity

if TYPE_CHECKING:
    from pathlib import Path

    from models.manifest import Labels
    from models.runtime import Encoder
    from retrain.rows import Row
    from streams.contract.records import Sentiment

pytestmark = pytest.mark.train


def served(folder: Path, labels: Labels = toy_model.LABELS) -> Encoder:
    toy_model.write_files(folder, labels)
    return as_served(folder, precision="int8", max_tokens=toy_model.MAX_TOKENS, width=len(toy_model.vocabulary()))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return served(tmp_path_factory.mktemp("toy"))


def row(text: str, entities: tuple[LabelledEntity, ...] | None = None, sentiment: Sentiment | None = None) -> Row:
    return replace(toy_rows.rows(1)[0], text=text, topics=None, sentiment=sentiment, intent=None, entities=entities)


def test_the_answers_are_those_that_would_be_served_in_the_rows_order(encoder: Encoder) -> None:
    rows = toy_rows.rows(40)
    answers = answer(encoder, rows)
    for one, reading in zip(answers, encoder.read([row.text for row in rows]), strict=True):
        assert (list(one.topics), one.sentiment, one.intent) == (reading.topics, reading.sentiment, reading.intent)
        assert {(e.type, e.start, e.end): e.score for e in reading.entities} == one.entities


def test_a_graph_that_is_no_version_yet_answers_alike(encoder: Encoder, tmp_path: Path) -> None:
    toy_model.write_files(tmp_path / "files")
    session = onnxruntime.InferenceSession(tmp_path / "files" / "model.onnx", providers=["CPUExecutionProvider"])
    graph = OpenGraph(session, TextTokenizer(toy_model.tokenizer(), toy_model.MAX_TOKENS), toy_model.LABELS)
    rows = toy_rows.rows(20)
    for one, other in zip(answer(graph, rows), answer(encoder, rows), strict=True):
        assert one.entities == other.entities
        assert np.allclose(one.topic_logits, other.topic_logits, atol=1e-5)
        assert np.allclose(one.towards_logits, other.towards_logits, atol=1e-5)


def test_the_sentiment_towards_a_labelled_entity_is_told_though_the_model_does_not_find_it(encoder: Encoder) -> None:
    # "xx" is no name to the toy model.
    entity = LabelledEntity(start=0, end=2, type="ORG", sentiment="negative")
    (one,) = answer(encoder, [row("xx loses", entities=(entity,))])
    assert one.entities == {}
    assert one.towards == ("negative",)
    assert one.tags == ("B-ORG", "O")
    assert one.tag_logits.shape == (2, len(toy_model.TAGS))


def test_an_entity_beyond_the_cut_has_no_answer_and_is_missed(encoder: Encoder) -> None:
    text = "a " * 60 + "acme"
    entity = LabelledEntity(start=120, end=124, type="ORG", sentiment="positive")
    rows = [row(text, entities=(entity,))]
    answers = answer(encoder, rows)
    assert not answers[0].towards_logits.any()
    spans = collect_spans(rows, answers)
    assert (spans.expected, spans.given) == ([{("ORG", 120, 124)}], [{}])


def test_what_nobody_labelled_is_not_judged(encoder: Encoder) -> None:
    silent = LabelledEntity(start=0, end=4, type="ORG")
    rows = [row("acme wins"), row("acme wins", sentiment="positive"), row("acme", entities=(silent,))]
    answers = answer(encoder, rows)
    assert collect("sentiment", rows, answers, toy_model.LABELS).places.tolist() == [1]
    assert collect("topic", rows, answers, toy_model.LABELS).places.size == 0
    assert collect("towards", rows, answers, toy_model.LABELS).places.size == 0
    assert collect_spans(rows, answers).places.tolist() == [2]
    assert answers[0].tag_logits.shape == (0, len(toy_model.TAGS))


def test_a_model_without_intents_is_wrong_about_each(tmp_path: Path) -> None:
    without = served(tmp_path, replace(toy_model.LABELS, intents=()))
    rows = [replace(one, intent="question") for one in toy_rows.rows(3)]
    outcomes = collect("intent", rows, answer(without, rows), without.labels)
    assert outcomes.given == [()] * 3
    # Wrong, and not sure of it: no probability was said at all.
    assert outcomes.places.size == 3
    assert outcomes.confidences.size == outcomes.right.size == outcomes.confident_places().size == 0


def test_progress_is_told_to_the_end(encoder: Encoder) -> None:
    told: list[tuple[int, int]] = []
    answer(encoder, toy_rows.rows(30), lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (30, 30)
