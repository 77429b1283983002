"""Agreement is that of the literature, head by head, and of those who labelled the same."""

from __future__ import annotations

import pytest
from support.labels import make_label

from retrain.agreement import agreements, pair_agreements
from streams.contract.labels import Label, LabelledEntity

TEXT = "Harlow Bank sues Keller"
HARLOW = LabelledEntity(start=0, end=11, type="ORG", sentiment="negative")
KELLER = LabelledEntity(start=17, end=23, type="PER", sentiment="neutral")
WORDS = {"-": "negative", "0": "neutral", "+": "positive"}


def intents(labeller: str, answers: str) -> list[Label]:
    """A labeller's answers to messages 0, 1, ...; a dot is none."""
    return [make_label(str(number), labeller, intent=answer) for number, answer in enumerate(answers) if answer != "."]


def feelings(labeller: str, answers: str) -> list[Label]:
    return [make_label(str(number), labeller, sentiment=WORDS[answer]) for number, answer in enumerate(answers)]


def marks(labeller: str, *entities: LabelledEntity, text: str = TEXT) -> Label:
    return make_label("m", labeller, entities=list(entities), text=text)


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    # Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", C: four observers, missing data, nominal: 0.743.
    labels = [
        *intents("a", "123321412..."),
        *intents("b", "1233224125.3"),
        *intents("c", ".3332342251."),
        *intents("d", "12332441251."),
    ]
    (row,) = agreements(labels)
    assert row.alpha == pytest.approx(0.743, abs=5e-4)
    assert (row.head, row.labellers, row.units, row.disagreed) == ("intent", 4, 11, 3)


def test_kappa_is_that_of_the_textbook() -> None:
    # Wikipedia, "Cohen's kappa": 20 times both yes, 15 both no, 5 and 10 the one or the other: 0.4.
    labels = [*intents("ann", "y" * 25 + "n" * 25), *intents("bob", "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15)]
    (pair,) = pair_agreements(labels)
    assert (pair.left, pair.right, pair.units) == ("ann", "bob", 50)
    assert pair.kappa == pytest.approx(0.4)


def test_sentiments_are_ordered_so_that_opposites_weigh_more() -> None:
    near = [*feelings("ann", "--00++-+"), *feelings("bob", "--00++00")]
    far = [*feelings("ann", "--00++-+"), *feelings("bob", "--00+++-")]
    (near_row,), (far_row,) = agreements(near), agreements(far)
    assert near_row.alpha is not None
    assert far_row.alpha is not None
    assert near_row.alpha > far_row.alpha + 0.1
    assert near_row.disagreed == far_row.disagreed == 2
    (near_pair,), (far_pair,) = pair_agreements(near), pair_agreements(far)
    assert near_pair.kappa is not None
    assert far_pair.kappa is not None
    assert near_pair.kappa > far_pair.kappa + 0.1


def test_topics_are_compared_as_sets() -> None:
    labels = [
        make_label("1", "ann", topics=["fraud", "markets"]),
        make_label("1", "bob", topics=["markets", "fraud"]),
        make_label("2", "ann", topics=["fraud"]),
        make_label("2", "bob", topics=[]),
    ]
    (row,) = agreements(labels)
    assert (row.head, row.units, row.disagreed) == ("topic", 2, 1)


def test_entities_are_compared_word_by_word_and_sentiments_where_both_marked() -> None:
    longer = LabelledEntity(start=0, end=16, type="ORG", sentiment="positive")
    same = LabelledEntity(start=0, end=11, type="ORG", sentiment="neutral")
    entities, towards = agreements([marks("ann", HARLOW, KELLER), marks("bob", longer, KELLER), marks("eve", same)])
    assert (entities.head, entities.units, entities.disagreed) == ("entities", 4, 2)
    assert (towards.head, towards.units, towards.disagreed, towards.labellers) == ("towards", 2, 1, 3)


def test_chinese_is_compared_character_by_character() -> None:
    text = "海洛银行停止提款"
    (row,) = agreements([marks("ann", text=text), marks("bob", LabelledEntity(start=0, end=4, type="ORG"), text=text)])
    assert (row.units, row.disagreed) == (8, 4)


def test_places_of_another_text_are_not_compared() -> None:
    assert agreements([marks("ann", HARLOW), marks("bob", HARLOW, text=f"{TEXT}, [phone]")]) == []


def test_where_one_answer_alone_was_given_there_is_no_statistic() -> None:
    labels = [*feelings("ann", "---"), *feelings("bob", "---")]
    (row,), (pair,) = agreements(labels), pair_agreements(labels)
    assert (row.alpha, row.disagreed, pair.kappa) == (None, 0, None)


def test_who_labelled_alone_agrees_with_nobody() -> None:
    labels = [make_label("1", "ann", sentiment="negative"), make_label("1", "bob", intent="card_lost")]
    assert agreements(labels) == []
    assert pair_agreements([*labels, make_label("2", "bob")]) == []


def test_pairs_that_share_most_come_first() -> None:
    labels = [*intents("ann", "1212"), *intents("bob", "1211"), *intents("eve", "12..")]
    assert [(pair.left, pair.right, pair.units) for pair in pair_agreements(labels)] == [
        ("ann", "bob", 4),
        ("ann", "eve", 2),
        ("bob", "eve", 2),
    ]
