from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from support.alerts import make_alert

from streams.contract.domain import load_domain
from streams.contract.settings import Settings
from streams.logic.replies.deciding import Draft
from streams.worker.briefing import Briefing, Briefs, Rung, decoded
from streams.worker.drafting import Written
from streams.worker.recovery import RecoveryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.alerts import Alert
    from streams.contract.replies import Brief
    from streams.logic.replies.briefs import Story

SETTINGS = Settings()
DOMAIN = load_domain("finance")


class Drafting:
    """Writes the alert's first fact, or what it is told to."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text
        self.asked: list[Story] = []

    def brief(self, story: Story, *, within: float) -> Written:
        assert within == SETTINGS.replies.deadline_seconds
        self.asked.append(story)
        return Written(Draft(self.text or story.facts[0]), "generator:3", 20, 0.4)


class Desk:
    def __init__(self, drafting: Drafting | None = None, known: Sequence[Brief] = ()) -> None:
        self.drafting = drafting or Drafting()
        self.briefing = Briefing(SETTINGS, DOMAIN, self.drafting, lambda _: known)  # type: ignore[arg-type]
        self.briefs = Briefs()

    def write(self, *alerts: Alert | None, late: Sequence[Alert] = ()) -> list[Brief]:
        """The briefs of alerts, one batch after the other."""
        found: list[Brief] = []
        left = list(alerts)
        waited = list(late)
        while left or waited:
            self.briefs = self.briefing.write([rung(alert) for alert in waited], [rung(alert) for alert in left])
            waited = []
            found += self.briefs.briefs
            del left[: self.briefs.done]
        return found


def rung(alert: Alert | None) -> Rung:
    return Rung(None, "tocsin.alerts[0]@0", 0, 0.0, alert)


def two_messages(alert: Alert) -> Alert:
    evidence = alert.evidence
    more = msgspec.structs.replace(evidence.messages[0], id="m-2", text="Queues outside Larkmoor branches all morning")
    return msgspec.structs.replace(
        alert, evidence=msgspec.structs.replace(evidence, messages=[*evidence.messages, more])
    )


def alert(**changes: object) -> Alert:
    return two_messages(make_alert(**changes))  # type: ignore[arg-type]


def test_a_beginning_and_an_end_are_told_by_the_generator_from_the_alerts_own_facts() -> None:
    first, last = Desk().write(alert(), alert(status="resolved"))
    assert (first.status, first.origin, first.generator) == ("firing", "generated", "generator:3")
    assert first.text.startswith("Negative talk of Larkmoor has been surging since 12:00 UTC")
    assert first.evidence == ["m-1", "m-2"]
    assert (last.status, last.fingerprint) == ("resolved", first.fingerprint)
    assert last.id != first.id


def test_a_subject_that_rings_louder_has_no_second_brief() -> None:
    briefs = Desk().write(alert(), alert(level="orange"), alert(level="red"), alert(level="red", status="resolved"))
    assert [brief.status for brief in briefs] == ["firing", "resolved"]


def test_a_replay_of_history_and_what_is_no_alert_are_told_by_nobody() -> None:
    desk = Desk()
    assert desk.write(alert(past=True), None) == []
    assert not desk.drafting.asked


def test_what_waited_for_too_long_is_told_by_the_template() -> None:
    desk = Desk()
    (brief,) = desk.write(late=[alert()])
    assert (brief.origin, brief.generator) == ("template", "")
    assert not desk.drafting.asked


def test_what_the_alert_does_not_say_is_not_told() -> None:
    desk = Desk(Drafting("Larkmoor has lost 4,000 customers since yesterday."))
    (brief,) = desk.write(alert())
    assert brief.origin == "template"
    assert "4,000" not in brief.text
    assert desk.briefs.claims


def test_thin_evidence_is_a_sentence_of_the_template_and_the_generator_is_not_asked() -> None:
    desk = Desk()
    (brief,) = desk.write(make_alert())
    assert brief.origin == "template"
    assert brief.text.count(".") <= 3
    assert not desk.drafting.asked


def test_what_was_told_before_a_restart_is_not_told_again() -> None:
    told = Desk().write(alert())
    assert Desk(known=told).write(alert(), alert(level="red")) == []


def test_briefs_that_cannot_be_read_cost_a_repeat_with_the_same_id_and_no_worker() -> None:
    def fail(_: int) -> list[Brief]:
        raise RecoveryError("not read")

    (told,) = Desk().write(alert())
    briefing = Briefing(SETTINGS, DOMAIN, Drafting(), fail)  # type: ignore[arg-type]
    assert [brief.id for brief in briefing.write([], [rung(alert())]).briefs] == [told.id]


def test_an_alert_that_nobody_can_tell_of_keeps_no_other_from_being_told() -> None:
    wrong = alert(subject="entity/quay ferries", labels={"subject": "no such/subject/at/all"})
    assert [brief.subject for brief in Desk().write(wrong, alert())] == ["entity/larkmoor"]


def test_what_is_no_brief_is_left_out() -> None:
    assert decoded([None, b"{}", b"\xff"]) == []
