"""The decision, once something was written or could not be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from streams.logic.replies.check import check
from streams.logic.replies.verdicts import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.replies import ReplyOrigin
    from streams.logic.replies.check import Unsupported
    from streams.logic.replies.verdicts import Plan


class Draft(NamedTuple):
    """What the generator wrote."""

    text: str
    finished: bool = True
    """False where a limit or the deadline cut it off."""


def decide(plan: Plan, draft: Draft | None, unsupported: Sequence[Unsupported] = ()) -> Decision:
    """What is to be done.

    Args:
        plan: From ``policy.retrieved``.
        draft: None where no generator serves: the best answer is taken as it stands, under the same rules. An empty
            text says that the generator failed.
        unsupported: What ``check`` finds in the draft.

    Returns:
        Its text holds the placeholders of the veiled message, to be restored for that person.
    """
    if draft is None:
        return _verbatim(plan)
    if not draft.finished or not draft.text.strip():
        detail = "The generator came to no end; this is the best approved answer as it stands."
        return _verbatim(replace(plan, action="review", reason="generator_failed", detail=detail))
    if unsupported:
        kinds = ", ".join(sorted({one.kind for one in unsupported}))
        detail = f"The draft claimed what no document says ({kinds}); this is the best approved answer as it stands."
        decision = _verbatim(replace(plan, action="review", reason="unsupported", detail=detail))
        return replace(decision, unsupported=tuple(f"{one.kind}: {one.claim}" for one in unsupported))
    return _written(plan, draft.text, "generated")


def with_gaps(decision: Decision, invented: Sequence[str]) -> Decision:
    """A decision whose text has places for what the customer did not write: nobody sends that.

    Args:
        decision: What is to be done.
        invented: Placeholders that ``restoring.unveil`` has nothing for.
    """
    if not invented or decision.action != "send":
        return decision
    gap = "The approved answer has a place for what the customer did not write."
    return replace(decision, action="review", reason="unsupported", detail=gap, unsupported=tuple(invented))


def _verbatim(plan: Plan) -> Decision:
    best = plan.evidence[0]
    if plan.action == "send" and best.question is None:
        detail = "The best evidence is a page, and no answer to this question."
        plan = replace(plan, action="review", reason="weak_evidence", detail=detail)
    # It supports itself, but for a template's placeholders.
    if plan.action == "send" and check(best.text, evidence=(best.text,), message=""):
        detail = "The approved answer has places that nobody has filled in."
        plan = replace(plan, action="review", reason="unsupported", detail=detail)
    return _written(plan, best.text, "retrieved")


def _written(plan: Plan, text: str, origin: ReplyOrigin) -> Decision:
    text = text.strip()
    return Decision(
        action=plan.action,
        reason=plan.reason,
        detail=plan.detail,
        text=f"{text}\n\n{plan.signature}" if plan.signature else text,
        confidence=plan.confidence,
        evidence=tuple(dict.fromkeys(each.document for each in plan.evidence)),
        origin=origin,
    )
