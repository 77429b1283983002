"""Ids tell the same input again, and no other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.contract.ids import output_id, text_fingerprint


def test_an_id_depends_on_the_place_and_the_kind_alone() -> None:
    ids = {
        output_id("news", 0, 1, "prediction"),
        output_id("news", 0, 1, "dead-letter"),
        output_id("news", 0, 10, "prediction"),
        output_id("news", 1, 0, "prediction"),
        output_id("news", 11, 0, "prediction"),
        output_id("news1", 1, 0, "prediction"),
    }
    assert len(ids) == 6
    assert all(len(id_) == 32 and set(id_) <= set("0123456789abcdef") for id_ in ids)


def test_an_id_stays_the_same_over_versions() -> None:
    # Whoever kept ids must recognise what is sent again after an upgrade.
    assert output_id("news", 3, 1041, "prediction") == "bbbd13b32ca3298da379184d1fe6b55b"
    assert text_fingerprint("Harlow Bank: clients move!") == "d5bb37fa26d38ebb"


def test_a_fingerprint_survives_syndication() -> None:
    text = "Harlow Bank's clients move to Sample Trust"
    assert text_fingerprint("  HARLOW BANK\u2019S clients, move\nto “Sample Trust”. ") == text_fingerprint(text)
    assert text_fingerprint("Harlow Bank's clients move to Harlow Trust") != text_fingerprint(text)


def test_texts_without_words_are_no_copies_of_one_another() -> None:
    assert len({text_fingerprint(text) for text in ("🔥", "👍", "?!", "")}) == 4
    assert text_fingerprint(" 🔥\n") == text_fingerprint("🔥")


@given(st.text())
def test_any_text_has_a_fingerprint(text: str) -> None:
    assert len(text_fingerprint(text)) == 16


def test_a_text_with_a_lone_surrogate_has_a_fingerprint() -> None:
    assert len(text_fingerprint("\ud800 x")) == 16
