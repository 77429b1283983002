"""Vectors about their own middle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support import toy_bert, toy_model

from models.bert import Trunk, embedder, load_trunk
from models.centre import centred
from models.sessions import open_session
from models.tokens import TextTokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TEXTS = ["acme profit wins", "acme", "profit wins", "wins wins acme profit", "profit"]


@pytest.fixture
def trunk(tmp_path: Path) -> Trunk:
    return load_trunk(toy_bert.write(tmp_path))


@pytest.fixture
def tokenizer() -> TextTokenizer:
    return TextTokenizer(toy_model.tokenizer(), toy_bert.LONGEST)


def embed(trunk: Trunk, tokenizer: TextTokenizer) -> NDArray[np.float32]:
    tokens = tokenizer.pad(tokenizer.encode(TEXTS))
    session = open_session(embedder(trunk).SerializeToString())
    found: NDArray[np.float32] = session.run(
        None, {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
    )[0]
    return found


def test_what_all_have_in_common_is_taken_away(trunk: Trunk, tokenizer: TextTokenizer) -> None:
    plain = embed(trunk, tokenizer)
    middle = np.round(plain.mean(axis=0), 4)
    expected = (plain - middle) / np.linalg.norm(plain - middle, axis=1, keepdims=True)
    found = centred(trunk, tokenizer, TEXTS)
    assert found.centre == pytest.approx(middle, abs=1e-4)
    np.testing.assert_allclose(embed(found, tokenizer), expected, atol=1e-3)


def test_centred_twice_is_centred_once(trunk: Trunk, tokenizer: TextTokenizer) -> None:
    once = centred(trunk, tokenizer, TEXTS)
    twice = centred(once, tokenizer, TEXTS)
    assert embedder(once).SerializeToString() == embedder(twice).SerializeToString()


def test_another_order_of_the_texts_gives_the_same_graph(trunk: Trunk, tokenizer: TextTokenizer) -> None:
    one, other = (embedder(centred(trunk, tokenizer, texts)) for texts in (TEXTS, TEXTS[::-1]))
    assert one.SerializeToString() == other.SerializeToString()


def test_a_trunk_without_a_centre_is_as_before(trunk: Trunk, tokenizer: TextTokenizer) -> None:
    zero = replace(trunk, centre=np.zeros(trunk.width, np.float32))
    np.testing.assert_allclose(embed(zero, tokenizer), embed(trunk, tokenizer), atol=1e-6)
