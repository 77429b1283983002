"""Rows of one text become one, and a person's word goes before a seed example's."""

from __future__ import annotations

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
