"""Markdown is read as people write it: headings that ask, pages, fields in small lines."""

from __future__ import annotations

import pytest
from support.answer_files import documents_of, maker, refusals_of

from streams.sources.answers.markdown import plain, read_markdown

QUESTIONS = """---
topics: payments
language: en-GB
---
<!-- reviewed
in March -->
# Cards

## My card is **lost**. What now?
intent: card_lost; topics: payments, fraud
also: where is my card; I cannot find it | block my card

Freeze it in the *app*:

1. Open [the app](https://app.example/cards).
2. Tap `Freeze`.

### If it turns up

Unfreeze it.

## And abroad?
id: abroad

Ring us.
"""


def test_a_heading_that_asks_is_a_question_and_what_stands_under_it_the_answer() -> None:
    lost, *_ = documents_of(read_markdown(QUESTIONS, maker("cards.md")))
    assert (lost.question, lost.title, lost.intent) == ("My card is lost. What now?", "Cards", "card_lost")
    assert (lost.topics, lost.language, lost.source) == (["payments", "fraud"], "en-GB", "cards.md")
    assert lost.text == (
        "Freeze it in the app:\n\n1. Open the app (https://app.example/cards).\n2. Tap Freeze.\n\n"
        "If it turns up\n\nUnfreeze it."
    )


def test_other_wordings_become_answers_of_their_own() -> None:
    found = documents_of(read_markdown(QUESTIONS, maker("cards.md")))
    lost, first, second, abroad = found
    assert [first.question, second.question] == ["where is my card; I cannot find it", "block my card"]
    assert lost.text == first.text == second.text
    assert first.intent == "card_lost"
    assert len({document.id for document in found}) == 4
    assert (abroad.id, abroad.topics) == ("abroad", ["payments"])


def test_what_does_not_ask_is_a_page_for_each_highest_heading() -> None:
    text = "Before.\n\n# Cards\n\nFree.\n\n## Delivery\n\n5 days.\n\n## Empty\n\n# Fees\n\n- none\n* at all\n"
    before, cards, fees = documents_of(read_markdown(text, maker()))
    assert (before.title, before.text, before.question) == (None, "Before.", None)
    assert (cards.title, cards.text) == ("Cards", "Free.\n\n## Delivery\n\n5 days.")
    assert (fees.title, fees.text) == ("Fees", "- none\n- at all")


def test_a_question_within_a_page_is_taken_out_of_it() -> None:
    text = "# Fees\n\nAll fees.\n\n## Is it free?\n\nYes.\n\n## Overdraft\n\n34.9%.\n"
    free, page = documents_of(read_markdown(text, maker()))
    assert (free.question, free.text, free.title) == ("Is it free?", "Yes.", "Fees")
    assert page.text == "All fees.\n\n## Overdraft\n\n34.9%."


def test_a_question_without_an_answer_is_a_heading_like_any_other() -> None:
    (page,) = documents_of(read_markdown("# Is it?\n\n## Section\n\nText.\n\n# What else?\n", maker()))
    assert (page.question, page.text) == ("Is it?", "Section\n\nText.")
    (only,) = documents_of(read_markdown("## Why?\n\n## Because\n\nText.\n", maker()))
    assert (only.question, only.title) == (None, "Because")


def test_a_question_under_a_question_is_one_of_its_own() -> None:
    text = "## Is it free?\n\nYes.\n\n### Abroad too?\n\nNo.\n\n#### Details\n\n2%.\n"
    assert [(one.question, one.text) for one in documents_of(read_markdown(text, maker()))] == [
        ("Is it free?", "Yes."),
        ("Abroad too?", "No.\n\nDetails\n\n2%."),
    ]


def test_what_stands_in_a_fence_is_no_heading() -> None:
    (page,) = documents_of(read_markdown("# Codes\n\n```\n# 5012?\nOver.\n```\n", maker()))
    assert page.text == "# 5012?\nOver."


def test_a_line_that_is_only_like_fields_is_text() -> None:
    text = "## How?\nintent: card_lost\nNote: it is free; intent: none\n\nintent: other\n"
    (one,) = documents_of(read_markdown(text, maker()))
    assert (one.intent, one.text) == ("card_lost", "Note: it is free; intent: none\n\nintent: other")


def test_what_is_wrong_is_told_with_its_line_and_the_rest_is_taken() -> None:
    text = "# Cards\n\n## Lost?\nintent: card_last\n\nA.\n\n## Stolen?\ntopics: fraud, theft\n\nB.\n\n## Fine?\n\nC.\n"
    items = list(read_markdown(text, maker(intents=("card_lost",), topics=("fraud",))))
    assert refusals_of(items) == {
        "line 3": "intent 'card_last' is none of card_lost",
        "line 8": "topic 'theft' is none of fraud",
    }
    assert [document.question for document in documents_of(items)] == ["Fine?"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("---\ntopics: a\n# No end\n\nText.", "no second one"), ("---\nno field\n---\n# A\n\nB", "line 2")],
)
def test_fields_of_a_file_that_are_none_are_told(text: str, problem: str) -> None:
    (told,) = refusals_of(read_markdown(text, maker())).values()
    assert problem in told


def test_the_same_question_twice_is_told_with_the_place_of_the_first() -> None:
    items = list(read_markdown("# A\n\n## Why?\n\nA.\n\n## Why?\n\nB.\n", maker()))
    assert refusals_of(items) == {"line 7": "the same id or question stands at line 3"}


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("**bold**, __too__, *one*, _two_", "bold, too, one, two"),
        ("snake_case_name and 2*3*4 and a * b * c", "snake_case_name and 2*3*4 and a * b * c"),
        ("![logo](x.png) [us](https://a.example 'us')", "logo [us](https://a.example 'us')"),
        (
            '[us](https://a.example "us"), [https://a.example](https://a.example)',
            "us (https://a.example), https://a.example",
        ),
        (r"\*not\* 1\. \#", "*not* 1. #"),
        ("+ one\n  * two", "- one\n  - two"),
    ],
)
def test_text_becomes_plain(marked: str, expected: str) -> None:
    assert plain(marked) == expected
