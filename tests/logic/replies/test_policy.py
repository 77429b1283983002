"""What is done about a message, and why: each reason is reached, and the gravest wins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from support.replies import ANSWERS, NOON, Found, prediction, turn

from streams.contract.domain import load_domain
from streams.contract.replies import Reply, ReplyReason
from streams.contract.reply_rules import Hours
from streams.contract.service_settings import RepliesSettings
from streams.logic.replies.check import Unsupported
from streams.logic.replies.conversation import Conversation
from streams.logic.replies.deciding import Draft, decide
from streams.logic.replies.language import is_answered
from streams.logic.replies.policy import before, overloaded, retrieved, taken_over_meanwhile
from streams.logic.replies.verdicts import Decision, Plan, Rules

SETTINGS = RepliesSettings()
RULES = Rules.of(load_domain("finance"), SETTINGS)
REASONS: set[str] = set(get_args(ReplyReason))
GOOD = Found()
DRAFT = Draft("Your new card reaches you within 5 working days.")


def plan(*found: Found, text: str = "Where is my new card?", rules: Rules = RULES, **read: object) -> Plan | Decision:
    heard = turn(text, read=prediction(**read))  # type: ignore[arg-type]
    return retrieved(found, heard, rules, SETTINGS, NOON)


def sendable() -> Plan:
    made = plan(GOOD)
    assert isinstance(made, Plan)
    return made


def reply(text: str, *, id_: str = "r", time: datetime = NOON) -> Reply:
    return Reply(
        id=id_,
        conversation="c",
        message_id="m",
        action="send",
        text=text,
        reason="answered",
        detail="",
        confidence=1.0,
        evidence=[],
        time=time,
    )


ANGRY = "This is a disgrace!! I am furious, where is my card?"

# A message, and the reason for which a person gets it before anything is looked up.
BEFORE: list[tuple[str, str]] = [
    (ANGRY, "angry"),
    ("WHERE IS MY CARD, NOBODY ANSWERS EVER", "angry"),
    ("I will sue you if the card does not come.", "legal"),
    ("My solicitor will write to you about the card.", "legal"),
    ("The ombudsman will hear of this.", "legal"),
    ("I can't go on, I want to die.", "safety"),
    ("Somebody is on the phone with me now and told me to move my money.", "safety"),
    ("I will burn down your branch.", "safety"),
    ("My account was hacked, they are emptying my account.", "safety"),
    ("I want to speak to a person please.", "asks_for_person"),
    ("No bots. Is there a real human?", "asks_for_person"),
    ("¿Dónde está mi tarjeta? No la he recibido y la necesito.", "language"),
    ("Wo ist meine neue Karte? Ich habe sie noch nicht bekommen.", "language"),
    ("我的新卡在哪里", "language"),
    ("Thank you so much!", "not_a_question"),
    ("Hi", "not_a_question"),
    ("Thanks Ann!", "not_a_question"),
    ("Hats off to your team, ten minutes from start to end.", "praise"),
    ("A shambles from the first letter to the last.", "complaint"),
    ("\U0001f44d", "not_a_question"),
    ("Automatic reply: I am out of office until Monday.", "loop"),
    ("Mail delivery failed: returned mail to sender", "loop"),
]


@pytest.mark.parametrize(("text", "reason"), BEFORE)
def test_some_messages_go_to_a_person_at_once(text: str, reason: str) -> None:
    decision = before(turn(text, read=prediction(negative=0.95)), Conversation(), RULES, NOON)
    assert decision is not None
    assert (decision.action, decision.reason, decision.text) == ("handoff", reason, "")
    assert decision.detail.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "Where is my new card? I ordered it two weeks ago.",
        "Thanks, but where is my card?",
        "Hello, my card has not come",
        "card not here",
        "How do I get a refund for a purchase?",
        "I suppose the issue is on my side, how do I sign in?",
        "Is it the court street branch that is open on Saturdays?".replace("court", "Kellgate"),
        "My card was declined! What can I do?",
        "Die card I ordered is not here, when will it come",
    ],
)
def test_a_plain_question_may_be_answered(text: str) -> None:
    assert before(turn(text, read=prediction(negative=0.95)), Conversation(), RULES, NOON) is None


def test_anger_takes_both_the_sentiment_and_its_signs() -> None:
    assert before(turn(ANGRY, read=prediction(negative=0.5)), Conversation(), RULES, NOON) is None
    calm = turn("My card has not come.", read=prediction(negative=0.99))
    assert before(calm, Conversation(), RULES, NOON) is None


def test_without_a_reading_two_signs_are_anger() -> None:
    unread = turn(ANGRY)
    decision = before(type(unread)(**{**_fields(unread), "prediction": None}), Conversation(), RULES, NOON)
    assert decision is not None
    assert decision.reason == "angry"


def _fields(struct: object) -> dict[str, object]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}  # type: ignore[attr-defined]


def test_an_intent_can_ask_for_a_person() -> None:
    asked = turn("put someone on", read=prediction(intents={"speak_to_person": 0.9}))
    decision = before(asked, Conversation(), RULES, NOON)
    assert decision is not None
    assert decision.reason == "asks_for_person"


def test_a_language_tag_counts_where_the_text_does_not_tell() -> None:
    decision = before(turn("carta?", language="it-IT"), Conversation(), RULES, NOON)
    assert decision is not None
    assert decision.reason == "language"
    english = turn("Where is my new card? I have not got it.", language="it")
    assert before(english, Conversation(), RULES, NOON) is None


def test_where_a_person_has_taken_over_tocsin_is_silent() -> None:
    conversation = Conversation()
    conversation.hear(turn(id_="p", kind="taken_over"))
    decision = before(turn(), conversation, RULES, NOON)
    assert decision is not None
    assert (decision.action, decision.reason) == ("handoff", "taken_over")
    conversation.hear(turn(id_="q", kind="handed_back", time=NOON + timedelta(minutes=1)))
    assert before(turn(), conversation, RULES, NOON) is None


def test_the_same_question_a_third_time_goes_to_a_person() -> None:
    conversation = Conversation()
    said = ["Where is my new card?", "so where is my new card", "Where is my NEW card??"]
    reasons = []
    for place, text in enumerate(said):
        asked = turn(text, id_=str(place), time=NOON + timedelta(minutes=place))
        conversation.hear(asked)
        decision = before(asked, conversation, RULES, NOON)
        reasons.append(decision and decision.reason)
    assert reasons == [None, None, "repeated"]


@pytest.mark.parametrize("tag", ["", " ", "und"])
def test_a_tag_that_tells_no_language_counts_for_nothing(tag: str) -> None:
    assert is_answered("card lost", tag, ("en",))


@pytest.mark.parametrize(
    ("text", "language", "other"),
    [
        ("Де моя картка? Я загубив її вчора, допоможіть", "uk", "ru"),
        ("Къде ми картата, изгубих я вчера", "bg", "ru"),
        ("کارت من گم شده است لطفا کمک کنید", "fa", "ar"),
        ("माझे कार्ड हरवले आहे कृपया मदत करा", "mr", "hi"),
    ],
)
def test_a_script_that_languages_share_gainsays_none_of_them(text: str, language: str, other: str) -> None:
    assert is_answered(text, None, (language,))
    assert is_answered(text, f"{language}-XX", (language,))
    assert is_answered(text, None, (other,))
    # Where the text does not tell, the tag does.
    assert not is_answered(text, other, (language,))
    assert not is_answered(text, None, ("en",))
    assert not is_answered(text, "en", ("en",))


def test_our_own_reply_that_comes_back_is_answered_by_nobody() -> None:
    conversation = Conversation()
    conversation.answered(reply(ANSWERS["card_delivery"]))
    decision = before(turn(ANSWERS["card_delivery"].upper()), conversation, RULES, NOON)
    assert decision is not None
    assert decision.reason == "loop"


def test_two_machines_that_answer_one_another_are_parted() -> None:
    conversation = Conversation()
    for number in range(5):
        assert before(turn(f"message {number} of a machine, is it here"), conversation, RULES, NOON) is None
        conversation.answered(reply(f"answer {number}", id_=str(number), time=NOON + timedelta(seconds=number)))
    decision = before(turn("one message more, is it here"), conversation, RULES, NOON + timedelta(minutes=1))
    assert decision is not None
    assert decision.reason == "loop"
    assert before(turn("is my card here"), conversation, RULES, NOON + timedelta(hours=1)) is None


def test_a_good_answer_and_a_sure_intent_may_be_sent() -> None:
    made = sendable()
    assert (made.action, made.reason) == ("send", "answered")
    decision = decide(made, DRAFT)
    assert (decision.action, decision.text, decision.origin) == ("send", DRAFT.text, "generated")
    assert decision.evidence == ("doc-1",)
    assert decision.confidence == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("found", "read", "reason"),
    [
        (Found(score=0.59), {}, "weak_evidence"),
        (Found(approved=False), {}, "weak_evidence"),
        (GOOD, {"intents": {"card_delivery": 0.45, "card_lost": 0.1}}, "unsure_intent"),
        (GOOD, {"intents": {"card_delivery": 0.55, "card_lost": 0.45}}, "unsure_intent"),
        (GOOD, {"intents": {"card_lost": 0.9}}, "unsure_intent"),
        (GOOD, {"intents": {}}, "unsure_intent"),
        (GOOD, {"topic": "markets"}, "topic_not_allowed"),
        (Found(topics=("markets",)), {}, "topic_not_allowed"),
        (Found(topics=("payments", "fraud")), {}, "topic_not_allowed"),
    ],
)
def test_what_is_not_quite_sure_is_a_draft(found: Found, read: dict[str, object], reason: str) -> None:
    made = plan(found, **read)
    assert isinstance(made, Plan)
    assert (made.action, made.reason) == ("review", reason)
    decision = decide(made, DRAFT)
    assert (decision.action, decision.reason, decision.text) == ("review", reason, DRAFT.text)


def test_what_may_be_sent_draws_on_nothing_that_may_not() -> None:
    private = Found(document="label", score=0.8, approved=False)
    sent = plan(GOOD, private)
    assert isinstance(sent, Plan)
    assert (sent.action, [each.document for each in sent.evidence]) == ("send", [GOOD.document])
    others = (
        Found(document="loans", score=0.8, topics=("loans",)),
        Found(document="theft", score=0.7, topics=("fraud",)),
    )
    free = Found(document="free", score=0.6, topics=())
    sent = plan(GOOD, *others, free)
    assert isinstance(sent, Plan)
    assert (sent.action, [each.document for each in sent.evidence]) == ("send", [GOOD.document, "free"])
    reviewed = plan(Found(document="label", approved=False), Found(score=0.8))
    assert isinstance(reviewed, Plan)
    assert (reviewed.action, len(reviewed.evidence)) == ("review", 2)


@pytest.mark.parametrize("found", [(), (Found(score=0.34),)])
def test_without_evidence_a_person_answers(found: tuple[Found, ...]) -> None:
    decision = plan(*found)
    assert isinstance(decision, Decision)
    assert (decision.action, decision.reason, decision.text) == ("handoff", "no_evidence", "")


@pytest.mark.parametrize("read", [{"topic": "fraud"}, {"intents": {"complaint": 0.9}}])
def test_some_topics_and_intents_are_a_persons(read: dict[str, object]) -> None:
    decision = plan(GOOD, **read)
    assert isinstance(decision, Decision)
    assert (decision.action, decision.reason) == ("handoff", "topic_not_allowed")


def test_only_what_is_good_enough_is_drawn_from_and_no_more_than_asked() -> None:
    made = plan(*(Found(document=str(place), score=0.9 - place / 10) for place in range(6)))
    assert isinstance(made, Plan)
    assert [each.document for each in made.evidence] == ["0", "1", "2"]
    made = plan(GOOD, Found(document="far", score=0.2))
    assert isinstance(made, Plan)
    assert [each.document for each in made.evidence] == ["doc-1"]


def test_questions_support_nothing() -> None:
    made = plan(Found(question="Do I get £500?"))
    assert isinstance(made, Plan)
    assert made.texts == (GOOD.text,)


def test_outside_business_hours_nothing_is_sent_by_itself() -> None:
    hours = Hours(zone="Europe/Berlin", mon=("08:00-13:30",))
    rules = replace(RULES, replies=RULES.replies.model_copy(update={"hours": hours}))
    made = retrieved([GOOD], turn(), rules, SETTINGS, NOON)  # 13:00 in Berlin
    assert isinstance(made, Plan)
    assert made.action == "send"
    late = retrieved([GOOD], turn(), rules, SETTINGS, NOON + timedelta(minutes=30))
    assert isinstance(late, Plan)
    assert (late.action, late.reason) == ("review", "out_of_hours")


def test_hours_know_weekdays_closed_days_and_summer_time() -> None:
    holiday = datetime(2026, 8, 31, tzinfo=UTC).date()
    hours = Hours(zone="Europe/London", mon=("09:00-12:00", "13:00-24:00"), closed=(holiday,))
    assert [hours.is_open(NOON + timedelta(hours=hour)) for hour in (-4, -3, 0, 1, 11.9, 12)] == [
        False,
        True,
        False,
        True,
        True,
        False,
    ]
    assert hours.is_open(datetime(2026, 6, 1, 8, tzinfo=UTC))  # nine in London's summer
    assert not hours.is_open(datetime(2026, 8, 31, 9, tzinfo=UTC))


def test_what_is_unsupported_gives_way_to_the_answer_verbatim_for_review() -> None:
    decision = decide(sendable(), Draft("You get £500."), [Unsupported("£500", "amount")])
    assert (decision.action, decision.reason) == ("review", "unsupported")
    assert (decision.text, decision.origin) == (GOOD.text, "retrieved")
    assert decision.unsupported == ("amount: £500",)
    assert "500" not in decision.detail


@pytest.mark.parametrize("draft", [Draft(""), Draft("  \n"), Draft("Your new card reaches", finished=False)])
def test_a_generator_that_fails_gives_way_to_the_answer_verbatim_for_review(draft: Draft) -> None:
    decision = decide(sendable(), draft)
    assert (decision.action, decision.reason, decision.text) == ("review", "generator_failed", GOOD.text)


def test_without_a_generator_the_answer_is_sent_as_it_stands() -> None:
    decision = decide(sendable(), None)
    assert (decision.action, decision.reason) == ("send", "answered")
    assert (decision.text, decision.origin) == (GOOD.text, "retrieved")


def test_without_a_generator_neither_a_page_nor_a_template_is_sent() -> None:
    page = decide(replace(sendable(), evidence=(Found(question=None),)), None)
    assert (page.action, page.reason) == ("review", "weak_evidence")
    template = decide(replace(sendable(), evidence=(Found(text="Your order {{Order Number}} is here."),)), None)
    assert (template.action, template.reason) == ("review", "unsupported")


def test_a_weaker_plan_is_never_made_stronger() -> None:
    weak = replace(sendable(), action="review", reason="weak_evidence")
    for draft in (DRAFT, None, Draft("")):
        assert decide(weak, draft).action == "review"


def test_the_signature_stands_below() -> None:
    signed = decide(replace(sendable(), signature="Your Larkmoor team"), DRAFT)
    assert signed.text == f"{DRAFT.text}\n\nYour Larkmoor team"


def test_overload_and_a_person_who_comes_in_are_handoffs() -> None:
    assert (overloaded(9.2).action, overloaded(9.2).reason, overloaded().reason) == ("handoff", "overload", "overload")
    assert "9 s" in overloaded(9.2).detail
    assert taken_over_meanwhile().reason == "taken_over"


def test_every_reason_is_reached_by_a_test_here() -> None:
    reached = {reason for _, reason in BEFORE}
    reached |= {"answered", "no_evidence", "weak_evidence", "unsure_intent", "topic_not_allowed", "out_of_hours"}
    reached |= {"unsupported", "generator_failed", "overload", "taken_over", "repeated"}
    assert reached == REASONS


def test_a_domain_that_allows_nothing_sends_nothing() -> None:
    rules = replace(RULES, replies=RULES.replies.model_copy(update={"alone": ()}))
    made = plan(GOOD, rules=rules)
    assert isinstance(made, Plan)
    assert made.action == "review"
