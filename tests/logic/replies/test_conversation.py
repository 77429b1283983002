"""What is remembered of a conversation, and what is not."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick
from support.replies import NOON, prediction, turn

from streams.contract.replies import Reply
from streams.logic.replies.conversation import FORM, Conversation, StateError

KINDS = ["asked", "answered", "taken_over", "handed_back"]
TURNS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(KINDS), st.integers(0, 500)), max_size=30)


def sent(id_: str = "r", text: str = "It comes on Friday.", action: str = "send") -> Reply:
    return Reply(
        id=id_,
        conversation="c",
        message_id="m",
        action=action,  # type: ignore[arg-type]
        text=text,
        reason="answered",
        detail="",
        confidence=1.0,
        evidence=[],
        time=NOON,
    )


def heard(turns: list[tuple[int, str, int]]) -> Conversation:
    conversation = Conversation(6)
    for id_, kind, second in turns:
        conversation.hear(turn(f"text {id_}", id_=str(id_), kind=kind, time=NOON + timedelta(seconds=second)))
    return conversation


def test_a_turn_that_is_told_twice_counts_once() -> None:
    conversation = Conversation()
    assert conversation.hear(turn())
    assert not conversation.hear(turn())
    assert len(conversation.turns) == 1
    assert conversation.repeats(turn()) == 0


def test_turns_that_come_late_stand_in_order_of_time() -> None:
    conversation = heard([(1, "asked", 10), (2, "asked", 5), (3, "asked", 20)])
    assert [one.id for one in conversation.turns] == ["2", "1", "3"]


def test_an_old_handing_back_does_not_undo_a_later_taking_over() -> None:
    conversation = heard([(1, "taken_over", 10), (2, "handed_back", 5)])
    assert conversation.taken_over
    assert not heard([(1, "taken_over", 10), (2, "handed_back", 15)]).taken_over


def test_a_person_who_answers_has_taken_over() -> None:
    assert heard([(1, "asked", 1), (2, "answered", 2)]).taken_over


def test_who_answers_is_known_when_the_turn_that_said_so_is_long_gone() -> None:
    conversation = heard([(0, "taken_over", 0), *((number, "asked", number) for number in range(1, 30))])
    assert conversation.taken_over
    assert len(conversation.turns) == 6


@quick
@given(TURNS)
def test_it_stays_small_and_comes_back_as_it_was(turns: list[tuple[int, str, int]]) -> None:
    conversation = heard(turns)
    assert len(conversation.turns) <= 6
    again = Conversation.load(conversation.dump(), FORM, 6)
    assert again.dump() == conversation.dump()
    assert (again.turns, again.taken_over) == (conversation.turns, conversation.taken_over)


def test_its_state_has_a_bound_however_long_it_goes_on() -> None:
    conversation = Conversation()
    for number in range(500):
        conversation.hear(turn("x" * 5000, id_=f"{number:032}", time=NOON + timedelta(seconds=number)))
        conversation.answered(sent(f"{number:032}"))
    assert len(conversation.dump()) < 10_000


def test_a_state_of_another_form_is_refused() -> None:
    with pytest.raises(StateError, match=f"form 99; this Tocsin reads {FORM}"):
        Conversation.load(Conversation().dump(), 99)


@pytest.mark.parametrize("state", [b"", b"\x00", msgspec.msgpack.encode(["no", "state"])])
def test_what_is_no_state_is_refused(state: bytes) -> None:
    with pytest.raises(StateError, match="no state of a conversation"):
        Conversation.load(state, FORM)


def test_fewer_turns_are_kept_where_the_settings_ask_for_fewer() -> None:
    conversation = heard([(number, "asked", number) for number in range(6)])
    assert [one.id for one in Conversation.load(conversation.dump(), FORM, 2).turns] == ["4", "5"]


def test_personal_data_is_not_kept() -> None:
    conversation = Conversation()
    conversation.hear(turn("Write to ann@larkmoor.example or @annp, ring 020 7946 0018."))
    for piece in (b"ann@larkmoor", b"annp", b"7946"):
        assert piece not in conversation.dump()
    conversation.answered(sent(text="Dear Ann Pratt"))
    assert b"Pratt" not in conversation.dump()


@pytest.mark.parametrize(
    ("first", "again", "intents", "times"),
    [
        ("Where is my new card?", "where is my new card", {"card_delivery": 0.9}, 1),
        ("Where is my new card?", "Where is my card please", {"card_delivery": 0.9}, 1),
        ("Where is my new card?", "How do I close my account?", {"card_delivery": 0.9}, 0),
        ("Where is my new card?", "Where is my card please", {}, 0),
    ],
)
def test_a_question_is_the_same_in_nearly_the_same_words(
    first: str, again: str, intents: dict[str, float], times: int
) -> None:
    conversation = Conversation()
    conversation.hear(turn(first, id_="1", read=prediction(intents=intents)))
    later = turn(again, id_="2", time=NOON + timedelta(minutes=1), read=prediction(intents=intents))
    conversation.hear(later)
    assert conversation.repeats(later) == times


def test_a_reply_is_known_to_have_been_made() -> None:
    conversation = Conversation()
    assert conversation.answered(sent())
    assert not conversation.answered(sent())
    assert conversation.has_answered("r")
    assert conversation.sent_since(NOON) == 1
    conversation.answered(sent("d", "A draft.", action="review"))
    assert conversation.sent_since(NOON) == 1
    assert not conversation.is_own("A draft.")


def test_what_is_silent_for_long_is_forgotten() -> None:
    conversation = heard([(1, "asked", 0)])
    assert not conversation.is_forgotten(NOON + timedelta(hours=72), 72)
    assert conversation.is_forgotten(NOON + timedelta(hours=73), 72)
    assert Conversation().is_forgotten(NOON, 72)
