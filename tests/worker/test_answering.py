from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from support.replies import ANSWERS, Found, prediction, turn

from streams.contract.domain import load_domain
from streams.contract.ids import derived_id
from streams.contract.service_settings import RepliesSettings
from streams.contract.settings import Settings
from streams.logic.replies.deciding import Draft
from streams.worker import answering
from streams.worker.answering import Answering, Answers, Told
from streams.worker.conversations import Conversations
from streams.worker.drafting import Written
from streams.worker.recovery import RecoveryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.replies import ConversationState, Reply, Turn
    from streams.logic.replies.verdicts import Plan, Rules

SETTINGS = Settings(replies=RepliesSettings(send_score=0.7, min_score=0.5))
DOMAIN = load_domain("finance")


class Library:
    """Finds the same for every question, and remembers what it was asked."""

    def __init__(self, *found: Found) -> None:
        self.found = list(found)
        self.asked: list[tuple[str, str | None]] = []
        self.fails = False

    def search(self, texts: Sequence[str], limit: int, *, language: str | None = None) -> list[list[Found]]:
        if self.fails:
            raise OSError("the index is gone")
        self.asked += [(text, language) for text in texts]
        return [self.found[:limit] for _ in texts]


class Drafting:
    """Writes the same to every question; None where there is no generator."""

    def __init__(self, text: str | None = None, *, batch: int = 4, is_cut_off: bool = False) -> None:
        self.text = text
        self.batch = batch
        self.is_cut_off = is_cut_off
        self.asked: list[list[str]] = []
        self.within: list[float] = []

    def replies(self, asked: Sequence[tuple[Turn, str, Plan]], _: Rules, *, within: float) -> Sequence[Written | None]:
        self.asked.append([text for _, text, _ in asked])
        self.within.append(within)
        if self.text is None:
            return [None] * len(asked)
        draft = Draft(self.text, finished=not self.is_cut_off)
        return [Written(draft, "generator:3", 7, 0.5, self.is_cut_off)] * len(asked)


class Desk:
    """An answering of its own, and what it has made."""

    def __init__(self, library: Library | None = None, drafting: Drafting | None = None) -> None:
        self.library = library or Library(Found())
        self.drafting = drafting or Drafting()
        self.conversations = Conversations(SETTINGS, lambda _: [])
        self.answering = Answering(SETTINGS, DOMAIN, self.conversations, self.library, self.drafting)  # type: ignore[arg-type]
        self.answers = Answers()

    def answer(self, *fresh: Turn | None, late: Sequence[Turn] = (), waited: float = 0.0) -> list[Reply]:
        self.answers = self.answering.answer([told(each, waited) for each in late], [told(each) for each in fresh])
        return self.answering.settle(self.answers, lambda _: False)


def told(said: Turn | None, waited: float = 0.0) -> Told:
    return Told(None, "tocsin.turns[0]@0", 0, time.time() - waited, said)


def asked(number: int = 1, text: str = "Where is my new card?", **changes: Any) -> Turn:  # noqa: ANN401
    made = turn(text, id_=f"turn-{number}")
    changes = {"message_id": f"message-{number}", "conversation": f"talk {number}"} | changes
    return msgspec.structs.replace(made, **changes)


def test_a_question_with_evidence_is_answered_by_what_the_generator_wrote_of_it() -> None:
    desk = Desk(drafting=Drafting("A new card reaches you within 5 working days."))
    (reply,) = desk.answer(asked())
    assert (reply.action, reply.reason, reply.origin) == ("send", "answered", "generated")
    assert reply.text == "A new card reaches you within 5 working days."
    assert (reply.generator, reply.model, reply.evidence) == ("generator:3", "encoder:1", ["doc-1"])
    assert (reply.message_id, reply.conversation) == ("message-1", "talk 1")


def test_without_a_generator_the_best_answer_is_sent_as_it_stands() -> None:
    (reply,) = Desk().answer(asked())
    assert (reply.action, reply.origin, reply.generator) == ("send", "retrieved", "")
    assert reply.text == ANSWERS["card_delivery"]


def test_personal_data_is_seen_by_nobody_but_stands_in_the_reply_to_the_same_person() -> None:
    text = "Where is my new card? Write to ann.lee@mail.example please."
    desk = Desk(drafting=Drafting("A new card reaches you within 5 working days. Your address is [email]."))
    (reply,) = desk.answer(asked(text=text))
    masked = "Where is my new card? Write to [email] please."
    assert desk.library.asked == [(masked, None)]
    assert desk.drafting.asked == [[masked]]
    assert reply.question == masked
    assert "ann.lee" not in reply.detail
    assert (reply.action, reply.text) == (
        "send",
        "A new card reaches you within 5 working days. Your address is ann.lee@mail.example.",
    )


def test_what_no_document_says_is_not_taken_and_the_best_answer_is_offered() -> None:
    desk = Desk(drafting=Drafting("You will get a refund of £500 tomorrow."))
    (reply,) = desk.answer(asked())
    assert (reply.action, reply.reason, reply.origin) == ("review", "unsupported", "retrieved")
    assert reply.text == ANSWERS["card_delivery"]
    assert reply.unsupported
    assert desk.answers.claims


def test_what_waited_for_too_long_goes_to_a_person_at_once_unless_there_is_a_graver_reason() -> None:
    desk = Desk()
    angry = asked(2, "My lawyer will sue you.")
    replies = desk.answer(late=[asked(1), angry], waited=9.0)
    assert [(reply.action, reply.reason) for reply in replies] == [("handoff", "overload"), ("handoff", "legal")]
    assert "9 s" in replies[0].detail
    assert not desk.library.asked
    assert not desk.drafting.asked


def test_a_turn_that_is_told_twice_is_answered_once() -> None:
    desk = Desk()
    assert len(desk.answer(asked())) == 1
    assert desk.answer(asked()) == []
    assert desk.answers.repeated == 1
    assert desk.answers.done == 1


def test_a_turn_that_stands_twice_in_a_batch_is_answered_once_whatever_is_decided() -> None:
    desk = Desk()
    legal = asked(text="My lawyer will sue you.")
    assert [reply.reason for reply in desk.answer(legal, legal)] == ["legal"]
    assert (desk.answers.repeated, desk.answers.done) == (1, 2)
    late = asked(2)
    assert [reply.reason for reply in desk.answer(late, late=[late, late], waited=9.0)] == ["overload"]
    assert desk.answers.repeated == 2


def test_a_reply_has_the_id_of_its_turn_whoever_answers_it() -> None:
    assert {Desk().answer(asked())[0].id for _ in range(2)} == {derived_id("turn-1", "reply")}


def test_what_is_said_next_in_a_conversation_waits_for_what_came_before() -> None:
    desk = Desk()
    replies = desk.answer(asked(1, conversation="talk"), asked(2, conversation="talk"), asked(3))
    assert [reply.message_id for reply in replies] == ["message-1"]
    assert desk.answers.done == 1


def test_as_many_are_taken_as_can_be_written_at_once_and_what_is_decided_without_is_no_such() -> None:
    desk = Desk(drafting=Drafting(batch=2))
    greeting = asked(2, "Thank you so much!")
    replies = desk.answer(asked(1), greeting, asked(3), asked(4))
    assert [reply.message_id for reply in replies] == ["message-1", "message-2", "message-3"]
    assert desk.answers.done == 3
    assert [len(batch) for batch in desk.drafting.asked] == [2]


def test_a_person_who_came_in_while_it_was_written_is_not_spoken_over() -> None:
    desk = Desk()
    answers = desk.answering.answer([], [told(asked())])
    (reply,) = desk.answering.settle(answers, lambda _: True)
    assert (reply.action, reply.reason, reply.text, reply.evidence) == ("handoff", "taken_over", "", [])
    conversation = desk.conversations.of(0, "talk 1")
    assert conversation.has_answered(reply.id)
    assert not conversation.is_own(ANSWERS["card_delivery"])


def test_where_the_index_fails_people_answer() -> None:
    desk = Desk()
    desk.library.fails = True
    (reply,) = desk.answer(asked())
    assert (reply.action, reply.reason) == ("handoff", "generator_failed")


@pytest.mark.parametrize("step", ["veil", "before", "retrieved", "check", "unveil"])
def test_a_defect_of_our_own_costs_one_message_its_draft_and_nobody_else(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    desk = Desk(drafting=Drafting("A new card reaches you within 5 working days."))
    calls = iter([fail])
    real = getattr(answering, step)

    def fails_once(*args: Any, **more: Any) -> object:  # noqa: ANN401
        return next(calls, real)(*args, **more)

    monkeypatch.setattr(answering, step, fails_once)
    first, second = [*desk.answer(asked(1)), *desk.answer(asked(2))]
    assert (first.action, first.reason) == ("handoff", "generator_failed")
    assert second.action == "send"


def test_a_draft_that_was_not_done_in_time_leaves_the_best_answer_to_a_person() -> None:
    (reply,) = Desk(drafting=Drafting("A new card", is_cut_off=True)).answer(asked())
    assert (reply.action, reply.reason, reply.origin) == ("review", "overload", "retrieved")


def test_a_draft_has_what_is_left_of_the_time_and_half_of_it_at_least() -> None:
    desk = Desk()
    deadline = SETTINGS.replies.deadline_seconds
    for number, waited in enumerate((0.0, 1.0, deadline - 0.5)):
        answers = desk.answering.answer([], [told(asked(number), waited)])
        desk.answering.settle(answers, lambda _: False)
    assert desk.drafting.within == pytest.approx([deadline, deadline - 1, deadline / 2], abs=0.2)


def test_a_person_s_turn_is_heard_and_not_answered_and_what_is_no_turn_is_left_out() -> None:
    desk = Desk()
    over = asked(1, "", kind="taken_over", conversation="talk", by="ann", prediction=None)
    assert desk.answer(over, None) == []
    assert (desk.answers.done, desk.answers.unreadable) == (2, 1)
    (reply,) = desk.answer(asked(2, conversation="talk"))
    assert (reply.action, reply.reason) == ("handoff", "taken_over")


def test_a_message_is_answered_in_its_language() -> None:
    desk = Desk()
    desk.answer(asked(1, language="en-GB"), asked(2))
    assert [language for _, language in desk.library.asked] == ["en", None]


def test_a_tag_that_tells_no_language_is_none() -> None:
    desk = Desk()
    replies = desk.answer(asked(1, language=""), asked(2, language="und"), asked(3, "card lost", language=" "))
    assert {language for _, language in desk.library.asked} == {None}
    assert "language" not in {reply.reason for reply in replies}


def test_a_message_without_a_reading_is_answered_by_nobody_alone() -> None:
    (reply,) = Desk().answer(asked(prediction=None))
    assert reply.action != "send"


def test_an_unsure_intent_is_a_draft() -> None:
    unsure = prediction(intents={"card_delivery": 0.4, "card_lost": 0.35, "fees": 0.25})
    (reply,) = Desk().answer(asked(prediction=unsure))
    assert (reply.action, reply.reason) == ("review", "unsure_intent")


def test_what_brokers_refuse_as_too_large_leaves_a_handoff_with_the_same_id() -> None:
    desk = Desk()
    (reply,) = desk.answer(asked())
    small = desk.answering.without_text(reply)
    assert (small.id, small.action, small.text, small.origin) == (reply.id, "handoff", "", "none")


def test_state_that_cannot_be_read_ends_the_work_rather_than_speak_over_a_person() -> None:
    def fail(_: int) -> list[ConversationState]:
        raise RecoveryError("not read")

    blind = Answering(SETTINGS, DOMAIN, Conversations(SETTINGS, fail), Library(), Drafting())  # type: ignore[arg-type]
    with pytest.raises(RecoveryError):
        blind.answer([], [told(asked())])
