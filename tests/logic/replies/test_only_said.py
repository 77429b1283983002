"""Thanks, greetings, praise and complaint in many words ask nothing; what asks among them is answered all the same."""

from __future__ import annotations

import pytest
from support.replies import NOON, prediction, turn

from streams.contract.domain import load_domain
from streams.contract.reply_rules import ReplyRules
from streams.contract.service_settings import RepliesSettings
from streams.logic.replies.conversation import Conversation
from streams.logic.replies.policy import before
from streams.logic.replies.signs import Signs
from streams.logic.replies.verdicts import Rules

RULES = Rules.of(load_domain("finance"), RepliesSettings())

ASKS_NOTHING: list[tuple[str, str]] = [
    ("Thank you ever so much, the new card came this morning and works at every till in town.", "not_a_question"),
    ("Thanks to Pavel at the counter, my grandmother has her savings book back.", "not_a_question"),
    ("Many thanks for the quick reply, that was all I had to know for today.", "not_a_question"),
    ("Cheers, the transfer went through about an hour after your message.", "not_a_question"),
    ("Much obliged, the statement arrived and my accountant is content.", "not_a_question"),
    ("I can't thank you enough, the money came back on Tuesday.", "not_a_question"),
    ("thx a lot, all the pots are back where they belong", "not_a_question"),
    ("Good morning everybody at the branch in Ferndale, greetings from the seaside.", "not_a_question"),
    ("Goodbye then, and take care over the holidays.", "not_a_question"),
    ("Never mind, found it under the sofa.", "not_a_question"),
    ("Happy new year to the whole night shift.", "not_a_question"),
    ("Okay, got it, I will do as you say and go to the branch on Monday.", "not_a_question"),
    ("Sorted, the app opens and shows the balance. Ta very much.", "not_a_question"),
    ("We appreciated the letter in large print, it made my uncle feel respected.", "not_a_question"),
    ("Wrong chat, that was for my plumber.", "not_a_question"),
    ("Just saying hello from a rainy harbour, have a nice day.", "not_a_question"),
    ("Well done with the new branch finder, it is a joy to use.", "praise"),
    ("The lady on the phone was so kind to my father that he talked about her all evening.", "praise"),
    ("Hats off, ten minutes from start to end.", "praise"),
    ("What a difference to my former bank, everything works.", "praise"),
    ("I love the goals in the app, our boat is half paid already.", "praise"),
    ("Best bank I have been with in thirty years.", "praise"),
    ("Amir went above and beyond for us last week.", "praise"),
    ("Your colleague Ingrid is a star and deserves a rise.", "praise"),
    ("Impressive, the whole move took one afternoon.", "praise"),
    ("Excellent advice from the young man in Milltown, very pleased.", "praise"),
    ("Terrible service from start to finish.", "complaint"),
    ("I am very disappointed in how my mother was spoken to at the counter.", "complaint"),
    ("The man at the desk was rude and laughed at my accent.", "complaint"),
    ("Your hold music is torture and your forms are worse.", "complaint"),
    ("Two hours in the queue, what a waste of time.", "complaint"),
    ("Worst bank in the county.", "complaint"),
    ("Frustrating, the whole business, from the first letter to the last.", "complaint"),
    ("Thanks for nothing.", "complaint"),
]

ASKS: list[str] = [
    "Thanks for the new card, it is lovely. When will the one for my wife come?",
    "Thank you so much for your help. Could you also tell me how to raise the limit",
    "Many thanks, the refund is here. Please close the claim.",
    "Great app, I love it. How do I export my payments",
    "You were wonderful on the phone yesterday, but the card has not come.",
    "Cheers for unlocking it. I need a new PIN as well.",
    "Hello, I would like to open an account for my son.",
    "Good morning, my card was declined at the till.",
    "Much appreciated, though the balance is still wrong.",
    "Thank you for the quick answer. The code does not arrive on my new phone.",
    "Well done with the redesign, only the search fails on my tablet.",
    "I am delighted with the savings account and want a second one.",
    "Disappointed again: the transfer of last week has not arrived.",
    "Terrible service, cancel my card.",
    "The branch was lovely. Is there one in Northmere too?",
    "Thanks, one more thing, where can I find my IBAN",
    "Best wishes to all. I lost my card on the ferry.",
    "Perfect, thank you. Send me the form then.",
    "Hats off to your team. I wonder whether the fee is charged each month.",
    "Kind regards to Ingrid, she was so helpful. My address has to be changed, can someone do that.",
    "Thank you, all good now, except that I cannot sign in on the laptop.",
    "Hi, unknown charge of 12 on my account",
    "Thanks for your letter. There is a mistake in my name.",
    "Excellent, the reset worked. How many wrong tries until it is locked",
    "Awful weather here. What are your opening hours",
    "Very kind of you. Do I have to sign anything",
    "Great job on the app! My statement of May is missing.",
    "Rude staff and a broken machine: it kept my card.",
    "Thank you for calling me back. The payment was not mine.",
    "Lovely to hear from you. I'd like to know which documents you accept.",
    "Compliments to the chef, ha. Now please tell me what the overdraft costs.",
    "So grateful for the payment plan, may I move the date by a week",
    "I'm frustrated, the app shows an error each morning.",
    "Thank you. I ordered a card three weeks ago.",
    "Impressed so far. Should I report the old card or is there no need",
    "Happy Easter! Are you open on Monday?",
    "The chat was very helpful, yet the problem with my code machine is back again.",
    "Superb. Will it be booked today?",
    "Awesome bank, show me how to change my PIN.",
    "Ta for that. And the fee, why was I charged it",
]


@pytest.mark.parametrize(("text", "reason"), ASKS_NOTHING)
def test_what_asks_nothing_is_told_by_its_kind(text: str, reason: str) -> None:
    decision = before(turn(text, read=prediction()), Conversation(), RULES, NOON)
    assert decision is not None
    assert (decision.action, decision.reason) == ("handoff", reason)


@pytest.mark.parametrize("text", ASKS)
def test_what_asks_among_thanks_and_anger_is_looked_up(text: str) -> None:
    assert before(turn(text, read=prediction()), Conversation(), RULES, NOON) is None


def test_there_are_enough_both_ways() -> None:
    assert len(ASKS) >= 40
    assert len(ASKS_NOTHING) + len(ASKS) >= 70


def test_a_domain_that_tells_no_words_of_asking_knows_the_shortest_courtesies_alone() -> None:
    signs = Signs(ReplyRules(words={"en": {"courtesy": ["thanks", "thank you"]}}))  # type: ignore[dict-item]
    assert signs.only_said("Thank you!") == "courtesy"
    assert signs.only_said("Thank you for the card that came this morning.") is None
