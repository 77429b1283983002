from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import toy_model

from models import tokens
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("🚀Acme🚀🚀wins", ["🚀", "Acme", "🚀🚀", "wins"]),
        ("👍🏽acme", ["👍🏽", "acme"]),
        ("☎️acme", ["☎", "acme"]),
        ("Acme™", ["Acme", "™"]),
        ("FÃ©in", ["FÃ©in"]),
    ],
)
def test_an_emoji_that_touches_a_word_is_none_of_it(text: str, words: list[str]) -> None:
    encoded = TOKENIZER.encode([text])[0]
    starts = {word: offset[0] for word, offset in reversed(list(zip(encoded.word_ids, encoded.offsets, strict=True)))}
    ends = dict(zip(encoded.word_ids, (end for _, end in encoded.offsets), strict=True))
    assert [text[starts[word] : ends[word]] for word in sorted(filter(lambda word: word is not None, ends))] == words


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


@pytest.mark.parametrize("word", ["xyzzy", "x" * 60])
def test_the_last_piece_of_a_word_that_is_cut_ends_with_the_word(word: str) -> None:
    text = f"{' '.join('a' * 12)} {word} acme wins"
    encoded = TOKENIZER.encode([text])[0]
    first, last = encoded.offsets[-3:-1]
    assert text[first[0] : last[1]] == word
    assert encoded.word_ids[-3:] == [12, 12, None]


def test_a_word_that_is_not_cut_ends_where_it_does() -> None:
    text = f"{' '.join('a' * 13)} acme wins"
    encoded = TOKENIZER.encode([text])[0]
    assert encoded.truncated
    assert text[slice(*encoded.offsets[-2])] == "acme"


def test_long_words_are_not_remembered() -> None:
    before = tokens._remembered_case.cache_info().currsize
    encoded = TOKENIZER.encode([f"see {chr(252) * 50_000}", f"see {chr(220) * 50_000}"])
    assert [text.case_ids[-2] for text in encoded] == [Case.LOWER, Case.UPPER]
    assert tokens._remembered_case.cache_info().currsize <= before + 1


def test_a_long_text_without_spaces() -> None:
    encoded = TOKENIZER.encode(["银" * 100_000])[0]
    assert (len(encoded.ids), encoded.truncated) == (16, True)


def test_padding() -> None:
    batch = TOKENIZER.pad(TOKENIZER.encode(["acme", "Acme wins !"]))
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch.input_ids[0, 3:].tolist() == [TOKENIZER.pad_id] * 2
    assert batch.case_ids.tolist() == [[0, 2, 0, 0, 0], [0, 3, 2, 1, 0]]
    assert {array.dtype for array in batch} == {np.dtype(np.int64)}


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
