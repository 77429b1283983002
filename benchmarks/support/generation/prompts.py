"""Invented customers' messages with the answers that they are replied to from: prompts as a desk has them."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING

from models.generator.prompting import encode, reply_prompt

if TYPE_CHECKING:
    from models.generator.chat import Chat

_ANSWERS = {
    "delivery": (
        "Parcels are sent on the day after the order and arrive within three working days. You can follow yours under "
        "Orders, Where is it, as soon as the carrier has it."
    ),
    "address": (
        "The address of an order can be changed in the app under Orders, Change address, for as long as it has not "
        "been packed. After that the carrier can be asked to keep it at a shop near you."
    ),
    "returns": (
        "What you do not like can be sent back within thirty days, unused and in its box. Print the label under "
        "Orders, Send back, and take the parcel to any shop of the carrier; the money is back within ten days."
    ),
    "card": (
        "A card that was declined has often reached its daily limit. You see the limit under Cards, Limits, and can "
        "raise it there for a day. Where it is blocked, the app says so and tells how it is opened again."
    ),
    "account": (
        "To close your account, open Settings, Account, Close. Open orders are still delivered, and invoices can be "
        "fetched for a year after that."
    ),
    "invoice": (
        "Invoices are sent by e-mail when an order leaves us, and they stand in the app under Orders, Invoice, where "
        "the address on them can be corrected within seven days."
    ),
    "password": (
        "Choose Forgotten at the sign-in, and we send a link to your e-mail address that works for an hour. It may "
        "lie in the folder for unwanted mail."
    ),
}
_WAYS = (
    "Hello, I have a question about my {topic}. What do I have to do, and how long does it take?",
    "Something is wrong with the {topic} again. Please tell me what I can do about it myself.",
    "I was told that somebody would help me with my {topic}, and that was a week ago. What happens now?",
    "Can you explain to me, in simple words, how the {topic} works with you? My mother wants to know.",
    "quick one: {topic}?? I can not find it in the app",
    "Good morning! Before I order I would like to know how you handle the {topic}. Thank you in advance.",
    "I tried it three times and the {topic} still does not work as it says on your page.",
    "Is there anything that I should know about the {topic} when I am abroad for two months?",
)


def prompts(chat: Chat, count: int) -> list[list[int]]:
    """Prompts of some 150 to 250 tokens, no two alike (up to 56).

    Args:
        chat: Of the model.
        count: How many.
    """
    topics = list(_ANSWERS)
    pairs = [
        (topics[(start + way) % len(topics)], text) for start in range(len(topics)) for way, text in enumerate(_WAYS)
    ]
    made = []
    for topic, text in islice(cycle(pairs), count):
        place = topics.index(topic)
        evidence = [_ANSWERS[topic], *(_ANSWERS[topics[(place + step) % len(topics)]] for step in (1, 2))]
        asked = reply_prompt(text.format(topic=topic), evidence, topic=topic, sentiment="neutral", tone="friendly")
        made.append(encode(chat, asked, 768))
    return made
