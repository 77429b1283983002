"""What is done about a customer's message: send, review, or hand over to a person; each with its reason.

``before`` needs no evidence, ``retrieved`` looks at what was found, and ``deciding.decide`` at what was written.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from streams.logic.replies.language import is_answered
from streams.logic.replies.verdicts import Decision, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from streams.contract.replies import ReplyReason, Turn
    from streams.contract.service_settings import RepliesSettings
    from streams.logic.replies.conversation import Conversation
    from streams.logic.replies.signs import Said
    from streams.logic.replies.verdicts import Evidence, Rules

    _Ground = tuple[ReplyReason, str]

# Two machines that answer one another are told by their haste.
_LOOP_REPLIES, _LOOP_TIME = 5, timedelta(minutes=10)
_ONLY_SAID: dict[Said, _Ground] = {
    "courtesy": ("not_a_question", "Thanks or a greeting: nothing is asked."),
    "praise": ("praise", "Praise: nothing is asked."),
    "complaint": ("complaint", "A complaint that asks nothing: it is to be heard."),
}
# Without a model's reading so many signs are anger.
_SIGNS_WITHOUT_READING = 2


def before(turn: Turn, conversation: Conversation, rules: Rules, now: datetime) -> Decision | None:
    """A decision that needs no evidence; None where the question may be answered.

    Args:
        turn: What the customer wrote, heard by the conversation or not.
        conversation: What came before.
        rules: The domain's.
        now: With a time zone.
    """
    grounds = (*_machines(turn, conversation, rules, now), *_gravest(turn, conversation, rules))
    return _handoff(*grounds[0]) if grounds else None


def _machines(turn: Turn, conversation: Conversation, rules: Rules, now: datetime) -> Iterator[_Ground]:
    if conversation.is_own(turn.text) or rules.signs.automatic(turn.text):
        yield "loop", "This is our own reply come back, or a machine's answer: nobody asks."
    if conversation.sent_since(now - _LOOP_TIME) >= _LOOP_REPLIES:
        minutes = _LOOP_TIME.total_seconds() / 60
        yield "loop", f"{_LOOP_REPLIES} replies went out here in {minutes:g} min: two machines may be talking."


def _gravest(turn: Turn, conversation: Conversation, rules: Rules) -> Iterator[_Ground]:
    """Why a person should answer, gravest first."""
    text, signs, languages = turn.text, rules.signs, rules.replies.languages
    intent = turn.prediction.intent if turn.prediction is not None else None
    if conversation.taken_over:
        yield "taken_over", "A person answers in this conversation."
    if signs.safety(text):
        yield "safety", "Somebody may be in danger, or a fraud may be under way."
    if signs.legal(text):
        yield "legal", "The message speaks of a lawyer, a court or an authority."
    if not is_answered(text, turn.language, languages):
        yield "language", f"The message is not in a language that is answered: {_list(languages)}."
    if signs.person(text) or (intent is not None and intent in rules.replies.asks_person):
        yield "asks_for_person", "The customer asks for a person."
    if _is_angry(turn, rules):
        yield "angry", "The customer is angry."
    if (said := signs.only_said(text)) is not None:
        yield _ONLY_SAID[said]
    if (times := conversation.repeats(turn)) >= rules.repeats:
        yield "repeated", f"The customer asks the same for the {_ordinal(times + 1)} time."


def retrieved(
    found: Sequence[Evidence], turn: Turn, rules: Rules, settings: RepliesSettings, now: datetime
) -> Plan | Decision:
    """What may be done with what was found.

    Args:
        found: Best first.
        turn: What the customer wrote.
        rules: The domain's.
        settings: Scores that it takes.
        now: With a time zone; business hours are asked.

    Returns:
        A plan to write by, or a handoff.
    """
    topics = tuple(turn.prediction.topics) if turn.prediction is not None else ()
    intent = turn.prediction.intent if turn.prediction is not None else None
    if kept := sorted({*topics, *filter(None, (intent,))} & set(rules.replies.person)):
        return _handoff("topic_not_allowed", f"A person answers messages about {_list(kept)}.")
    best = found[0] if found else None
    if best is None or best.score < settings.min_score:
        nearest = "nothing was found" if best is None else f"the nearest scores {best.score:.2f}"
        return _handoff("no_evidence", f"No document answers this: {nearest}; it takes {settings.min_score:.2f}.")
    enough = [each for each in found if each.score >= settings.min_score and (each.approved or not best.approved)]
    plan = Plan(
        action="send",
        reason="answered",
        detail=f"An approved answer scores {best.score:.2f}, and the intent is sure.",
        confidence=_confidence(turn, best),
        evidence=tuple(enough)[: settings.evidence],
        signature=rules.replies.signature,
    )
    for reason, detail in _doubts(topics, turn, best, rules, settings, now):
        return replace(plan, action="review", reason=reason, detail=detail)
    # A draft that may be sent draws on nothing that may not.
    sendable = [each for each in enough if each.approved and not _kept_back(each, rules)]
    return replace(plan, evidence=tuple(sendable)[: settings.evidence])


def overloaded(seconds: float | None = None) -> Decision:
    """The decision on what waited too long, or came where too much waits.

    Args:
        seconds: How long it waited; None where there was no room to wait.
    """
    why = "too many messages wait" if seconds is None else f"it waited {seconds:.0f} s for a draft"
    return _handoff("overload", f"The generator is behind: {why}.")


def taken_over_meanwhile() -> Decision:
    """The decision where a person came in while it was written."""
    return _handoff("taken_over", "A person took over while this was written.")


def _doubts(
    topics: Sequence[str], turn: Turn, best: Evidence, rules: Rules, settings: RepliesSettings, now: datetime
) -> Iterator[_Ground]:
    """What stands against sending, gravest first."""
    alone = set(rules.replies.alone)
    if not topics or not set(topics) <= alone:
        yield "topic_not_allowed", f"Replies about {_list(topics) or 'no known topic'} are not sent by themselves."
    if kept := _kept_back(best, rules):
        yield "topic_not_allowed", f"The answer belongs to {_list(kept)}: it is not sent by itself."
    if not best.approved:
        yield "weak_evidence", "A person wrote this answer to one customer, and nobody has approved it for others."
    if best.score < settings.send_score:
        yield "weak_evidence", f"The best answer scores {best.score:.2f}; sending takes {settings.send_score:.2f}."
    if rules.has_intents:
        yield from (("unsure_intent", detail) for detail in _intent_doubts(turn, best, settings))
    hours = rules.replies.hours
    if hours is not None and not hours.is_open(now):
        yield "out_of_hours", f"Outside business hours ({hours.zone}) nothing is sent by itself."


def _kept_back(evidence: Evidence, rules: Rules) -> list[str]:
    """Topics, or the intent, of an answer that is not sent by itself; empty where it may be."""
    person = set(rules.replies.person)
    if kept := sorted({*evidence.topics, *filter(None, (evidence.intent,))} & person):
        return kept
    return [] if not evidence.topics or set(rules.replies.alone) & set(evidence.topics) else list(evidence.topics)


def _intent_doubts(turn: Turn, best: Evidence, settings: RepliesSettings) -> Iterator[str]:
    scores = turn.prediction.intent_scores if turn.prediction is not None else None
    if not scores:
        yield "The model read no intent."
        return
    (first, most), *others = sorted(scores.items(), key=lambda each: each[1], reverse=True)
    gap = most - (others[0][1] if others else 0.0)
    if most < settings.send_intent:
        yield f"The intent {first} has probability {most:.2f}; sending takes {settings.send_intent:.2f}."
    if gap < settings.send_gap:
        yield f"The intent {first} is {gap:.2f} ahead of {others[0][0]}; sending takes {settings.send_gap:.2f}."
    if best.intent is not None and best.intent != first:
        yield f"The customer's intent is read as {first}, but the answer is for {best.intent}."


def _is_angry(turn: Turn, rules: Rules) -> bool:
    signs = rules.signs.anger(turn.text)
    if turn.prediction is None:
        return signs >= _SIGNS_WITHOUT_READING
    return signs > 0 and turn.prediction.sentiment_scores.get("negative", 0.0) >= rules.angry_score


def _confidence(turn: Turn, best: Evidence) -> float:
    scores = turn.prediction.intent_scores if turn.prediction is not None else None
    return round(min(best.score, max(scores.values())) if scores else best.score, 4)


def _handoff(reason: ReplyReason, detail: str) -> Decision:
    return Decision("handoff", reason, detail)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
