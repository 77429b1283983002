"""Rows of one text become one, and a person's word goes before a seed example's."""

from __future__ import annotations

import pytest
from support.labelled import days_ago, kept_id, learnt_id, row

from retrain.copies import merged
from streams.contract.labels import LabelledEntity

TEXT = "Harlow Bank gains"
BANK = (LabelledEntity(start=0, end=11, type="ORG"),)
SEED = row("0000000000000001", TEXT, origin="seed", topics=("prices",), sentiment="positive", entities=BANK)


def test_other_texts_stay_as_they_are() -> None:
    rows = [row("a", "one text"), row("b", "another text")]
    assert merged(rows) == rows


def test_a_label_corrects_a_seed_example_head_by_head() -> None:
    (one,) = merged([SEED, row(learnt_id(), TEXT, sentiment="negative")])
    assert (one.origin, one.sentiment, one.topics, one.entities) == ("label", "negative", ("prices",), BANK)


def test_the_later_message_goes_first_and_being_drawn_by_lot_is_kept() -> None:
    first, second = learnt_id(), learnt_id(but=frozenset([learnt_id()]))
    old = row(first, TEXT, sentiment="negative", time=days_ago(2), control=True)
    new = row(second, TEXT.upper(), sentiment="positive", time=days_ago(1))
    (one,) = merged([old, new])
    assert (one.id, one.text, one.sentiment, one.control) == (second, TEXT.upper(), "positive", True)


def test_places_are_taken_from_the_very_same_text_alone() -> None:
    (one,) = merged([SEED, row(learnt_id(), f"  {TEXT}!")])
    assert (one.text, one.entities, one.topics) == (f"  {TEXT}!", None, ("prices",))


def test_what_is_kept_for_testing_lends_its_word_and_not_its_id() -> None:
    (one,) = merged([SEED, row(kept_id(), TEXT, sentiment="negative")])
    assert (one.id, one.sentiment) == (SEED.id, "negative")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$AAPL +3.2% today on volume", "$AAPL -3.2% today on volume"),
        ("$AAPL 3.2% today on volume", "$AAPL -3.2% today on volume"),
        ("AAPL (+.5%)", "AAPL (-.5%)"),
        ("AAPL 3%", "AAPL \u22123%"),
        ("AAPL 3%", "AAPL \u20133%"),
        ("A result of +\u00a35m", "A result of -\u00a35m"),
        ("A result of $+5m", "A result of $-5m"),
        ("AAPL -3%, MSFT 2%", "AAPL 3%, MSFT -2%"),
        ("AAPL +3%, MSFT -2%, F +1%", "AAPL +3%, MSFT -2%, F -1%"),
        ("\u6caa\u6307+3.2%", "\u6caa\u6307-3.2%"),
        ("\u6caa\u6307\uff0b3.2%", "\u6caa\u6307\uff0d3.2%"),
        ("It costs $5", "It costs \u20ac5"),
        ("From $5 to \u20ac6", "From \u20ac5 to $6"),
        ("$5, \u20ac6 and $7", "$5, \u20ac6 and \u20ac7"),
        ("Great service 👍", "Great service 👎"),
        ("Great service 👍", "Great service"),
        ("AAPL \u2191", "AAPL \u2193"),
        ("AAPL \u25b2", "AAPL \u25bc"),
        ("Great service :)", "Great service :("),
        ("Great service ;-)", "Great service =("),
        ("Great service :')", "Great service :'("),
        ("Great service :)", "Great service :/"),
        ("Great service :D", "Great service D"),
        ("Great service:)", "Great service"),
        ("\u670d\u52a1\uff1a\uff09", "\u670d\u52a1\uff1a\uff08"),
    ],
)
def test_texts_that_a_reader_tells_apart_keep_their_labels(one: str, other: str) -> None:
    rows = [row("a", one, sentiment="positive"), row("b", other, sentiment="negative")]
    assert merged(rows) == rows


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Great service!", "GREAT  service"),
        ("\u201cHarlow\u201d gains...", "'Harlow' gains"),
        ("Well-known bank - gains", "Well known bank \u2013 gains"),
        ("Up from Q3-Q4 of 2024-25", "Up from Q3 Q4 of 2024 25"),
        ("Up from Q3-Q4 of 2024-25", "Up from Q3\u2013Q4 of 2024\u201325"),
        ("Up by 3%-5% or $3-$5", "Up by 3% \u2013 5% or $3 \u2013 $5"),
        ("Harlow gains--3 banks lose", "Harlow gains, 3 banks lose"),
        ("AAPL -3.2%", "AAPL \u22123.2%"),
        ("AAPL -3.2%", "AAPL \u20133.2%!"),
        ("\u6caa\u6307-3.2%", "\u6caa\u6307\uff0d3.2%"),
        ("It costs \uffe55", "It costs \u00a55"),
        ("Great service 👍", "👍 great service 👍👍"),
        ("Great service \u2764", "Great service \u2764\ufe0f"),
        ("Great service 👍", "Great service 👍🏽👍🏽"),
        ("Great service :)", "Great service :)))"),
        ("See (a): (b) https://example.com/x", "See a: b https example com x"),
        ("Note:Down", "Note Down"),
    ],
)
def test_case_spacing_and_punctuation_make_copies(one: str, other: str) -> None:
    (kept,) = merged([row("a", one), row("b", other)])
    assert kept.id == "a"
