"""The heads that training begins with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace as with_
from support import toy_bert, toy_model, toy_rows

from models.base_files import TOKENIZER
from models.bert import load_trunk
from models.heads import Linear
from models.tokens import TextTokenizer
from retrain.warm_start import warm_start

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.heads import Heads
    from models.manifest import Labels
    from retrain.rows import Row


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_bert.write(tmp_path_factory.mktemp("base"))


def start(
    base: Path, rows: Sequence[Row], labels: Labels = toy_model.LABELS, heads: Heads | None = None
) -> tuple[Heads, list[str]]:
    told: list[str] = []
    tokenizer = TextTokenizer(base / TOKENIZER, toy_model.MAX_TOKENS)
    trunk = load_trunk(base)
    made = warm_start(rows, labels, trunk, tokenizer, heads, seed=1, tell=lambda stage, *_: told.append(stage))
    return made, told


def test_first_heads_are_fitted_on_what_was_said(base: Path) -> None:
    heads, told = start(base, toy_rows.rows(40))
    assert set(told) == {"texts with entities", "texts", "first heads"}
    assert heads.topic.bias.size == 3
    assert heads.intent is not None
    # An intent that somebody gave is no "never".
    assert (heads.intent.bias > -30).all()


def test_heads_that_nobody_said_anything_of_answer_something(base: Path) -> None:
    rows = [with_(row, topics=None, intent=None, entities=None) for row in toy_rows.rows(12)]
    heads, _ = start(base, rows)
    # The first label, for want of any reason.
    assert heads.topic.bias.argmax() == 0
    assert np.count_nonzero(heads.topic.weight) == 0
    assert heads.entity.output.bias.argmax() == 0
    assert np.isfinite(heads.sentiment.weight).all()


def test_the_states_of_tokens_are_kept_of_some_texts_alone(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them, _ = start(base, toy_rows.rows(40))
    monkeypatch.setattr("retrain.warm_start._MOST_ENTITY_TEXTS", 5)
    few, _ = start(base, toy_rows.rows(40))
    assert not np.array_equal(few.entity.hidden.weight, all_of_them.entity.hidden.weight)
    assert few.sentiment.weight == pytest.approx(all_of_them.sentiment.weight, abs=1e-2)


def test_heads_go_on_as_they_are_where_nothing_has_grown(base: Path) -> None:
    rows = toy_rows.rows(24)
    heads, _ = start(base, rows)
    again, told = start(base, rows, heads=heads)
    assert again is heads
    assert told == []


def test_a_head_whose_labels_have_grown_is_fitted_anew_and_the_others_stay(base: Path) -> None:
    rows = toy_rows.rows(40)
    heads, _ = start(base, rows)
    marked = replace(heads, sentiment=Linear(heads.sentiment.weight + 1.0, heads.sentiment.bias))
    grown = with_(toy_model.LABELS, topics=(*toy_model.LABELS.topics, "slang"))
    taught = [
        with_(row, topics=("slang",)) if row.topics and number % 3 == 0 else row for number, row in enumerate(rows)
    ]
    after, _ = start(base, taught, grown, marked)
    assert after.topic.bias.size == 4
    assert after.topic.bias[3] > -30
    assert after.sentiment is marked.sentiment
    assert after.entity is marked.entity


def test_a_domain_that_gains_or_loses_its_intents_gains_or_loses_the_head(base: Path) -> None:
    rows = toy_rows.rows(24)
    heads, _ = start(base, rows)
    without = with_(toy_model.LABELS, intents=())
    bare, _ = start(base, [with_(row, intent=None) for row in rows], without, heads)
    assert bare.intent is None
    back, _ = start(base, rows, toy_model.LABELS, bare)
    assert back.intent is not None


def test_several_topics_are_fitted_one_by_one_on_texts_of_which_they_are_known(base: Path) -> None:
    multi = with_(toy_model.LABELS, topic_mode="multi")
    rows = [with_(row, topics=()) if row.topics == ("deals",) else row for row in toy_rows.rows(40)]
    heads, _ = start(base, rows, multi)
    # Nobody is of it, though it is known of many that they are not.
    assert heads.topic.bias[2] == -30
    assert np.count_nonzero(heads.topic.weight[:, 2]) == 0
    assert np.count_nonzero(heads.topic.weight[:, 0]) > 0
