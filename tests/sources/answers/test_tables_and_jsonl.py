"""Tables and JSON Lines: an answer a row, each wrong one told by its line."""

from __future__ import annotations

import msgspec
import pytest
from support.answer_files import NOON, documents_of, maker, refusals_of
from support.answers import make_document

from streams.sources.answers.items import AnswersError
from streams.sources.answers.jsonl import read_jsonl
from streams.sources.answers.table import read_table


def test_a_row_is_an_answer_and_one_without_a_question_a_page() -> None:
    text = (
        "Question;Answer;intent;Topics;also;approved;other\r\n"
        '"Lost; what now?";"Freeze it.\n\nThen ring.";card_lost;fraud, payments;card gone | card lost;2026-01-05;x\r\n'
        ";Cards are free.;;;;;\r\n"
        ";;;;;;\r\n"
    )
    lost, gone, again, page = documents_of(read_table(text, maker("faq.csv")))
    assert (lost.question, lost.text) == ("Lost; what now?", "Freeze it.\n\nThen ring.")
    assert (lost.intent, lost.topics) == ("card_lost", ["fraud", "payments"])
    assert lost.time.isoformat() == "2026-01-05T00:00:00+00:00"
    assert (gone.question, again.question, again.text) == ("card gone", "card lost", lost.text)
    assert (page.question, page.text, page.time) == (None, "Cards are free.", NOON)


def test_a_wrong_row_is_told_by_its_lines_and_the_others_are_taken() -> None:
    text = 'question,answer,time,topics\nA,\n"B\nb",Yes,not a time,\nC,,,\nD,Yes,,tax\nE,Yes,,\nE,No,,\n"F,Yes,,\n'
    items = list(read_table(text, maker(topics=("fraud",))))
    told = refusals_of(items)
    assert list(told) == ["line 2", "lines 3-4", "line 5", "line 6", "line 8", "line 9"]
    assert told["line 2"] == "2 cells where the header has 4"
    assert "time" in told["lines 3-4"]
    assert told["line 5"] == "it has no answer or text"
    assert told["line 6"] == "topic 'tax' is none of fraud"
    assert told["line 8"] == "the same id or question stands at line 7"
    assert [document.question for document in documents_of(items)] == ["E"]


def test_a_table_without_an_answer_column_is_refused_with_its_name_and_columns() -> None:
    with pytest.raises(
        AnswersError, match=r"faq\.csv: no column is named answer or text; there are question, reply text"
    ):
        list(read_table("question,reply text\na,b\n", maker("faq.csv")))


def test_a_field_under_two_names_is_refused() -> None:
    (told,) = refusals_of(read_table("text,answer\na,b\n", maker())).values()
    assert told == "it gives the field text twice"


def test_a_document_is_read_as_it_is_written() -> None:
    document = make_document("a", "Why?", "So.", topics=["fraud"], intent="other", title="T", url="https://a.example")
    document = msgspec.structs.replace(document, source="elsewhere.md")
    assert documents_of(read_jsonl(msgspec.json.encode(document).decode() + "\n\n", maker())) == [document]


def test_a_line_that_is_no_document_is_told() -> None:
    text = (
        '{"answer": "Yes", "topics": "a | b", "also": ["x"]}\n'
        'not json\n[1]\n{"question": "Q", "text": 5}\n{"text": "T", "topics": 3}\n'
    )
    told = refusals_of(read_jsonl(text, maker()))
    assert told["line 1"] == "it has other wordings of a question, and no question"
    assert "no JSON object" in told["line 2"]
    assert "no JSON object" in told["line 3"]
    assert "text" in told["line 4"]
    assert "lists of them" in told["line 5"]
