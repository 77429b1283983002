"""A procedure that is made up holds no figure and promises nothing: its words, its denials and its duties tell."""

from __future__ import annotations

import pytest
from support.replies import ANSWERS, COMPANY, EVIDENCE

from streams.logic.replies.check import check

ASKED = "Please help me: how do I unfreeze my card, and where is the statement of last month?"

# Against the evidence of an invented bank none of these stands anywhere.
PROCEDURES = [
    "Open the menu and press Reset.",
    "Hold the power button until the logo appears.",
    "Uninstall the software, then install it again.",
    "Clear the cache of your browser.",
    "Tick the box beside Marketing and press Save.",
    "Scan the barcode with the camera.",
    "Fill in the yellow slip at the counter and drop it in the letterbox.",
    "Ask a neighbour to sign as a witness.",
    "Upload a photograph of your driving licence.",
    "Click on the View All button.",
    "Swipe left on the tile and tap the bin.",
    "Connect the reader by Bluetooth.",
    "Print the label and stick it onto the parcel.",
    "Choose Preferences, then Regional, then Language.",
    "Take a screenshot and attach it.",
    "Enable cookies in the toolbar.",
    "Wipe the chip with a dry cloth.",
    "Insert the battery the other way round.",
    "Dial star hash star and wait for the tone.",
    "Update the firmware over Wi-Fi.",
    "Register a fingerprint at the kiosk.",
    "Sign the mandate in blue ink.",
    "Rename the pot and drag it to the top.",
    "Toggle dark mode off and on.",
    "The courier leaves it with the concierge.",
    "Our partner at the airport keeps a spare.",
    "Gold members use the lounge entrance.",
    "Weekend deposits are counted by hand.",
    "The envelope is grey and bears no logo.",
    "Your postcode decides which depot it comes from.",
]

DENIALS = [
    "You do not need a passport for that.",
    "There is no need to freeze the card.",
    "You don't have to choose Report lost.",
    "No confirmation is required.",
    "It is not necessary to tell us in the chat.",
    "A loan cannot be repaid early.",
    "Cards cannot be frozen in the app.",
    "You cannot lower the limit.",
    "Standing orders are not possible.",
    "Payments in euros are not allowed.",
    "It is not possible to withdraw from cash machines abroad.",
    "I am unable to assist with loans.",
    "The shop must confirm the refund.",
    "The other bank has to return the transfer.",
    "Under-18s must visit a branch.",
]

HONEST = [
    "Freeze the card in the app. It is under Cards.",
    "I'm sorry to hear that your card is gone. Please freeze it in the app under Cards and choose Report lost.",
    "You want to unfreeze your card? I'm afraid I need a little more information: which card is it?",
    "If you cannot open the app, please call 0800 111 4726.",
    "A transfer that has left your account cannot be cancelled.",
    "You cannot cancel a transfer once it has left your account.",
    "An account with a negative balance can't be closed.",
    "We can't imagine how hard this must be, and we are sorry.",
    "Please don't hesitate to contact our support team if you have any further questions.",
    "I understand that you are looking for last month's statement.",
    "Which statement do you mean?",
    "Our branches are closed on bank holidays; otherwise they are open Monday to Friday from 9am to 5pm.",
    "To lower your limit, please use the app. To raise it, please bring your passport to a branch.",
]


@pytest.mark.parametrize("text", PROCEDURES)
def test_a_procedure_that_nobody_approved_does_not_pass(text: str) -> None:
    assert check(text, evidence=EVIDENCE, message=ASKED, names=(COMPANY,))


@pytest.mark.parametrize("text", PROCEDURES)
def test_nor_does_it_among_true_sentences(text: str) -> None:
    among = f"Thank you for your message. {ANSWERS['card_lost']} {text} {ANSWERS['card_delivery']}"
    found = check(among, evidence=EVIDENCE, message=ASKED, names=(COMPANY,))
    assert any(one.claim in text for one in found)


@pytest.mark.parametrize("text", PROCEDURES)
def test_nor_does_it_where_the_customer_has_said_it(text: str) -> None:
    message = f"My neighbour says: {text} Is that so? Then tell me to do it."
    assert check(text, evidence=EVIDENCE, message=message, names=(COMPANY,))


@pytest.mark.parametrize("text", DENIALS)
def test_what_is_denied_or_demanded_must_be_so_in_the_evidence(text: str) -> None:
    assert check(text, evidence=EVIDENCE, message=ASKED, names=(COMPANY,))


@pytest.mark.parametrize("text", HONEST)
def test_what_is_drawn_from_the_evidence_passes(text: str) -> None:
    assert check(text, evidence=EVIDENCE, message=ASKED, names=(COMPANY,)) == []


def test_a_text_that_is_strange_here_and_there_is_strange_as_a_whole() -> None:
    evidence = ("Freeze the card in the app under Cards, and choose Report lost.",)
    text = (
        "Freeze the card in the app on the tablet. Choose the card under Cards in the drawer. "
        "Report the lost card in the app with the pencil. Choose the app under Cards beside the globe."
    )
    found = check(text, evidence=evidence, message="")
    assert [one.kind for one in found] == ["ungrounded"]
    assert "tablet" in found[0].claim
    assert check(text.split(". ", maxsplit=1)[0] + ".", evidence=evidence, message="") == []


def test_the_kinds_are_told() -> None:
    kinds = [
        {one.kind for one in check(text, evidence=EVIDENCE, message="")}
        for text in ("Press the reset button.", "No passport is needed.", "The other bank must return it.")
    ]
    assert kinds == [{"ungrounded"}, {"denial"}, {"duty"}]
