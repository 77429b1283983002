"""What people replied is an answer, unless it is one customer's business alone."""

from __future__ import annotations

from support.answer_files import documents_of, maker, refusals_of
from support.labels import NOON, make_label

from streams.sources.answers.labels import ORIGIN, read_replies


def test_a_reply_answers_the_message_without_its_personal_data() -> None:
    labels = [
        make_label("1", text="Reset it, I am ann@example.com", reply="Tap Forgotten password.", intent="login_problem"),
        make_label("2", reply=None, sentiment="negative"),
        make_label("3", reply="  "),
    ]
    (found,) = documents_of(read_replies(labels, maker(ORIGIN)))
    assert (found.text, found.intent, found.source, found.time) == (
        "Tap Forgotten password.",
        "login_problem",
        "labels",
        NOON,
    )
    assert found.question is not None
    assert "Reset it" in found.question
    assert "ann@example.com" not in found.question


def test_a_reply_that_holds_personal_data_is_refused_without_quoting_it() -> None:
    told = refusals_of(read_replies([make_label("1", reply="We wrote to ann@example.com.")], maker(ORIGIN)))
    assert list(told) == ["label of ann on 1"]
    assert "ann@example.com" not in told["label of ann on 1"]


def test_a_later_reply_of_the_same_person_replaces_the_former() -> None:
    before, after = (
        documents_of(read_replies([make_label("1", minutes=minute, reply=reply)], maker(ORIGIN)))[0]
        for minute, reply in ((0, "Ring us."), (5, "Write to us."))
    )
    assert before.id == after.id
