"""What a customer-service team sees of replies, and what it says in conversations."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from support.desk import Written, hear, make_office, make_view
from support.desk_records import Told
from support.messages import consume_all, produce
from support.replies import NOON, turn

from streams.contract.labels import Label, label_key
from streams.contract.records import encode
from streams.contract.replies import Document, Reply, ReplyAction, Turn
from streams.contract.topics import documents_topic, labels_topic, replies_topic, turns_topic
from streams.desk.actions.answering import Answer, AnsweringActions
from streams.desk.view.conversations import handle

if TYPE_CHECKING:
    from support.commands import Tocsin

    from streams.contract.settings import Settings


def reply(number: int, action: ReplyAction, conversation: str = "talk", **changes: Any) -> Reply:  # noqa: ANN401
    fields: dict[str, Any] = {
        "id": f"{number}f00d",
        "conversation": conversation,
        "message_id": f"m-{number}",
        "action": action,
        "text": "" if action == "handoff" else "It is on its way to ann.lee@mail.example.",
        "reason": {"send": "answered", "review": "weak_evidence", "handoff": "legal"}[action],
        "detail": "Because.",
        "confidence": 0.8,
        "evidence": [] if action == "handoff" else ["new-card"],
        "time": NOON + timedelta(minutes=number),
        "question": f"Where is card {number}?",
    }
    return Reply(**fields | changes)


def publish(settings: Settings, *told: Reply | Turn) -> None:
    for each in told:
        topic = (replies_topic if isinstance(each, Reply) else turns_topic)(settings.topics)
        produce(settings, topic, [(each.conversation.encode(), encode(each), [])])


def asked(number: int, conversation: str = "talk", text: str = "Where is my card?") -> Turn:
    return msgspec.structs.replace(turn(text, id_=f"t-{number}"), message_id=f"m-{number}", conversation=conversation)


def listed(tocsin: Tocsin, *args: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in tocsin("replies", "list", "--json", *args).out.splitlines()]


def turns(settings: Settings, count: int) -> list[Turn]:
    records = consume_all(settings, turns_topic(settings.topics), count)
    return [msgspec.json.decode(record.value, type=Turn) for record in records]


@pytest.mark.integration
def test_what_waits_for_a_person_is_listed_until_a_person_has_answered(
    tocsin: Tocsin, stream_settings: Settings
) -> None:
    publish(stream_settings, asked(1), asked(3, "other"))
    told = [reply(1, "review"), reply(2, "send"), reply(3, "handoff", "other")]
    publish(stream_settings, *told, told[0])  # told twice
    assert [each["id"] for each in listed(tocsin)] == ["1f00d", "3f00d"]
    assert [each["id"] for each in listed(tocsin, "--all")] == ["1f00d", "2f00d", "3f00d"]
    assert [each["id"] for each in listed(tocsin, "--action", "send")] == ["2f00d"]
    assert listed(tocsin, "--raw")[0]["text"] == told[0].text
    for_people = tocsin("replies", "list")
    assert "weak_evidence" in for_people.out
    assert "ann.lee" not in for_people.out
    assert "2 of 2 shown: 1 review, 1 handoff" in for_people.err

    answered = tocsin("replies", "answer", "talk", "It comes on Friday.", "--by", "ann")
    assert answered.code == 0, answered.err
    assert [each["id"] for each in listed(tocsin)] == ["3f00d"]
    assert listed(tocsin, "--all")[0]["answered"]


@pytest.mark.integration
def test_a_reply_is_shown_with_what_it_was_drawn_from_and_masked(tocsin: Tocsin, stream_settings: Settings) -> None:
    card = Document(id="new-card", question="Where is it?", text="Cards come by post.", time=NOON)
    produce(stream_settings, documents_topic(stream_settings.topics), [(b"new-card", encode(card), [])])
    publish(stream_settings, reply(1, "review", evidence=["new-card", "lost"]))
    shown = tocsin("replies", "show", "1f00").out
    assert "It is on its way to [email]." in shown
    assert "Cards come by post." in shown
    assert "gone since" in shown
    assert "ann.lee@mail.example" in tocsin("replies", "show", "1f00", "--raw").out
    document = tocsin("replies", "show", "1f00d", "--json").json
    assert document["evidence"] == [{"id": "new-card", "text": "Cards come by post."}, {"id": "lost", "text": None}]
    assert tocsin("replies", "show", "beef").code == 3


@pytest.mark.integration
def test_a_persons_word_is_a_turn_of_the_conversation(tocsin: Tocsin, stream_settings: Settings) -> None:
    publish(stream_settings, asked(1))
    assert tocsin("replies", "take-over", "talk", "--by", "ann").code == 0
    assert tocsin("replies", "answer", "talk", "It comes on Friday.", "--by", "ann", "--hand-back").code == 0
    _, over, answered, back = turns(stream_settings, 4)
    assert [(each.kind, each.by, each.message_id) for each in (over, answered, back)] == [
        ("taken_over", "ann", "m-1"),
        ("answered", "ann", "m-1"),
        ("handed_back", "ann", "m-1"),
    ]
    assert answered.text == "It comes on Friday."
    assert len({each.id for each in (over, answered, back)}) == 3
    assert over.time <= answered.time <= back.time


def replies(settings: Settings, count: int) -> list[Reply]:
    records = consume_all(settings, replies_topic(settings.topics), count)
    assert {record.key for record in records} == {b"talk"}
    return [msgspec.json.decode(record.value, type=Reply) for record in records]


@pytest.mark.integration
def test_an_answer_goes_out_as_a_reply_just_as_from_the_desk(tocsin: Tocsin, stream_settings: Settings) -> None:
    said, draft = asked(1, text="I am ann.lee@mail.example. Where is it?"), reply(1, "review", model="encoder:2")
    publish(stream_settings, said, draft)
    view, written = make_view(), Written()
    hear(view, *(Told(b"talk", record) for record in (said, draft)))
    office = make_office(view, written, stream_settings)
    told = Answer(by="ann", conversation=handle("talk"), text="It comes on Friday.", reply=draft.id)
    AnsweringActions(office).answer(told)
    (expected,), (expected_turn,) = written.of(Reply), written.of(Turn)

    done = tocsin("replies", "answer", "talk", " It comes on Friday. ", "--by", "ann")
    assert done.code == 0, done.err
    assert f"ann has answered talk: the reply is on {replies_topic(stream_settings.topics)}, to be sent" in done.out
    _, sent = replies(stream_settings, 2)
    _, answered = turns(stream_settings, 2)
    assert (sent.action, sent.text) == ("send", "It comes on Friday.")
    assert msgspec.structs.replace(sent, time=NOON, detail=expected.detail) == expected
    assert sent.detail == "A person wrote it on the command line."
    assert msgspec.structs.replace(answered, time=NOON, source="desk") == expected_turn
    # Told twice, it is one reply to whoever sends it.
    assert tocsin("replies", "answer", "talk", "It comes on Friday.", "--by", "ann").code == 0
    assert len({each.id for each in replies(stream_settings, 3)[1:]}) == 1


@pytest.mark.integration
def test_a_draft_given_word_for_word_keeps_what_it_was_drawn_from(tocsin: Tocsin, stream_settings: Settings) -> None:
    draft = reply(1, "review", generator="generator:1", origin="generated")
    publish(stream_settings, asked(1), draft)
    assert tocsin("replies", "answer", "talk", draft.text, "--by", "ann").code == 0
    _, sent = replies(stream_settings, 2)
    assert (sent.evidence, sent.origin, sent.generator) == (["new-card"], "generated", "generator:1")
    assert sent.detail == "A person approved it on the command line."


@pytest.mark.integration
def test_an_answer_is_to_the_last_message_and_not_to_an_older_draft(tocsin: Tocsin, stream_settings: Settings) -> None:
    publish(stream_settings, asked(1), reply(1, "review"), asked(2, text="And when does it come?"))
    assert tocsin("replies", "answer", "talk", "On Friday.", "--by", "ann").code == 0
    _, sent = replies(stream_settings, 2)
    assert (sent.message_id, sent.question, sent.model) == ("m-2", "And when does it come?", "")
    assert turns(stream_settings, 3)[-1].message_id == "m-2"


@pytest.mark.integration
def test_who_does_not_have_the_conversation_in_hand_does_not_answer_in_it(
    tocsin: Tocsin, stream_settings: Settings
) -> None:
    publish(stream_settings, asked(1))
    assert tocsin("replies", "take-over", "talk", "--by", "bo").code == 0
    refused = tocsin("replies", "answer", "talk", "On Friday.", "--by", "ann")
    assert refused.code == 1
    assert "bo has this conversation in hand: take it over first" in refused.err
    assert tocsin("replies", "take-over", "talk", "--by", "ann").code == 0
    assert tocsin("replies", "answer", "talk", "On Friday.", "--by", "ann").code == 0
    assert [each.text for each in replies(stream_settings, 1)] == ["On Friday."]


@pytest.mark.integration
def test_a_good_answer_is_kept_as_a_label_without_the_customers_data(tocsin: Tocsin, stream_settings: Settings) -> None:
    publish(stream_settings, asked(1, text="Send it to ann.lee@mail.example, please."))
    before = Label(
        message_id="m-1", labeller="bo", time=NOON, text="Send it.", kind="customer", topics=["cards"], reason="random"
    )
    produce(stream_settings, labels_topic(stream_settings.topics), [(label_key("m-1", "bo"), encode(before), [])])
    done = tocsin("replies", "answer", "talk", "We send it to ann.lee@mail.example.", "--by", "bo", "--label")
    assert done.code == 0, done.err
    _, record = consume_all(stream_settings, labels_topic(stream_settings.topics), 2)
    label = msgspec.json.decode(record.value, type=Label)
    assert record.key == label_key("m-1", "bo")
    assert (label.text, label.topics, label.reason) == ("Send it.", ["cards"], "random")
    assert label.reply == "We send it to [email]."


@pytest.mark.integration
def test_a_first_label_of_an_answer_holds_the_question_without_the_customers_data(
    tocsin: Tocsin, stream_settings: Settings
) -> None:
    said = asked(1, text="Send it to ann.lee@mail.example, please.")
    publish(stream_settings, msgspec.structs.replace(said, source="box of ann.lee@mail.example"))
    assert tocsin("replies", "answer", "talk", "We do.", "--by", "bo", "--label").code == 0
    (record,) = consume_all(stream_settings, labels_topic(stream_settings.topics), 1)
    label = msgspec.json.decode(record.value, type=Label)
    assert (label.kind, label.text, label.reply) == ("customer", "Send it to [email], please.", "We do.")
    assert label.source == "box of [email]"


@pytest.mark.integration
def test_a_conversation_that_is_none_is_told(tocsin: Tocsin) -> None:
    for command in (("take-over", "talk"), ("hand-back", "talk"), ("answer", "talk", "Yes.")):
        refused = tocsin("replies", *command, "--by", "ann")
        assert refused.code == 3
        assert "no conversation 'talk'" in refused.err


def test_an_empty_answer_is_refused(bare: Tocsin) -> None:
    assert bare("replies", "answer", "talk", "  ").code == 2


def test_a_connector_without_an_address_is_told_by_its_setting(bare: Tocsin) -> None:
    refused = bare("replies", "connector")
    assert refused.code == 1
    assert "replies.webhook_url" in refused.err
