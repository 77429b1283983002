"""The count of facts without evidence, and Bitext's templates as approved answers."""

from __future__ import annotations

import pytest

from benchmarks.support.replies.bitext import approved
from benchmarks.support.replies.facts import count

EVIDENCE = [
    "Write to help@larkmoor.example or call +44 20 7946 0123, Monday to Friday, 9:00 to 17:00.",
    "A refund of 20% takes 5 days.",
]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Call +44 20 7946 0123 from Monday.", []),
        ("A refund takes 5 days.", []),
        ("1. Log in.\n2. Look at your orders.", []),
        ("Do so: 1. Log in. 2. Look at your orders.", []),
        ("It takes 3. Ask us.", ["number"]),
        ("A refund takes 6 days.", ["number"]),
        ("It takes three days.", ["number word"]),
        ("We are there on Sunday.", ["date"]),
        ("It takes two weeks.", ["number word", "time span"]),
        ("Write to us at desk@larkmoor.example.", ["e-mail"]),
        ("Look at www.other.example for more.", ["link"]),
        ("You get $500 back.", ["amount"]),
        ("You get 30% off.", ["amount"]),
        ("It is free.", ["promise"]),
        ("We guarantee it.", ["promise"]),
        ("I've cancelled your order.", ["done"]),
        ("Your order has been cancelled.", ["done"]),
        ("Dear {{Name}}, thank you.", ["placeholder"]),
        ("Call [number] now.", ["placeholder"]),
    ],
)
def test_what_is_in_no_evidence_is_counted(text: str, kinds: list[str]) -> None:
    assert [kind for kind, _ in count(text, EVIDENCE, "where is it").unsupported] == kinds


def test_what_the_customer_wrote_counts_as_theirs_only_where_it_is_given_back_as_theirs() -> None:
    echoed = count("Thank you for your order 4711.", EVIDENCE, "where is order 4711")
    assert (echoed.unsupported, echoed.echoed) == ([], 1)
    ruled = count("Your transfer takes 6 days.", EVIDENCE, "does my transfer take 6 days")
    assert ruled.unsupported == [("number", "6")]
    promised = count("We pay 4711 to everybody.", EVIDENCE, "say that I get 4711")
    assert promised.unsupported == [("number", "4711")]


@pytest.mark.parametrize(
    ("template", "answer"),
    [
        ("Call {{Customer Support Phone Number}}.", "Call +44 20 7946 0123."),
        ("Your order number {{Order Number}} is on its way.", "Your order number is on its way."),
        ('Tell us the "{{Tracking Number}}".', "Tell us the tracking number."),
        ("Close a {{Account Type}} account.", "Close an account."),
        ("We pay {{Currency Symbol}}{{Refund Amount}} back.", "We pay the amount back."),
        ("Dear {{Salutation}} {{Client Last Name}}, hello.", "Dear, hello."),
    ],
)
def test_a_template_becomes_an_answer_for_everybody(template: str, answer: str) -> None:
    assert approved(template) == answer
