"""What binds a claim binds it in a reply too: negation, bounds, units, conditions, and what it is promised for."""

from __future__ import annotations

import pytest

from streams.logic.replies.check import check

SAME = [
    ("It takes five working days.", "It takes 5 business days."),
    ("The fee is £20.00.", "The fee is £20."),
    ("The fee is 50p.", "The fee is £0.50."),
    ("We open at 9am.", "We open at 09:00."),
    ("We open at 9am.", "We open at nine am."),
    ("Ring us on the 3rd of March 2026.", "Ring us on 3 March 2026."),
    ("The limit is £1,000.", "The limit is 1000 pounds."),
    ("The rate is 5%.", "The rate is five per cent."),
    ("It takes up to 5 days.", "It takes at most 5 days."),
    ("It takes 3 to 5 days.", "It takes up to 5 days."),
    ("It costs between £3 and £5.", "It costs £3 to £5."),
    ("Fees are not refundable.", "Fees cannot be refunded, I'm afraid."),
    ("Cards are sent within 5 days.", "We will send the card within 5 days."),
    ("Cards are free for students.", "For students, cards are free."),
    ("If you cancel by noon, we refund the fee.", "We refund the fee if you cancel by noon."),
    ("Card payments in euros are free.", "Euro card payments are free."),
]

OTHER = [
    ("Fees are not refundable.", "Fees are refundable."),
    ("We never charge fees.", "We charge fees."),
    ("You cannot apply online.", "You can apply online."),
    ("You can apply online.", "You cannot apply online."),
    ("It takes up to 5 days.", "It takes 1 day."),
    ("It takes up to 5 days.", "It takes 5 days."),
    ("We refund up to £50.", "We refund £50."),
    ("It usually takes 5 days.", "It takes 5 days."),
    ("It takes at least 5 days.", "It takes at most 5 days."),
    ("It takes 5 days.", "It takes 5 weeks."),
    ("It takes 5 days.", "It takes 5 working days."),
    ("The fee is £5.", "The fee is $5."),
    ("The fee is £5.", "The fee is 5%."),
    ("The fee is £5 a month.", "The fee is £5 a year."),
    ("The fee is £5 a month.", "The fee is £5."),
    ("We open at 9am.", "We open at 9pm."),
    ("We open on Monday.", "We open on Tuesday."),
    ("Pay by 3 March.", "Pay after 3 March."),
    ("It is due on 3 March 2026.", "It is due on 3 March 2027."),
    ("Cards are free for students.", "Cards are free."),
    ("If you cancel by noon, we refund the fee.", "We refund the fee."),
    ("We refund the fee unless it was cash.", "We refund the fee."),
    ("We may refund the fee.", "We will refund the fee."),
    ("We can refund the fee.", "We have refunded the fee."),
    ("Card payments in euros are free.", "Payments are free."),
    ("Payments are free.", "Gold coin payments are free."),
    ("Transfers are free. Cash costs £2.", "Cash is free."),
    ("Cash costs £2. Transfers cost £3.", "Transfers cost £2."),
    ("You may ask for a refund.", "You get a refund."),
    ("Loans are approved by our advisers.", "Your loan is approved."),
    ("You cancel the card in the app.", "We will cancel the card."),
    ("Visit larkmoor.example/help.", "Visit larkmoor.example/halp."),
    ("Visit larkmoor.example.", "Visit larkmoor.example.net."),
    ("Call 0800 111 4726.", "Call 0800 111 4762."),
    ("Use form AB-12.", "Use form AB-21."),
    ("Call 0800 111 4726.", "The fee is £111."),
    ("It takes 5 days.", "You have 5 refunds."),
]


@pytest.mark.parametrize(("evidence", "text"), SAME)
def test_the_same_in_another_form_is_supported(evidence: str, text: str) -> None:
    assert check(text, evidence=(evidence,), message="") == []


@pytest.mark.parametrize(("evidence", "text"), OTHER)
def test_another_thing_is_not(evidence: str, text: str) -> None:
    assert check(text, evidence=(evidence,), message=text)


def test_the_claim_is_told_with_its_kind() -> None:
    evidence = ("The fee is £5.",)
    assert check("The fee is £6, see evil.example.", evidence=evidence, message="") == [
        ("evil.example", "link"),
        ("£6", "amount"),
    ]


def test_without_evidence_nothing_that_matters_can_be_said() -> None:
    assert check("Thank you for your message. I am sorry for the trouble.", evidence=(), message="") == []
    assert check("It is free.", evidence=(), message="It is free.") == [("free", "promise")]
