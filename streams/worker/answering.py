"""From customers' turns to replies: the flow, in the order in which a message goes through it.

Runs in the thread that answers, but for ``settle``, which the event loop calls once a batch has come out of it. It
never raises for what is wrong with a turn: what cannot be answered goes to a person.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import structlog

from streams.contract.cloudevents import headers
from streams.contract.ids import derived_id
from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.replies import Reply, Turn
from streams.contract.topics import replies_topic
from streams.logic.replies.check import check
from streams.logic.replies.deciding import decide, with_gaps
from streams.logic.replies.language import primary
from streams.logic.replies.policy import before, overloaded, retrieved, taken_over_meanwhile
from streams.logic.replies.restoring import Veiled, unveil, veil
from streams.logic.replies.verdicts import Decision, Plan, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.contract.domain import Domain
    from streams.contract.settings import Settings
    from streams.logic.replies.conversation import Conversation
    from streams.worker.conversations import Conversations
    from streams.worker.drafting import Drafting, Written
    from streams.worker.library import Library

_QUESTION_CHARS = 400

_NOTHING = Veiled("", {})

log = structlog.get_logger(__name__)


class Told(NamedTuple):
    """A record of the topic of turns, as it was taken in."""

    event: Any
    place: str
    partition: int
    since: float
    """When the customer's message was appended to its topic, seconds since the epoch."""
    turn: Turn | None
    """None for what is no turn."""


@dataclass(slots=True)
class Case:
    """A customer's message on its way to a reply."""

    told: Told
    turn: Turn
    conversation: Conversation
    veiled: Veiled = _NOTHING
    decision: Decision | None = None
    generator: str = ""


@dataclass(slots=True)
class Answers:
    """What came of a batch."""

    done: int = 0
    """So many of those that were not late are done."""
    cases: list[Case] = field(default_factory=list)
    """Each with its decision."""
    unreadable: int = 0
    repeated: int = 0
    """Turns that were told before."""
    written: list[Written] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    """Kinds of claims that drafts made without evidence."""


class Answering:
    """Answers customers.

    Args:
        settings: All of them.
        domain: Its rules for replies.
        conversations: Their state.
        library: What replies may be drawn from.
        drafting: Writes.
    """

    def __init__(
        self, settings: Settings, domain: Domain, conversations: Conversations, library: Library, drafting: Drafting
    ) -> None:
        self._settings = settings.replies
        self._topic = replies_topic(settings.topics)
        self._rules = Rules.of(domain, settings.replies)
        self._conversations = conversations
        self._library = library
        self._drafting = drafting

    def answer(self, late: Sequence[Told], fresh: Sequence[Told]) -> Answers:
        """Decide what is to be done about a batch.

        Args:
            late: What has waited for too long, or is too much: a person gets it, without a draft.
            fresh: The others; as many of them are answered as can be drafted at once.

        Raises:
            RecoveryError: The state of a partition that is new here cannot be read.
        """
        answers = Answers()
        now = time.time()
        for told in late:
            waited = now - told.since
            self._begin(told, answers, overloaded(waited if waited >= self._settings.deadline_seconds else None))
        open_cases: list[Case] = []
        for told in fresh:
            # What is said next in a conversation is decided by what came of this.
            if told.turn is not None and any(case.turn.conversation == told.turn.conversation for case in open_cases):
                break
            case = self._begin(told, answers)
            answers.done += 1
            if case is not None and case.decision is None:
                open_cases.append(case)
            if len(open_cases) >= self._drafting.batch:
                break
        self._answer(open_cases, answers, now)
        return answers

    def settle(self, answers: Answers, is_person_in: Callable[[Told], bool]) -> list[Reply]:
        """The replies as they are to be published, once it was looked whether a person has come in meanwhile."""
        replies = []
        for case in answers.cases:
            decision = case.decision or _failed()
            if decision.action != "handoff" and is_person_in(case.told):
                decision = taken_over_meanwhile()
            reply = self._reply_to(case, decision)
            case.conversation.answered(reply)
            replies.append(reply)
        return replies

    def states(self) -> list[Output]:
        """What is to be kept of the conversations that were settled."""
        return self._conversations.states()

    @property
    def conversations(self) -> int:
        """How many conversations are kept."""
        return len(self._conversations)

    def output(self, reply: Reply) -> Output:
        """A reply for its topic."""
        key = reply.conversation.encode("utf-8", "surrogatepass")
        return Output(self._topic, key, encode(reply), headers(id=reply.id, type="tocsin.reply", time=reply.time))

    def without_text(self, reply: Reply) -> Reply:
        """What is published in the place of a reply that the brokers refuse as too large."""
        return msgspec.structs.replace(
            reply,
            action="handoff",
            reason="generator_failed",
            detail="The brokers take no reply of that size.",
            origin="none",
            text="",
            question="",
            evidence=[],
            unsupported=[],
            generator="",
        )

    def _begin(self, told: Told, answers: Answers, otherwise: Decision | None = None) -> Case | None:
        """Hear a turn; its case where it is a customer's and new, with a decision where none is left to be made."""
        turn = told.turn
        if turn is None:
            answers.unreadable += 1
            return None
        conversation = self._conversations.of(told.partition, turn.conversation)
        is_new = self._hear(conversation, told, turn)
        if turn.kind != "asked":
            return None
        if not is_new and (
            conversation.has_answered(derived_id(turn.id, "reply"))
            # Whoever takes over reads again what was not acknowledged: both may be in one batch.
            or any(case.turn.id == turn.id for case in answers.cases)
        ):
            answers.repeated += 1
            return None
        case = Case(told, turn, conversation)
        answers.cases.append(case)
        try:
            case.veiled = veil(turn.text, author=turn.author, user=turn.user)
            case.decision = before(turn, conversation, self._rules, datetime.now(UTC)) or otherwise
        except Exception as error:  # noqa: BLE001  people answer
            self._give_up([case], error)
        return case

    def _answer(self, cases: Sequence[Case], answers: Answers, now: float) -> None:
        """Look for evidence, have drafts written, check and decide."""
        try:
            plans = self._plans(cases)
        except Exception as error:  # noqa: BLE001  likewise
            self._give_up(cases, error)
            return
        if not plans:
            return
        oldest = max(now - case.told.since for case, _ in plans)
        # A draft that was begun late is still given half of the time: it would be the next ones that wait for nothing.
        within = self._settings.deadline_seconds - min(max(oldest, 0.0), self._settings.deadline_seconds / 2)
        written = self._drafting.replies(
            [(case.turn, case.veiled.text, plan) for case, plan in plans], self._rules, within=within
        )
        answers.written += [one for one in written if one is not None]
        for (case, plan), one in zip(plans, written, strict=True):
            try:
                self._decide(case, plan, one, answers)
            except Exception as error:  # noqa: BLE001  likewise
                self._give_up([case], error)

    def _plans(self, cases: Sequence[Case]) -> list[tuple[Case, Plan]]:
        """What may be written; a case without evidence is decided."""
        if not cases:
            return []
        plans = []
        moment = datetime.now(UTC)
        for language in dict.fromkeys(primary(case.turn.language) for case in cases):
            alike = [case for case in cases if primary(case.turn.language) == language]
            texts = [case.veiled.text for case in alike]
            found = self._library.search(texts, self._settings.evidence, language=language)
            for case, evidence in zip(alike, found, strict=True):
                plan = retrieved(evidence, case.turn, self._rules, self._settings, moment)
                if isinstance(plan, Plan):
                    plans.append((case, plan))
                else:
                    case.decision = plan
        return plans

    def _decide(self, case: Case, plan: Plan, written: Written | None, answers: Answers) -> None:
        if written is None:
            case.decision = decide(plan, None)
            return
        unsupported = check(written.draft.text, evidence=plan.texts, message=case.veiled.text, names=self._rules.names)
        answers.claims += [one.kind for one in unsupported]
        decision = decide(plan, written.draft, unsupported)
        if written.is_cut_off:
            late = "The draft was not done in time; this is the best approved answer as it stands."
            decision = replace(decision, reason="overload", detail=late)
        case.decision, case.generator = decision, written.generator

    def _hear(self, conversation: Conversation, told: Told, turn: Turn) -> bool:
        """Whether a turn is new."""
        try:
            return conversation.hear(turn)
        except Exception as error:
            log.exception("a turn was not heard", place=told.place, error=repr(error))
            return True

    def _reply_to(self, case: Case, decision: Decision) -> Reply:
        try:
            return self._reply(case, decision)
        except Exception as error:  # noqa: BLE001  likewise
            self._give_up([case], error)
            return self._reply(case, _failed())

    def _reply(self, case: Case, decision: Decision) -> Reply:
        text, invented = unveil(decision.text, case.veiled.pieces)
        decision = with_gaps(decision, invented)
        turn = case.turn
        return Reply(
            id=derived_id(turn.id, "reply"),
            conversation=turn.conversation,
            message_id=turn.message_id,
            action=decision.action,
            text=text,
            reason=decision.reason,
            detail=decision.detail,
            confidence=decision.confidence,
            evidence=list(decision.evidence),
            time=datetime.now(UTC),
            question=case.veiled.text[:_QUESTION_CHARS],
            origin=decision.origin,
            unsupported=list(decision.unsupported),
            model=turn.prediction.model if turn.prediction is not None else "",
            generator=case.generator if decision.origin == "generated" else "",
        )

    def _give_up(self, cases: Sequence[Case], error: Exception) -> None:
        """Let people answer what Tocsin itself failed at."""
        log.error("customers' messages go to people", messages=len(cases), exc_info=error)
        for case in cases:
            case.decision = _failed()


def _failed() -> Decision:
    detail = "An error of Tocsin's own kept this from being answered; see the worker's log."
    return Decision("handoff", "generator_failed", detail)
