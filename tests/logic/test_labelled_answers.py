from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from streams.contract.labels import Label
from streams.logic.labelled_answers import answer_of


def label(**changes: Any) -> Label:  # noqa: ANN401
    fields = {
        "message_id": "m-1",
        "labeller": "ann",
        "time": datetime(2026, 3, 2, tzinfo=UTC),
        "text": "Is the branch open on Sunday?",
        "kind": "customer",
        "reply": "No, it is not.",
    }
    return Label(**fields | changes)


def test_a_good_answer_becomes_a_document_with_its_question() -> None:
    document = answer_of(label(intent="opening_hours", topics=["service"]))
    assert document is not None
    assert (document.question, document.text) == ("Is the branch open on Sunday?", "No, it is not.")
    assert (document.intent, document.topics, document.source) == ("opening_hours", ["service"], "labels")


@pytest.mark.parametrize("changes", [{"reply": None, "sentiment": "neutral"}, {"reply": "  "}, {"kind": "news"}])
def test_what_is_no_answer_to_a_customer_becomes_none(changes: dict[str, Any]) -> None:
    assert answer_of(label(**changes)) is None


def test_two_people_s_answers_to_one_message_are_two_documents() -> None:
    ann, bob = answer_of(label()), answer_of(label(labeller="bob"))
    assert ann is not None
    assert bob is not None
    assert ann.id != bob.id
