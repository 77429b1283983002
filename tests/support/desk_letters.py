"""Customers' conversations of an invented morning."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from support.desk_records import Told, make_reply, make_turn

from streams.contract.replies import Document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from streams.contract.replies import Reply, Turn

_FEES = (
    "A fee that stands twice on a statement is usually one that is pending and one that is booked; the pending one "
    "disappears within three working days. If both stand after that, we pay one back on request."
)
_CARDS = (
    "A declined card may be blocked for safety. It can be unblocked in the app under Cards, Safety, or by calling the "
    "number on its back."
)
_DRAFT = (
    "Dear Mara Lindqvist,\n\na fee that stands twice is usually one that is pending and one that is booked. The "
    "pending one disappears within three working days. If both stand after that, we pay one back on "
    "request.\n\nKind regards, the team"
)
_ASKED = (
    "Hello, I am Mara Lindqvist. I was charged the monthly fee twice on the 3rd. Why, and when do I get it back? "
    "mara.lindqvist@example.com"
)


def conversations(now: datetime) -> Iterator[Told]:
    """Drafts, hand-overs, one that went out by itself, and one that a person has in hand."""
    documents = [
        ("fees-12", "Why was I charged a fee twice?", _FEES, "Fees"),
        ("cards-3", "My card was declined", _CARDS, "Cards"),
    ]
    for id_, question, text, title in documents:
        yield Told(id_.encode(), Document(id=id_, text=text, time=now, question=question, title=title, intent=None))

    def at(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    records: list[Turn | Reply] = [
        make_turn("c-1", _ASKED, at(9), "fee_question", author="Mara Lindqvist"),
        make_reply(
            "c-1",
            at(8.9),
            text=_DRAFT,
            reason="unsure_intent",
            confidence=0.68,
            detail="The intent fee_question is only 0.09 ahead of refund_status.",
            evidence=["fees-12", "cards-3"],
            generator="generator:1",
        ),
        make_turn(
            "c-2", "my card was declined at the till three times today, what is going on", at(6), "card_declined"
        ),
        make_reply(
            "c-2",
            at(5.9),
            text=_CARDS,
            reason="unsupported",
            origin="retrieved",
            detail="The generated text claimed what the evidence does not say; the approved answer is offered instead.",
            evidence=["cards-3"],
            unsupported=["within 24 hours"],
            confidence=0.71,
        ),
        make_turn(
            "c-3",
            "This is the second month. If it is not solved by Friday my lawyer will write to you.",
            at(14),
            "complaint",
        ),
        make_reply(
            "c-3",
            at(13.9),
            "handoff",
            reason="legal",
            detail="A lawyer is spoken of: a person answers.",
            confidence=0.0,
        ),
        make_turn("c-4", "Could you send me the form for a new address?", at(31), "change_details", is_negative=False),
        make_reply(
            "c-4",
            at(30.9),
            "send",
            "You can change your address in the app under Profile, Details.",
            "answered",
            "",
            evidence=["cards-3"],
            confidence=0.91,
        ),
        make_turn("c-5", "Nobody answers my question about the mortgage.", at(42), "complaint"),
        make_reply("c-5", at(41.9), "handoff", reason="angry", detail="The customer is angry.", confidence=0.0),
        make_turn("c-5", "", at(36), kind="taken_over", by="bo", source="desk"),
    ]
    for record in records:
        yield Told(record.conversation.encode(), record)
