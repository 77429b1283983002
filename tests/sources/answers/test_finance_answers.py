"""The answers that ship with the finance domain are whole, and fit to be sent as they are."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support.answer_files import maker

from streams.contract.domain import load_domain
from streams.sources.answers.items import Taken
from streams.sources.answers.reading import files_of, guess_format, read_answers

if TYPE_CHECKING:
    from streams.contract.replies import Document

DOMAIN = load_domain("finance")


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    found = []
    for file, name in files_of(DOMAIN.folder / "answers"):
        made = maker(name, intents=DOMAIN.intent_names, topics=DOMAIN.topic_names)
        items = list(read_answers(guess_format(name), file.read_text(encoding="utf-8"), made))
        assert all(isinstance(item, Taken) for item in items), items
        found += [item.document for item in items if isinstance(item, Taken)]
    return found


def test_every_intent_has_several_answers_and_there_are_pages(documents: list[Document]) -> None:
    answers = {document.text: document.intent for document in documents if document.question is not None}
    by_intent = Counter(answers.values())
    assert len(answers) >= 140
    assert set(by_intent) == set(DOMAIN.intent_names)
    assert min(by_intent.values()) >= 5
    assert sum(document.question is None for document in documents) >= 6
    assert all(document.topics for document in documents)


def test_no_answer_is_a_riddle_a_letter_or_a_form(documents: list[Document]) -> None:
    for document in documents:
        if document.question is not None:
            assert 25 <= len(document.text.split()) <= 75, document.text
        assert not re.search(r"\{\{|\bTODO\b|\*\*|\]\(|^#|[\[\]]", document.text if document.question else ""), (
            document.text
        )


def test_no_question_is_there_twice_and_no_wording_leads_to_two_answers(documents: list[Document]) -> None:
    asked = Counter(re.sub(r"\W+", " ", (document.question or "").casefold()).strip() for document in documents)
    del asked[""]
    assert [question for question, count in asked.items() if count > 1] == []


def test_every_number_to_ring_is_one_of_the_banks_made_up_ones(documents: list[Document]) -> None:
    numbers = {
        number for document in documents for number in re.findall(r"\+?\b0?\d{2,4} \d{3,4} ?\d{3,6}\b", document.text)
    }
    assert numbers
    # Ofcom keeps these ranges for drama: nobody's telephone will ring.
    assert {number for number in numbers if not re.match(r"0808 157 0\d{3}|\+?44 1632", number)} == set()
