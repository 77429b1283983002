"""Rows as tensors, and the order of an epoch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support import toy_model

from models.tokens import Case, TextTokenizer
from retrain.rows import Row
from streams.contract.labels import LabelledEntity

if TYPE_CHECKING:
    from retrain.batches import Draw

torch = pytest.importorskip("torch")
batches = pytest.importorskip("retrain.batches")

pytestmark = pytest.mark.train

LABELS = toy_model.LABELS
TOKENIZER = TextTokenizer(toy_model.tokenizer(), 8)


def row(text: str, **said: object) -> Row:
    return Row(id=text, text=text, kind="news", source="", origin="label", group=text, **said)  # type: ignore[arg-type]


def test_what_nobody_said_is_marked_and_what_was_said_is_numbered() -> None:
    said = row("acme corp wins", topics=("deals",), sentiment="positive", intent="question")
    batch = batches.collate(batches.lessons([said, row("beta")], TOKENIZER, LABELS), TOKENIZER)
    unknown = batches.UNKNOWN
    assert batch["topic"].tolist() == [2, unknown]
    assert batch["sentiment"].tolist() == [2, unknown]
    assert batch["intent"].tolist() == [1, unknown]
    assert (batch["entities"] == unknown).all()
    assert batch["towards"].shape == (0,)
    assert batch["spans"].shape == (0, batch["input_ids"].shape[1])


def test_no_topic_is_an_answer_where_several_may_hold() -> None:
    multi = toy_model.Labels(
        **{**{name: getattr(LABELS, name) for name in LABELS.__struct_fields__}, "topic_mode": "multi"}
    )
    rows = [row("a", topics=()), row("c", topics=("earnings", "deals")), row("d", sentiment="neutral")]
    topics = batches.collate(batches.lessons(rows, TOKENIZER, multi), TOKENIZER)["topic"]
    assert topics.tolist() == [[0, 0, 0], [1, 0, 1], [batches.UNKNOWN] * 3]
    assert topics.is_floating_point()


def test_no_entity_is_an_answer_and_words_take_the_tag_at_their_first_piece() -> None:
    # "corpx" is two pieces: corp and ##x.
    entities = (LabelledEntity(start=0, end=10, type="ORG", sentiment="negative"),)
    rows = [row("acme corpx wins", entities=entities), row("a", entities=())]
    batch = batches.collate(batches.lessons(rows, TOKENIZER, LABELS), TOKENIZER)
    unknown, outside, begins, goes_on = batches.UNKNOWN, 0, 3, 4
    assert TOKENIZER.encode(["acme corpx wins"])[0].word_ids == [None, 0, 1, 1, 2, None]
    assert batch["entities"].tolist() == [
        [unknown, begins, goes_on, unknown, outside, unknown],
        [unknown, outside, unknown, unknown, unknown, unknown],
    ]
    assert batch["span_rows"].tolist() == [0]
    assert batch["towards"].tolist() == [0]
    assert batch["spans"][0].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 0, 0])


def test_entities_behind_the_cut_and_those_without_a_sentiment_teach_no_sentiment() -> None:
    text = "a a a a a a a a acme beta"
    entities = (
        LabelledEntity(start=0, end=1, type="ORG"),
        LabelledEntity(start=16, end=20, type="ORG", sentiment="negative"),
    )
    (lesson,) = batches.lessons([row(text, entities=entities)], TOKENIZER, LABELS)
    assert lesson.encoded.truncated
    assert lesson.towards == []


@dataclass(frozen=True)
class Epoch:
    draws: list[Draw]
    lengths: list[int]

    @property
    def places(self) -> list[int]:
        return [draw.place for draw in self.draws]


def epoch(count: int, number: int, *, batch: int = 4, seed: int = 1) -> Epoch:
    lengths = np.random.default_rng(7).integers(3, 60, count).tolist()
    draws = batches.Draws(lengths, batch, seed)
    draws.set_epoch(number)
    assert len(draws) == count
    return Epoch(list(draws), lengths)


@pytest.mark.parametrize("count", [1, 4, 5, 127, 260])
def test_an_epoch_has_every_row_once(count: int) -> None:
    assert sorted(epoch(count, 0).places) == list(range(count))


def test_an_epoch_follows_from_seed_and_number_alone() -> None:
    assert epoch(100, 3).draws == epoch(100, 3).draws
    assert epoch(100, 3).places != epoch(100, 4).places
    assert epoch(100, 3).places != epoch(100, 3, seed=2).places


def test_texts_of_like_length_share_a_batch_and_the_short_batch_is_the_last() -> None:
    drawn = epoch(1022, 0, batch=8)
    lengths = [drawn.lengths[place] for place in drawn.places]
    spreads = [np.ptp(lengths[start : start + 8]) for start in range(0, 1016, 8)]
    assert np.mean(spreads) < np.std(drawn.lengths) / 4
    # And yet the batches do not come by length.
    firsts = lengths[:1016:8]
    rising = sum(later >= earlier for earlier, later in pairwise(firsts)) / (len(firsts) - 1)
    assert 0.3 < rising < 0.7


def test_some_texts_are_shown_in_one_case_and_which_ones_changes() -> None:
    drawn = epoch(2000, 0).draws
    for case in (Case.LOWER, Case.UPPER):
        assert sum(draw.case is case for draw in drawn) / len(drawn) == pytest.approx(1 / 7, abs=0.03)
    cased = [{draw.place for draw in epoch(2000, number).draws if draw.case is not None} for number in (0, 1)]
    assert cased[0] != cased[1]


def test_a_recased_lesson_differs_in_its_cases_alone() -> None:
    (lesson,) = batches.lessons([row("Acme wins 12")], TOKENIZER, LABELS)
    shown = batches.Lessons([lesson])[batches.Draw(0, Case.UPPER)]
    assert shown.encoded.ids == lesson.encoded.ids
    assert lesson.encoded.case_ids == [Case.SPECIAL, Case.TITLE, Case.LOWER, Case.NONE, Case.NONE, Case.SPECIAL]
    assert shown.encoded.case_ids == [Case.SPECIAL, Case.UPPER, Case.UPPER, Case.NONE, Case.NONE, Case.SPECIAL]
    assert batches.Lessons([lesson])[batches.Draw(0, None)] is lesson
