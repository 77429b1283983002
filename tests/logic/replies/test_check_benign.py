"""What the evidence says may be said: in its words, in others, shorter, and beside what the customer said."""

from __future__ import annotations

import pytest
from support.replies import COMPANY, EVIDENCE

from streams.logic.replies.check import check

CUSTOMER = (
    "Hello, my order 88412 of £20 on 3 March has not come, and my card ending 4471 was declined in Lisbon. "
    "I wrote to [email] and rang [phone]. Can I have a refund? Ann Pratt"
)

SAME_THING = [
    # in its own words
    "A new card reaches you within 5 working days.",
    "Payments in euros are free.",
    "Transfers within the country usually arrive within 2 hours.",
    "You can withdraw up to £500 a day from cash machines. Under-18s can withdraw up to £100 a day.",
    "We never ask for your password by e-mail or phone.",
    "A loan may be repaid early without any fee.",
    # written otherwise
    "A new card reaches you within five working days.",
    "A new card reaches you within 5 business days.",
    "**A new card** reaches you within *5 working days*.",
    "- A new card reaches you within 5 working days\n- It comes by ordinary post",
    "1. Freeze the card in the app under Cards.\n2. Choose Report lost.",
    "Cash from a machine abroad costs £2.50.",
    "Cash from a machine abroad costs 2.50 pounds.",
    "Other currencies cost 1.5 per cent of the amount.",
    "The Plus account costs £6.00 a month.",
    "The Plus account costs £6 per month.",
    "The Plus account has a monthly fee of £6.",
    "Our branches are open Monday to Friday, 09:00 to 17:00.",
    "Our branches are open Monday to Friday from 9 am to 5 pm.",
    "On Saturdays our branches are open until 12:30 pm.",
    "You can apply for a loan from £1000 to £25000.",
    "Please send us the shop's confirmation at https://larkmoor.example/refunds.",
    "Please send us the shop's confirmation at www.larkmoor.example/refunds/",
    "The code is valid for fifteen minutes.",
    "After 3 wrong codes your access is blocked for 24 hours.",
    "Please call 0800 111 4726 at any time.",
    "Please call 0800-111-4726 at any time.",
    "Interest rates start from 5.9 percent.",
    # in other words
    "Your new card should reach you within 5 working days, by ordinary post.",
    "You will receive your new card within 5 working days; it comes by ordinary post.",
    "If your card has not come after 7 working days, tell us in the chat: we will send another one free of charge.",
    "We will block your card at once and send a new one within 5 working days.",
    "Your standing orders go on as before.",
    "It takes up to 3 working days for transfers abroad.",
    "A transfer abroad can take up to 3 working days to arrive.",
    "Once it has left your account, a transfer cannot be cancelled.",
    "We can ask the other bank to return the transfer, but it may refuse.",
    "The refund reaches your account 3 to 5 working days after the shop has sent it.",
    "The shop's refund does not show in the app until then.",
    "We send a code to your phone.",
    "We'll send a code to your phone, which is valid for 15 minutes.",
    "You can lower the limit in the app. Only our advisers can raise it.",
    "To raise the limit, please bring your passport to a branch.",
    "We keep your statements for seven years.",
    "Closing an account is free of charge for private customers.",
    "If its balance is zero, you can close your account in the app.",
    "You can apply if you are over 18.",
    "We answer loan applications within 1 working day.",
    "Our branches are closed on bank holidays.",
    # shorter, or from the other side
    "Your new card comes by ordinary post and has no tracking number.",
    "Please freeze the card in the app, under Cards, and choose Report lost.",
    "Cash machines abroad: £2.50. Other currencies: 1.5%.",
    "Euro payments are free.",
    "With the Plus account (£6 a month) there are no fees abroad.",
    "Branches close at 12:30 on Saturdays.",
    "We cannot cancel a transfer once it has left your account.",
    "An account can be closed in the app if its balance is zero.",
    "You need to be over 18 to apply for a loan.",
    "Early repayment of a loan is possible without any fee.",
    "If you are under 18, you can withdraw up to £100 a day.",
    "Just choose Forgotten password on the sign-in page, and enter the code we send to your phone.",
    "We will never ask for your password.",
    "Did the shop send you a confirmation? If so, send it to us at larkmoor.example/refunds.",
    "Only our advisers can raise the limit, so please visit a branch with your passport.",
    "Three wrong codes block your access for 24 hours.",
    "If the card is not there after 7 working days, we will send another one for free.",
    "You can find the option in the app.",
    "I'm afraid a negative balance means that the account cannot be closed.",
    "Thanks for reaching out, and sorry for the wait.",
    # courtesy, and the company's name
    "Thank you for your message. A new card reaches you within 5 working days.",
    "Hello, thanks for getting in touch! I am sorry that your card has not come.",
    "I understand how frustrating this is, and I am happy to help.",
    "Dear customer,\nthank you for contacting Larkmoor Bank.\nKind regards,\nLarkmoor Bank",
    "Please let me know if there is anything else I can help you with.",
    "Please don't hesitate to contact us if you have further questions.",
    "Could you tell us when you ordered the card?",
    "We are sorry for the inconvenience. How can we help you today?",
    "I'm sorry to hear that. Let me explain how it works.",
    # what the customer said, as theirs
    "Thank you for your message about order 88412.",
    "Your order 88412 may be with the shop still.",
    "Your order number 88412 of 3 March may be with the shop still.",
    "I am sorry about your order (reference 88412).",
    "Which limit is set can be seen in the app.",
    "You mention a charge of £20. Cash from a machine abroad costs £2.50.",
    "Could you tell us more about the £20 that you mention?",
    "I am sorry that your card ending 4471 was declined.",
    "You write that your order of 3 March has not come.",
    "You ask about a refund: a shop's refund reaches your account 3 to 5 working days after the shop has sent it.",
    "We have received your message. Is your e-mail address [email] still right?",
    "Hello Ann, thank you for writing.",
    "I'm sorry that your card was declined in Lisbon.",
]


@pytest.mark.parametrize("text", SAME_THING)
def test_what_the_evidence_says_passes(text: str) -> None:
    assert check(text, evidence=EVIDENCE, message=CUSTOMER, names=(COMPANY,)) == []


def test_there_are_enough_of_them() -> None:
    assert len(set(SAME_THING)) >= 60


@pytest.mark.parametrize("answer", EVIDENCE)
def test_an_answer_supports_itself(answer: str) -> None:
    assert check(answer, evidence=(answer,), message="") == []
