from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import toy_model

from models.tokens import Case, TextTokenizer, word_case

if TYPE_CHECKING:
    from pathlib import Path

TOKENIZER = TextTokenizer(toy_model.tokenizer(), 16)

any_text = st.text(st.characters(exclude_categories=()), max_size=80)


def words_of(text: str) -> list[str]:
    encoded = TOKENIZER.encode([text])[0]
    return [text[start:end] for start, end in encoded.offsets]


@pytest.mark.parametrize(
    ("word", "case"),
    [
        ("!", Case.NONE), ("42", Case.NONE), ("股票", Case.NONE), ("bank", Case.LOWER), ("a", Case.LOWER),
        ("Bank", Case.TITLE), ("B", Case.TITLE), ("5G", Case.TITLE), ("Éire", Case.TITLE), ("ECB", Case.UPPER),
        ("G20X", Case.UPPER), ("iPhone", Case.MIXED), ("McDonald", Case.MIXED), ("ПАО", Case.UPPER),
    ],
)  # fmt: skip
def test_case_of_a_word(word: str, case: Case) -> None:
    assert word_case(word) == case


def test_pieces_of_a_word_share_its_case() -> None:
    encoded = TOKENIZER.encode(["Acme XY zz"])[0]
    assert encoded.word_ids == [None, 0, 1, 1, 2, 2, None]
    assert encoded.case_ids == [Case.SPECIAL, Case.TITLE, Case.UPPER, Case.UPPER, Case.LOWER, Case.LOWER, Case.SPECIAL]


def test_offsets_are_code_points_of_the_original() -> None:
    assert words_of("🚀🚀 Acme, Zoë") == ["", "🚀🚀", "Acme", ",", "Zoë", ""]


def test_names_of_special_tokens_are_plain_text() -> None:
    encoded = TOKENIZER.encode(["[SEP] [PAD]"])[0]
    assert encoded.word_ids.count(None) == 2
    assert words_of("[SEP]") == ["", "[", "S", "E", "P", "]", ""]


@pytest.mark.parametrize("text", ["", " ", "\u200b\u200e", "\x00", "\ufeff"])
def test_texts_that_are_empty_to_the_tokenizer(text: str) -> None:
    encoded = TOKENIZER.encode([text])[0]
    assert encoded.case_ids == [Case.SPECIAL, Case.SPECIAL]
    assert not encoded.truncated


def test_a_lone_surrogate_is_read_as_a_replacement_character() -> None:
    assert words_of("\ud83d acme") == words_of("\ufffd acme") == ["", "acme", ""]


def test_a_text_that_just_fits_is_whole() -> None:
    whole, cut = TOKENIZER.encode([" ".join("a" * 14), " ".join("a" * 15)])
    assert (len(whole.ids), whole.truncated) == (16, False)
    assert (len(cut.ids), cut.truncated) == (16, True)
    assert cut.word_ids[-1] is None


@pytest.mark.parametrize("filler", [" " * 100_000, "x" * 100_000 + " ", "\x00" * 100_000])
def test_what_stands_behind_a_long_filler_is_read(filler: str) -> None:
    text = filler + "acme"
    encoded = TOKENIZER.encode([text])[0]
    assert text[slice(*encoded.offsets[-2])].endswith("acme")
    assert not encoded.truncated


def test_a_long_text_is_read_as_its_beginning() -> None:
    text = "acme profit " * 10_000
    encoded = TOKENIZER.encode([text])[0]
    assert encoded == TOKENIZER.encode([text[:200]])[0]
    assert encoded.truncated


def test_a_long_text_without_spaces() -> None:
    encoded = TOKENIZER.encode(["银" * 100_000])[0]
    assert (len(encoded.ids), encoded.truncated) == (16, True)


def test_padding() -> None:
    tokens = TOKENIZER.pad(TOKENIZER.encode(["acme", "Acme wins !"]))
    assert tokens.attention_mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert tokens.input_ids[0, 3:].tolist() == [TOKENIZER.pad_id] * 2
    assert tokens.case_ids.tolist() == [[0, 2, 0, 0, 0], [0, 3, 2, 1, 0]]
    assert {array.dtype for array in tokens} == {np.dtype(np.int64)}


def test_path_content_and_tokenizer_are_the_same(tmp_path: Path) -> None:
    made = toy_model.tokenizer()
    made.save(str(tmp_path / "tokenizer.json"))
    sources = (tmp_path / "tokenizer.json", made.to_str(), made)
    assert len({str(TextTokenizer(source, 16).encode(["Acme wins in Paris"])) for source in sources}) == 1
    assert made.truncation is not None, "the caller's tokenizer was changed"


@given(st.lists(any_text, max_size=5))
def test_any_unicode(texts: list[str]) -> None:
    for text, encoded in zip(texts, TOKENIZER.encode(texts), strict=True):
        assert len(encoded.ids) == len(encoded.case_ids) == len(encoded.word_ids) == len(encoded.offsets) <= 16
        spans = [span for span, word in zip(encoded.offsets, encoded.word_ids, strict=True) if word is not None]
        assert all(0 <= start <= end <= len(text) for start, end in spans)
        assert spans == sorted(spans)
        assert encoded == TOKENIZER.encode([text])[0], "what else is in the batch must not matter"
