"""Bitext's customers with the replies that they were given, their placeholders filled or dropped.

The replies are templates: half of them hold ``{{...}}``. What is the company's (telephone, hours, pages, names of its
menus) is filled in with an invented value, the same wherever it stands, as a company would have it in its answers. What
is one customer's (numbers, names, places, amounts) is filled in in the question, with another value in each, and left
out of the answers, as whoever approves an answer for everybody would leave it out. Index, training, references and all
systems have the same.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.support.retrieval.questions import bitext_test, bitext_train

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.support.retrieval.questions import Question

_COMPANY = {
    "Customer Support Phone Number": "+44 20 7946 0123",
    "Customer Support Hours": "Monday to Friday, 9:00 to 17:00",
    "Customer Support Email": "help@larkmoor.example",
    "Website URL": "www.larkmoor.example",
    "Login Page URL": "www.larkmoor.example/login",
    "Account Recovery Page URL": "www.larkmoor.example/recover",
    "Online Company Portal Info": "Larkmoor Online",
    "Online Order Interaction": "Order History",
    "Order Tracking": "Track Order",
    "Store Location": "Harbour Street",
    "Settings": "Settings",
    "Profile": "Profile",
    "Profile Settings": "Profile Settings",
    "Account Change": "Change Account",
    "Upgrade Account": "Upgrade Account",
    "Forgot Password": "Forgot Password",
    "Forgot PIN": "Forgot PIN",
    "Retrieve PIN": "Retrieve PIN",
    "Reset PIN": "Reset PIN",
    "PIN Management": "PIN Management",
}
# In answers. Others are dropped.
_ANYBODY = {
    "Delivery City": "your city",
    "Delivery Country": "your country",
    "Person Name": "the person concerned",
    "Refund Amount": "the amount",
}
_NAMES = ("Mara Lindqvist", "Tom Avery", "Ines Carvalho", "Jon Petrak", "Ada Winslow", "Rui Matos")
_PLACES = ("Osterby", "Valmont", "Northmere", "Calder Bay")
_KINDS = ("basic", "family", "premium", "business")
_CUSTOMERS: dict[str, Callable[[int], str]] = {
    "Order Number": lambda lot: f"{10_000 + lot % 90_000}",
    "Person Name": lambda lot: _NAMES[lot % len(_NAMES)],
    "Account Type": lambda lot: _KINDS[lot % len(_KINDS)],
    "Account Category": lambda lot: _KINDS[lot % len(_KINDS)],
    "Refund Amount": lambda lot: f"{20 + lot % 400}",
    "Currency Symbol": lambda _: "$",
    "Delivery City": lambda lot: _PLACES[lot % len(_PLACES)],
    "Delivery Country": lambda lot: _PLACES[lot % len(_PLACES)],
}
_NUMBERS = ("Order Number", "Invoice Number", "Tracking Number")
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
# A place in an answer with what stands around it alone, and the word before.
_PLACE = re.compile(r"""(\w*)([ ]?)(?:[#$]|\(|\[|"|'|\*\*)*\{\{([^{}]*)\}\}(?:\)|\]|"|'|\*\*)*""")
_NAMED_BEFORE = ("number", "numbers", "order", "invoice", "purchase", "id")
_TIDIED = (
    (re.compile(r"(?<=\S)[ ]{2,}"), " "),
    (re.compile(r" +([.,;:!?])"), r"\1"),
    (re.compile(r"\b([Aa]) (?=(?:account|order|invoice)\b)"), r"\1n "),
)

_CATEGORIES = {
    "account": (
        *("create_account", "delete_account", "edit_account"),
        *("recover_password", "registration_problems", "switch_account"),
    ),
    "cancel": ("check_cancellation_fee",),
    "contact": ("contact_customer_service", "contact_human_agent"),
    "delivery": ("delivery_options", "delivery_period"),
    "feedback": ("complaint", "review"),
    "invoice": ("check_invoice", "get_invoice"),
    "order": ("cancel_order", "change_order", "place_order", "track_order"),
    "payment": ("check_payment_methods", "payment_issue"),
    "refund": ("check_refund_policy", "get_refund", "track_refund"),
    "shipping": ("change_shipping_address", "set_up_shipping_address"),
    "subscription": ("newsletter_subscription",),
}  # fmt: skip
CATEGORIES = tuple(_CATEGORIES)
CATEGORY_OF = {intent: category for category, intents in _CATEGORIES.items() for intent in intents}


class Asked(NamedTuple):
    """A customer's message, and the reply that it was given."""

    id: str
    question: str
    answer: str
    intent: str
    """As the data tells it; by rule in the training part. Empty where no rule tells."""


def training_part() -> list[Asked]:
    """The 300 pairs that are learnt and drawn from."""
    return _filled("train", bitext_train())


def test_part() -> list[Asked]:
    """The 80 pairs that are asked."""
    return _filled("test", bitext_test())


def _filled(part: str, questions: list[Question]) -> list[Asked]:
    return [
        Asked(f"{part}:{number}", _of_customer(one.text, f"{part}:{number}"), approved(one.answer), one.intent)
        for number, one in enumerate(questions)
    ]


def _of_customer(question: str, id_: str) -> str:
    """A question with this customer's own values."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        lot = int.from_bytes(blake2b(f"{id_} {name}".encode(), digest_size=4).digest(), "big")
        return _CUSTOMERS[name](lot)

    return _PLACEHOLDER.sub(value, question).strip()


def approved(answer: str) -> str:
    """An answer as it would be approved for everybody."""

    def value(match: re.Match[str]) -> str:
        before, blank, name = match.group(1), match.group(2), match.group(3).strip()
        if name in _COMPANY:
            return match.group().replace(f"{{{{{match.group(3)}}}}}", _COMPANY[name])
        if name in _NUMBERS and before.lower() not in _NAMED_BEFORE:
            return f"{before}{blank}{name.lower()}"
        # What is dropped leaves its blank to a place that stands directly behind it.
        return f"{before}{blank}{_ANYBODY[name]}" if name in _ANYBODY else f"{before}{blank}"

    # Once more for what stood directly behind another.
    text = _PLACE.sub(value, _PLACE.sub(value, answer))
    for pattern, replacement in _TIDIED:
        text = pattern.sub(replacement, text)
    return text.strip()
