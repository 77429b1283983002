"""An invented bank's approved answers, customers' turns, and what an index finds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from streams.contract.records import Prediction
from streams.contract.replies import Turn

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday

COMPANY = "Larkmoor Bank"

ANSWERS: dict[str, str] = {
    "card_delivery": "A new card reaches you within 5 working days. It comes by ordinary post, without a tracking "
    "number. If it has not come after 7 working days, tell us in the chat and we send another one "
    "free of charge.",
    "card_lost": "Freeze the card in the app under Cards, then choose Report lost. We block it at once and "
    "send a new one within 5 working days. Standing orders go on as before. If you cannot open "
    "the app, call 0800 111 4726 at any time.",
    "fees": "Payments in euros are free. Cash from a machine abroad costs £2.50, and other currencies "
    "cost 1.5% of the amount. The Plus account costs £6 a month, and has no fees abroad.",
    "refund": "A shop's refund reaches your account 3 to 5 working days after the shop has sent it. Until "
    "then it does not show in the app. If it is not there after 10 working days, send us the "
    "shop's confirmation at larkmoor.example/refunds.",
    "transfer": "Transfers within the country usually arrive within 2 hours. Transfers abroad take up to 3 "
    "working days. A transfer cannot be cancelled once it has left your account, but we can ask "
    "the other bank to return it. The other bank may refuse.",
    "hours": "Our branches are open Monday to Friday from 9am to 5pm, and on Saturdays until 12:30. They "
    "are closed on bank holidays.",
    "account": "You can close your account in the app if its balance is zero. An account with a negative "
    "balance cannot be closed. Closing is free of charge for private customers. We keep your "
    "statements for 7 years.",
    "limit": "You can withdraw up to £500 a day from cash machines. Under-18s can withdraw up to £100 a "
    "day. You can lower the limit in the app, but only our advisers can raise it. Bring your "
    "passport to a branch for that.",
    "login": "Choose Forgotten password on the sign-in page. We send a code to your phone; it is valid for "
    "15 minutes. After three wrong codes your access is blocked for 24 hours. We never ask for "
    "your password by e-mail or phone.",
    "loan": "You can apply for a loan from £1,000 to £25,000 if you are over 18 and have lived here for "
    "at least 3 years. We answer within one working day. Interest rates start from 5.9%. A loan "
    "may be repaid early without any fee.",
}
"""Answers by what they are about."""

EVIDENCE = tuple(ANSWERS.values())


class Found(NamedTuple):
    """What an answer index gives."""

    id: str = "a1"
    text: str = ANSWERS["card_delivery"]
    question: str | None = "Where is my new card?"
    score: float = 0.9
    intent: str | None = "card_delivery"
    topics: tuple[str, ...] = ("payments",)
    title: str | None = None
    document: str = "doc-1"
    approved: bool = True


def prediction(
    *,
    topic: str = "payments",
    negative: float = 0.1,
    intents: dict[str, float] | None = None,
) -> Prediction:
    """What the model read in a customer's message."""
    scores = {"card_delivery": 0.9, "card_lost": 0.1} if intents is None else intents
    return Prediction(
        id="p",
        message_id="m",
        source="mail",
        kind="customer",
        time=NOON,
        topics=[topic],
        topic_scores={topic: 0.9},
        sentiment="negative" if negative > 0.5 else "neutral",
        sentiment_scores={"negative": negative, "neutral": 1 - negative, "positive": 0.0},
        entities=[],
        model="encoder:1",
        intent=max(scores, key=lambda name: scores[name]) if scores else None,
        intent_scores=scores or None,
    )


def turn(
    text: str = "Where is my new card? I ordered it two weeks ago.",
    *,
    id_: str = "t1",
    kind: str = "asked",
    time: datetime = NOON,
    read: Prediction | None = None,
    language: str | None = None,
) -> Turn:
    """A turn of a conversation."""
    return Turn(
        id=id_,
        conversation="c",
        kind=kind,  # type: ignore[arg-type]
        time=time,
        message_id="m",
        text=text,
        language=language,
        prediction=(prediction() if read is None else read) if kind == "asked" else None,
    )
