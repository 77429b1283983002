"""What each action writes, and what it refuses."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.alerts import make_alert
from support.desk import NOON, Written, hear, make_office, make_view
from support.desk_records import Told, make_reply, make_request, make_turn

from streams.contract.alerts import Matcher, Silence, Verdict, Watch, ringing_key
from streams.contract.labels import Label, LabelledEntity, label_key
from streams.contract.model_records import RetrainRequest
from streams.contract.replies import Reply, Turn
from streams.desk.actions import answering, labelling, opinion
from streams.desk.actions.office import ActionError
from streams.desk.view.conversations import handle

if TYPE_CHECKING:
    from streams.contract.labels import RequestReason
    from streams.desk.actions.office import Office
    from streams.desk.view.view import View

CONVERSATION = handle("c-1")
ASKED = make_turn("c-1", "I am Mara, mara@example.com. Where is it?", NOON, author="Mara")
DRAFT = make_reply("c-1", NOON, text="Dear Mara, it is on its way.", evidence=["fees"], generator="generator:1")


@pytest.fixture
def view() -> View:
    return make_view()


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def office(view: View, written: Written) -> Office:
    return make_office(view, written)


@pytest.fixture
def opinions(office: Office) -> opinion.OpinionActions:
    return opinion.OpinionActions(office)


@pytest.fixture
def labels(office: Office) -> labelling.LabellingActions:
    return labelling.LabellingActions(office)


@pytest.fixture
def answers(office: Office) -> answering.AnsweringActions:
    return answering.AnsweringActions(office)


def talk(view: View, *records: Turn | Reply) -> None:
    hear(view, *(Told(record.conversation.encode(), record) for record in records))


def answer(text: str, **fields: object) -> answering.Answer:
    return msgspec.convert(
        {"by": "ann", "conversation": CONVERSATION, "text": text, "reply": DRAFT.id} | fields, answering.Answer
    )


def test_a_silence_is_of_the_names_under_which_subjects_are_counted(
    opinions: opinion.OpinionActions, written: Written
) -> None:
    asked = opinion.AddSilence(by="ann", matchers=["entity=Larkmoor Bank", "severity!=red"], duration="1h30m")
    opinions.add_silence(asked)
    (silence,) = written.of(Silence)
    assert silence.matchers[0] == Matcher(name="entity", value="larkmoor")
    assert (silence.startsAt, silence.endsAt) == (NOON, NOON + timedelta(minutes=90))
    assert written.records[0][1] == silence.id.encode()


@pytest.mark.parametrize(
    ("matchers", "duration", "words"),
    [
        (["larkmoor"], "2h", "no matcher"),
        (["subject!=topic/none"], "2h", "topic"),
        (["entity=~.*"], "2h", "every alert"),
        (["entity=a"], "for ever", "length of time"),
        (["entity=a"], "0s", "length of time"),
    ],
)
def test_a_silence_that_cannot_be_is_refused_in_words(
    opinions: opinion.OpinionActions, written: Written, matchers: list[str], duration: str, words: str
) -> None:
    with pytest.raises(ActionError, match=words):
        opinions.add_silence(opinion.AddSilence(by="ann", matchers=matchers, duration=duration))
    assert written.records == []


def test_a_silence_ends_now_and_one_that_is_over_stays_as_it_is(
    opinions: opinion.OpinionActions, view: View, written: Written
) -> None:
    running = Silence(
        id="s",
        matchers=[Matcher(name="entity", value="a")],
        startsAt=NOON - timedelta(hours=1),
        endsAt=NOON + timedelta(hours=1),
        createdBy="bo",
        comment="",
    )
    hear(view, Told(b"s", running))
    opinions.expire_silence(opinion.ExpireSilence(by="ann", id="s"))
    (ended,) = written.of(Silence)
    assert (ended.endsAt, ended.createdBy) == (NOON, "bo")
    hear(view, Told(b"s", ended))
    opinions.expire_silence(opinion.ExpireSilence(by="ann", id="s"))
    assert len(written.records) == 1
    with pytest.raises(ActionError, match="silence"):
        opinions.expire_silence(opinion.ExpireSilence(by="ann", id="t"))


def test_a_verdict_has_the_key_of_its_ringing(opinions: opinion.OpinionActions, view: View, written: Written) -> None:
    alert = make_alert()
    hear(view, Told(alert.fingerprint.encode(), alert))
    opinions.false_alarm(opinion.FalseAlarm(by="ann", alert=ringing_key(alert), comment="a quiz"))
    (verdict,) = written.of(Verdict)
    assert (verdict.key, verdict.subject, verdict.comment) == (ringing_key(alert), "entity/larkmoor", "a quiz")
    with pytest.raises(ActionError) as refused:
        opinions.false_alarm(opinion.FalseAlarm(by="ann", alert="none"))
    opinions.withdraw_false_alarm(opinion.WithdrawFalseAlarm(by="bo", alert=ringing_key(alert)))
    (_, given, _), (_, withdrawn, nothing) = written.records
    assert given == withdrawn
    assert nothing is None
    assert refused.value.status == 404


def test_a_subject_is_watched_and_watched_no_more(
    opinions: opinion.OpinionActions, view: View, written: Written
) -> None:
    assert opinions.add_watch(opinion.AddWatch(by="ann", subject="Larkmoor Bank")) == {"subject": "entity/larkmoor"}
    (watch,) = written.of(Watch)
    hear(view, Told(watch.subject.encode(), watch))
    opinions.remove_watch(opinion.RemoveWatch(by="ann", subject="entity/larkmoor"))
    assert written.records[-1][1:] == (b"entity/larkmoor", None)
    with pytest.raises(ActionError, match="topic/fraud"):
        opinions.add_watch(opinion.AddWatch(by="ann", subject="fraud"))
    with pytest.raises(ActionError, match="watchlist"):
        opinions.remove_watch(opinion.RemoveWatch(by="ann", subject="topic/fraud"))


def test_a_label_stands_by_itself(labels: labelling.LabellingActions, view: View, written: Written) -> None:
    request = make_request(1, "My card is declined", NOON, "customer", reason="random")
    hear(view, Told(b"q-1", request))
    labels.label(
        labelling.GiveLabel(
            by="ann", message_id="q-1", topics=["payments"], sentiment="negative", intent="card_declined"
        )
    )
    (label,) = written.of(Label)
    assert written.records[0][1] == label_key("q-1", "ann")
    assert (label.text, label.kind, label.source) == (request.text, "customer", "mailbox")
    assert (label.topics, label.sentiment, label.intent) == (["payments"], "negative", "card_declined")
    assert (label.reason, label.model, label.message_time) == ("random", "encoder:2", request.message_time)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "nothing is labelled"),
        ({"topics": ["weather"]}, "no topic weather"),
        ({"topics": ["fraud", "service"]}, "exactly one topic"),
        ({"topics": []}, "exactly one topic"),
        ({"sentiment": "negative", "intent": "none"}, "no intent none"),
        ({"intent": "card_declined"}, "only customers"),
        ({"sentiment": "negative", "message_id": "q-9"}, "request"),
    ],
)
def test_a_label_that_cannot_be_is_refused(
    labels: labelling.LabellingActions, view: View, written: Written, fields: dict[str, object], words: str
) -> None:
    hear(view, Told(b"q-1", make_request(1, "a text", NOON)))
    asked = msgspec.convert({"by": "ann", "message_id": "q-1"} | fields, labelling.GiveLabel)
    with pytest.raises(ActionError, match=words):
        labels.label(asked)
    assert written.records == []


CARD, BANK = LabelledEntity(start=3, end=7, type="MISC"), LabelledEntity(start=10, end=14, type="ORG")


def test_entities_are_labelled_and_taken_back_with_the_rest(
    labels: labelling.LabellingActions, view: View, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(view, Told(b"q-1", make_request(1, "My card, Bank", NOON, "customer")))
    bank = msgspec.structs.replace(BANK, start=9, end=13, sentiment="negative")
    labels.label(labelling.GiveLabel(by="ann", message_id="q-1", entities=[CARD, bank]))
    (label,) = written.of(Label)
    assert label.entities == [CARD, bank]
    assert label.topics is None
    standing = msgspec.structs.replace(label, topics=["payments"])
    monkeypatch.setattr(labelling, "standing_label", lambda *_: standing)
    # That there are none is something, too.
    labels.label(labelling.GiveLabel(by="ann", message_id="q-1", entities=[]))
    assert (written.of(Label)[-1].entities, written.of(Label)[-1].topics) == ([], ["payments"])
    labels.withdraw(labelling.WithdrawLabel(by="ann", message_id="q-1"))
    assert (written.of(Label)[-1].entities, written.of(Label)[-1].topics) == ([CARD, bank], None)
    labels.withdraw(labelling.WithdrawLabel(by="ann", message_id="q-1", entities=True))
    assert written.records[-1][2] is None


def test_entities_are_of_the_text_that_was_shown_whatever_was_imported(
    labels: labelling.LabellingActions, view: View, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = make_request(1, "[author] here: my card, Harlow Bank", NOON, "customer")
    hear(view, Told(b"q-1", request))
    imported = Label(
        message_id="q-1",
        labeller="ann",
        time=NOON,
        text="Jo here: my card, Harlow Bank",
        kind="customer",
        source="import",
        topics=["payments"],
        reply="Sorry.",
        entities=[LabelledEntity(start=18, end=29, type="ORG")],
    )
    monkeypatch.setattr(labelling, "standing_label", lambda *_: imported)
    labels.label(labelling.GiveLabel(by="ann", message_id="q-1", sentiment="negative"))
    assert (written.of(Label)[-1].text, written.of(Label)[-1].entities) == (imported.text, imported.entities)
    bank = LabelledEntity(start=24, end=35, type="ORG")
    labels.label(labelling.GiveLabel(by="ann", message_id="q-1", entities=[bank]))
    label = written.of(Label)[-1]
    assert (label.text, label.entities, label.text[bank.start : bank.end]) == (request.text, [bank], "Harlow Bank")
    assert (label.topics, label.reply, label.source) == (["payments"], "Sorry.", "import")


def test_a_correction_to_no_topic_stands(view: View, written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    office = make_office(view, written)
    several = office.domain.model_copy(update={"topic_mode": "multi"})
    multi = labelling.LabellingActions(dataclasses.replace(office, domain=several))
    hear(view, Told(b"q-1", make_request(1, "My card", NOON, "customer")))
    multi.label(labelling.GiveLabel(by="ann", message_id="q-1", topics=["payments"], sentiment="negative"))
    monkeypatch.setattr(labelling, "standing_label", lambda *_: written.of(Label)[-1])
    multi.label(labelling.GiveLabel(by="ann", message_id="q-1", topics=[]))
    assert (written.of(Label)[-1].topics, written.of(Label)[-1].sentiment) == ([], "negative")


@pytest.mark.parametrize(
    ("reason", "model", "then"),
    [
        (None, None, ("random", "encoder:2")),
        (None, "encoder:1", ("random", "encoder:1")),
        ("uncertain", "encoder:1", ("uncertain", "encoder:1")),
    ],
)
def test_an_answer_to_a_draw_counts_as_drawn_though_the_person_wrote_a_reply_before(
    labels: labelling.LabellingActions,
    view: View,
    written: Written,
    monkeypatch: pytest.MonkeyPatch,
    reason: RequestReason | None,
    model: str | None,
    then: tuple[str, str],
) -> None:
    hear(view, Told(b"q-1", make_request(1, "My card", NOON, "customer", reason="random")))
    reply = Label(
        message_id="q-1",
        labeller="ann",
        time=NOON,
        text="My card",
        kind="customer",
        reply="Sorry.",
        reason=reason,
        model=model,
    )
    monkeypatch.setattr(labelling, "standing_label", lambda *_: reply)
    labels.label(labelling.GiveLabel(by="ann", message_id="q-1", topics=["payments"]))
    (label,) = written.of(Label)
    assert (label.topics, label.reply) == (["payments"], "Sorry.")
    assert (label.reason, label.model) == then


@pytest.mark.parametrize(
    ("entities", "told"),
    [([CARD, BANK], "lies outside"), ([CARD, msgspec.structs.replace(CARD, start=5, end=9)], "lie over each other")],
)
def test_entities_that_cannot_be_are_refused(
    labels: labelling.LabellingActions, view: View, entities: list[LabelledEntity], told: str
) -> None:
    hear(view, Told(b"q-1", make_request(1, "My card, Bank", NOON, "customer")))
    with pytest.raises(ActionError, match=told):
        labels.label(labelling.GiveLabel(by="ann", message_id="q-1", entities=entities))


def test_a_run_is_asked_for(labels: labelling.LabellingActions, written: Written) -> None:
    labels.ask_for_run(labelling.AskForRun(by="ann", reason="new slang"))
    (request,) = written.of(RetrainRequest)
    assert (request.model, request.by, request.reason) == ("encoder", "ann", "new slang")


def test_a_draft_that_is_sent_as_it_is_goes_out_and_teaches_nothing(
    answers: answering.AnsweringActions, view: View, written: Written
) -> None:
    talk(view, ASKED, DRAFT)
    answers.answer(answer(f"{DRAFT.text}\n", hand_back=True))
    (sent,) = written.of(Reply)
    assert (sent.action, sent.reason, sent.text, sent.evidence) == ("send", "answered", DRAFT.text, ["fees"])
    answered, back = written.of(Turn)
    assert (answered.kind, answered.text, answered.by) == ("answered", DRAFT.text, "ann")
    assert (answered.message_id, answered.id) == (DRAFT.message_id, sent.id)
    assert back.kind == "handed_back"
    assert written.of(Label) == []
    # What goes to the customer comes first.
    assert isinstance(written.records[0][2], Reply)


def test_an_edited_draft_becomes_a_label_without_personal_data(
    answers: answering.AnsweringActions, view: View, written: Written
) -> None:
    talk(view, msgspec.structs.replace(ASKED, source="chat of Mara"), DRAFT)
    told = answers.answer(answer("Dear Mara, it left today; write to us at help@example.com"))
    assert told == {"edited": True, "label": True}
    (label,) = written.of(Label)
    assert label.text == "I am [author], [email]. Where is it?"
    assert label.reply == "Dear [author], it left today; write to us at [email]"
    assert (label.kind, label.topics, label.sentiment) == ("customer", None, None)
    assert label.source == "chat of [author]"
    (sent,) = written.of(Reply)
    assert (sent.text, sent.origin, sent.evidence) == (
        "Dear Mara, it left today; write to us at help@example.com",
        "none",
        [],
    )
    assert [turn.kind for turn in written.of(Turn)] == ["answered"]


def test_the_same_answer_twice_has_one_id(answers: answering.AnsweringActions, view: View, written: Written) -> None:
    talk(view, ASKED, DRAFT)
    answers.answer(answer(DRAFT.text))
    answers.answer(answer(DRAFT.text))
    assert len({reply.id for reply in written.of(Reply)}) == 1


def test_a_draft_that_was_answered_meanwhile_is_out_of_date(
    answers: answering.AnsweringActions, view: View, written: Written
) -> None:
    talk(view, ASKED, DRAFT)
    talk(view, make_turn("c-1", "It is here", NOON + timedelta(minutes=1), kind="answered", by="ann"))
    talk(view, make_turn("c-1", "", NOON + timedelta(minutes=2), kind="handed_back", by="ann"))
    with pytest.raises(ActionError, match="out of date") as refused:
        answers.answer(answer(DRAFT.text))
    assert refused.value.status == 409
    assert written.records == []


def test_who_does_not_have_the_conversation_in_hand_does_not_answer_in_it(
    answers: answering.AnsweringActions, view: View, written: Written
) -> None:
    talk(view, ASKED, make_turn("c-1", "", NOON, kind="taken_over", by="bo"))
    with pytest.raises(ActionError, match="bo has this conversation in hand"):
        answers.answer(answer("Hello", reply=None))
    answers.answer(answer("Hello", reply=None, by="bo"))
    assert [turn.kind for turn in written.of(Turn)] == ["answered"]
    assert written.of(Label)[0].reply == "Hello"


def test_a_conversation_changes_hands(answers: answering.AnsweringActions, view: View, written: Written) -> None:
    talk(view, ASKED)
    answers.take_over(answering.TakeOver(by="ann", conversation=CONVERSATION))
    talk(view, written.of(Turn)[-1])
    answers.hand_over(answering.HandOver(by="ann", conversation=CONVERSATION, to="bo"))
    answers.hand_back(answering.HandBack(by="ann", conversation=CONVERSATION))
    assert [(turn.kind, turn.by) for turn in written.of(Turn)] == [
        ("taken_over", "ann"),
        ("taken_over", "bo"),
        ("handed_back", "ann"),
    ]
    assert {turn.conversation for turn in written.of(Turn)} == {"c-1"}
    talk(view, written.of(Turn)[-1])
    with pytest.raises(ActionError, match="nobody has"):
        answers.hand_back(answering.HandBack(by="ann", conversation=CONVERSATION))
