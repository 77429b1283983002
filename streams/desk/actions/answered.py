"""What a person's answer to a customer is on the topics, wherever they gave it: at the desk, or on the command line."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, NamedTuple

from streams.contract.replies import Reply, Turn
from streams.desk.view.conversations import masked_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from streams.desk.view.conversations import Conversation

Given = Literal["desk", "cli"]
"""Where an answer was given."""

_PLACES: Mapping[Given, str] = {"desk": "at the desk", "cli": "on the command line"}
_QUESTION_CHARS = 400


class Answered(NamedTuple):
    """Write the reply first: should the rest fail, the customer has the answer all the same."""

    reply: Reply
    """What goes out, as any reply that is to be sent; by the connector, which follows nothing else."""
    turn: Turn
    """Tells Tocsin that a person has answered; nothing goes out by it."""
    is_edited: bool
    """Whether the words are a person's, and not the draft's."""


def answered(
    conversation: Conversation, draft: Reply | None, text: str, *, by: str, given: Given, now: datetime
) -> Answered:
    """What is to be written where a person answers.

    Args:
        conversation: As far as it is known.
        draft: What was to be looked at; None where there was nothing.
        text: The person's words, or the draft's.
        by: The person.
        given: Where.
        now: When.
    """
    text = text.strip()
    message_id = draft.message_id if draft is not None else last_asked(conversation)
    is_edited = draft is None or text != draft.text.strip()
    id_ = _answer_id(conversation.id, message_id, text)
    asked = conversation.asked(message_id)
    question = draft.question if draft is not None else "" if asked is None else masked_text(asked)
    reply = Reply(
        id=id_,
        conversation=conversation.id,
        message_id=message_id,
        action="send",
        text=text,
        reason="answered",
        detail=f"A person {'wrote' if is_edited else 'approved'} it {_PLACES[given]}.",
        confidence=1.0,
        evidence=[] if draft is None or is_edited else draft.evidence,
        time=now,
        question=question[:_QUESTION_CHARS],
        origin="none" if draft is None or is_edited else draft.origin,
        model="" if draft is None else draft.model,
        generator="" if draft is None or is_edited else draft.generator,
    )
    turn = Turn(
        id=id_,
        conversation=conversation.id,
        kind="answered",
        time=now,
        message_id=message_id,
        text=text,
        source=given,
        by=by,
    )
    return Answered(reply, turn, is_edited)


def held_by_another(conversation: Conversation, by: str) -> str | None:
    """Why somebody is not to answer here; None where they may. Two answers would go out."""
    taken_by = conversation.taken_by
    if taken_by is None or taken_by == by:
        return None
    return f"{taken_by} has this conversation in hand: take it over first"


def last_asked(conversation: Conversation) -> str:
    """Id of the customer's last message; empty where none is known."""
    asked = (turn.message_id for turn in reversed(conversation.turns) if turn.kind == "asked")
    replied = (reply.message_id for reply in reversed(conversation.replies.values()))
    return next(asked, None) or next(replied, "")


def _answer_id(conversation: str, message_id: str, text: str) -> str:
    """Equal where the same answer to the same message is told twice, as by an impatient click."""
    told = f"{conversation}\0{message_id}\0{text}"
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
