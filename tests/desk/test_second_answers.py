"""One customer, several clerks: nobody's answer follows a colleague's that they have not seen."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.desk import NOON, Looked, Written, hear, make_office, make_view
from support.desk_records import Told, make_reply, make_request, make_turn
from support.processes import wait_for

from streams.brokers.errors import BrokerUnreachableError
from streams.contract.labels import Label
from streams.contract.replies import Reply, Turn
from streams.desk.actions import answering, labelling, standing
from streams.desk.actions.office import ActionError
from streams.desk.live import StaleViewError
from streams.desk.view.conversations import handle

if TYPE_CHECKING:
    from collections.abc import Callable

    from msgspec import Struct

    from streams.desk.actions.office import Office
    from streams.desk.view.view import View

CONVERSATION = handle("c-1")
ASKED = make_turn("c-1", "I am Mara, mara@example.com. Where is it?", NOON, author="Mara")
DRAFT = make_reply("c-1", NOON, text="Dear Mara, it is on its way.")
ANSWERED = make_turn("c-1", "It is here.", NOON + timedelta(minutes=1), kind="answered", by="desk")


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
def answers(office: Office) -> answering.AnsweringActions:
    return answering.AnsweringActions(office)


def talk(view: View, *records: Struct) -> None:
    hear(view, *(Told(b"c-1", record) for record in records))


def answer(text: str, **fields: object) -> answering.Answer:
    """What a browser sends; under the shared token all of them have one name."""
    given = {"by": "desk", "conversation": CONVERSATION, "text": text, "reply": None, "seen": []}
    return msgspec.convert(given | fields, answering.Answer)


@pytest.mark.parametrize(
    "fields", [{}, {"seen": None}, {"reply": DRAFT.id}, {"reply": DRAFT.id, "seen": None}, {"reply": "never-heard-of"}]
)
def test_who_has_not_seen_an_answer_does_not_answer_after_it_though_both_have_one_name(
    answers: answering.AnsweringActions, view: View, written: Written, fields: dict[str, object]
) -> None:
    talk(view, ASKED, DRAFT, ANSWERED)
    with pytest.raises(ActionError) as refused:
        answers.answer(answer("It is lost.", **fields))
    assert refused.value.status == 409
    assert written.records == []


def test_who_has_seen_the_answer_adds_to_it(answers: answering.AnsweringActions, view: View, written: Written) -> None:
    talk(view, ASKED, DRAFT, ANSWERED)
    (shown,) = view.snapshot()["conversations"].values()
    assert shown["went_out"] == [ANSWERED.id]
    answers.answer(answer("And bring a passport.", seen=shown["went_out"]))
    assert [reply.text for reply in written.of(Reply)] == ["And bring a passport."]


def test_a_draft_that_was_answered_is_not_answered_again_whoever_has_the_conversation_in_hand(
    answers: answering.AnsweringActions, view: View, written: Written
) -> None:
    talk(view, ASKED, DRAFT, ANSWERED)
    with pytest.raises(ActionError, match="out of date"):
        answers.answer(answer(DRAFT.text, reply=DRAFT.id, seen=[ANSWERED.id]))
    assert written.records == []


def test_what_tocsin_sent_by_itself_meanwhile_counts_too(
    answers: answering.AnsweringActions, view: View, written: Written
) -> None:
    talk(view, ASKED, make_turn("c-1", "", NOON, kind="taken_over", by="desk"))
    talk(view, make_reply("c-1", NOON, "send", text="It is here.", reason="answered"))
    with pytest.raises(ActionError, match="answered since"):
        answers.answer(answer("It is lost."))
    assert written.records == []


def test_a_program_that_tells_nothing_but_the_draft_answers_it_while_it_waits(
    answers: answering.AnsweringActions, view: View, written: Written
) -> None:
    back = make_turn("c-1", "", NOON + timedelta(minutes=2), kind="handed_back", by="desk")
    later = NOON + timedelta(minutes=3)
    talk(view, ASKED, DRAFT, ANSWERED, back, make_turn("c-1", "And now?", later, message_id="m-2"))
    talk(view, make_reply("c-1", later, text="Now it is here.", id="second", message_id="m-2"))
    answers.answer(answer("Now it is here.", reply="second", seen=None))
    assert [reply.message_id for reply in written.of(Reply)] == ["m-2"]


def test_of_two_answers_before_the_view_has_heard_of_either_the_first_alone_goes_out(
    answers: answering.AnsweringActions, view: View, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "latest_label", lambda *_: written.of(Label)[-1])
    talk(view, ASKED, DRAFT)
    answers.answer(answer("It is here.", reply=DRAFT.id))
    with pytest.raises(ActionError, match="answered since") as refused:
        answers.answer(answer("It is lost.", reply=DRAFT.id))
    assert refused.value.status == 409
    # The same one again is a click that was meant once.
    answers.answer(answer("It is here.", reply=DRAFT.id))
    assert {reply.text for reply in written.of(Reply)} == {"It is here."}
    first = written.of(Turn)[0]
    talk(view, first)
    answers.answer(answer("And bring a passport.", seen=[first.id]))
    assert written.of(Reply)[-1].text == "And bring a passport."


class Held(Written):
    """Writes once it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go_on = threading.Event(), threading.Event()

    def put(self, topic: str, key: bytes, record: Struct | None) -> None:
        """As ``Writer.put``."""
        self.reached.set()
        assert self.go_on.wait(30)
        super().put(topic, key, record)


def in_thread(act: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    told: list[object] = []

    def run() -> None:
        try:
            told.append(act())
        except ActionError as error:
            told.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, told


def test_of_two_answers_at_once_one_goes_out(view: View) -> None:
    talk(view, ASKED, DRAFT)
    written = Held()
    office = make_office(view, written)
    answers = answering.AnsweringActions(office)
    first, first_told = in_thread(lambda: answers.answer(answer("It is here.", reply=DRAFT.id)))
    assert written.reached.wait(30)
    second, second_told = in_thread(lambda: answers.answer(answer("It is lost.", reply=DRAFT.id)))
    # It has come to a decision, or waits for that of the first.
    wait_for(lambda: second_told or office.alone.locked(), 30)
    written.go_on.set()
    for thread in (first, second):
        thread.join(30)
    assert first_told == [{"edited": True, "label": True}]
    assert isinstance(second_told[0], ActionError)
    assert [reply.text for reply in written.of(Reply)] == ["It is here."]


def test_nothing_is_answered_by_what_was_known_before(office: Office, view: View, written: Written) -> None:
    talk(view, ASKED, DRAFT)
    looked = office.live
    assert isinstance(looked, Looked)
    looked.is_current = False
    answers = answering.AnsweringActions(office)
    with pytest.raises(StaleViewError):
        answers.answer(answer(DRAFT.text, reply=DRAFT.id))
    hear(view, Told(b"q-1", make_request(1, "My card", NOON, "customer")))
    with pytest.raises(StaleViewError):
        labelling.LabellingActions(office).label(labelling.GiveLabel(by="desk", message_id="q-1", topics=["payments"]))
    assert written.records == []


def test_a_label_that_the_view_has_not_heard_of_is_not_lost_by_a_second_word(
    office: Office, view: View, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(view, Told(b"q-1", make_request(1, "My card", NOON, "customer")))
    monkeypatch.setattr(standing, "latest_label", lambda *_: written.of(Label)[-1])
    labels = labelling.LabellingActions(office)
    labels.label(labelling.GiveLabel(by="desk", message_id="q-1", topics=["payments"]))
    labels.label(labelling.GiveLabel(by="desk", message_id="q-1", sentiment="negative"))
    assert (written.of(Label)[-1].topics, written.of(Label)[-1].sentiment) == (["payments"], "negative")


def test_an_answer_that_is_out_is_no_failure_though_nothing_can_be_learnt_from_it(
    answers: answering.AnsweringActions, view: View, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise BrokerUnreachableError("no broker")

    talk(view, ASKED, DRAFT)
    monkeypatch.setattr(answering, "standing_label", fail)
    assert answers.answer(answer("It is here.", reply=DRAFT.id)) == {"edited": True, "label": False}
    assert [reply.text for reply in written.of(Reply)] == ["It is here."]
