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
    ("A new card is free by post.", "By post, a new card is free."),
    ("Withdrawals are free at our own machines.", "At our own machines withdrawals are free."),
    ("You get a refund in branches only.", "In a branch you get a refund."),
    ("Payments to the app are now secured by a code.", "Payments to the app are secured by a code now."),
    ("Students pay no fee for transfers.", "If you are a student, you do not pay a fee for transfers."),
    ("The fee does not apply to students.", "For students, the fee does not apply."),
    ("You do not need a passport if you are a citizen.", "If you are a citizen, you do not need a passport."),
    ("A card payment cannot be stopped after it is booked.", "You cannot stop a card payment once it is booked."),
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
    ("A new card is free by post. By courier it costs £20.", "A new card is free."),
    ("A new card is free by post. By courier it costs £20.", "A new card is free by courier."),
    ("Card payments are free in the UK.", "Card payments are free."),
    ("Withdrawals are free at our own machines.", "Withdrawals are free."),
    ("You get a refund in branches only.", "You get a refund."),
    ("There is a fee of £5.", "The fee does not apply to you."),
    ("There is a fee of £5.", "The fee is not due."),
    ("There is a fee of £5.", "You don't pay a fee."),
    ("There is a fee of £5.", "You will not be asked for a fee."),
    ("There is a fee of £5.", "You are exempt from the fee."),
    ("There is a fee of £5.", "You can ignore the fee of £5."),
    ("There is a fee of £5.", "The fee of £5 is optional."),
    ("You do not need a passport if you are a citizen.", "You do not need a passport."),
    ("A card payment cannot be stopped after it is booked.", "A card payment cannot be stopped."),
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
    ("A lost card is blocked in the app.", "The card is now blocked."),
    ("A lost card is blocked in the app.", "The lost card is blocked now."),
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
