"""Alerts as they stand, each time that a subject rang once, whatever was told of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from support.alerts import NOON, make_alert
from support.messages import consume_all, produce

from streams.contract.alerts import Verdict
from streams.contract.records import encode
from streams.contract.topics import alerts_topic, verdicts_topic

if TYPE_CHECKING:
    from support.commands import Tocsin

    from streams.contract.alerts import Alert
    from streams.contract.settings import Settings

LATER = NOON + timedelta(hours=3)
YELLOW, RED, OVER = make_alert(), make_alert(level="red", watched=True), make_alert(level="red", status="resolved")
AGAIN = make_alert(starts=LATER, silenced_by=["s-1"])
FRAUD = make_alert("topic/fraud", "orange", starts=NOON + timedelta(hours=1), past=True)


pytestmark = pytest.mark.integration


def ring(settings: Settings, *alerts: Alert) -> None:
    records = [(alert.fingerprint.encode(), encode(alert), []) for alert in alerts]
    produce(settings, alerts_topic(settings.topics), records)


def rows(tocsin: Tocsin, *arguments: str) -> list[dict[str, Any]]:
    listed = tocsin("alerts", "list", "--json", *arguments)
    assert listed.code == 0, listed.err
    return [json.loads(line) for line in listed.out.splitlines()]


def test_the_list_tells_the_last_word_on_each(tocsin: Tocsin, stream_settings: Settings) -> None:
    ring(stream_settings, YELLOW, RED, YELLOW, RED, OVER, AGAIN, FRAUD)
    listed = rows(tocsin)
    assert [row["id"] for row in listed] == [OVER.id, FRAUD.id, AGAIN.id]
    assert listed[0]["status"] == "resolved"
    for_people = tocsin("alerts", "list")
    assert "silenced" in for_people.out
    assert "past" in for_people.out
    assert "3 of 3 alerts shown, 2 firing" in for_people.err
    assert [row["id"] for row in rows(tocsin, "--status", "firing")] == [FRAUD.id, AGAIN.id]
    assert [row["id"] for row in rows(tocsin, "--level", "red")] == [OVER.id]
    assert [row["id"] for row in rows(tocsin, "--subject", "Larkmoor plc")] == [OVER.id, AGAIN.id]
    assert [row["id"] for row in rows(tocsin, "--limit", "1")] == [AGAIN.id]


def test_one_is_shown_with_its_evidence_by_the_id_of_any_of_its_changes(
    tocsin: Tocsin, stream_settings: Settings
) -> None:
    ring(stream_settings, YELLOW, RED, OVER, FRAUD)
    for alert in (YELLOW, RED, OVER):
        shown = tocsin("alerts", "show", alert.id[:10], "--json")
        assert (shown.code, shown.json["id"]) == (0, OVER.id)
    told = tocsin("alerts", "show", YELLOW.id).out
    for part in (
        "Negative talk of larkmoor surges",
        "23 of 31 messages (74%)",
        "4.1 (20%)",
        "wire 75%, social 25%",
        "quay ferries 50%",
        "Larkmoor halts withdrawals, [email] says (wire, m-1, negative 0.97, 3 copies)",
        "encoder:1",
        "12:10 yellow firing, 12:10 red firing, 12:10 red resolved",
    ):
        assert part in told


def test_an_id_that_is_none_or_several_is_refused(tocsin: Tocsin, stream_settings: Settings) -> None:
    ring(stream_settings, YELLOW, FRAUD)
    assert tocsin("alerts", "show", "no-such").code == 3
    several = tocsin("alerts", "false-alarm", "")
    assert several.code == 1
    assert "give more of it" in several.err


def test_a_false_alarm_is_kept_under_the_key_of_its_ringing(tocsin: Tocsin, stream_settings: Settings) -> None:
    ring(stream_settings, YELLOW, RED, OVER, AGAIN)
    judged = tocsin("alerts", "false-alarm", YELLOW.id[:8], "--comment", "a competition", "--by", "ann", "--json")
    assert judged.code == 0, judged.err
    (record,) = consume_all(stream_settings, verdicts_topic(stream_settings.topics), 1)
    verdict = msgspec.json.decode(record.value, type=Verdict)
    assert record.key.decode() == f"{OVER.fingerprint}/2026-03-02T12:00:00+00:00"
    assert (verdict.fingerprint, verdict.startsAt) == (OVER.fingerprint, OVER.startsAt)
    assert (verdict.subject, verdict.by, verdict.comment) == ("entity/larkmoor", "ann", "a competition")
    assert ["verdict" in row for row in rows(tocsin)] == [True, False]
    assert "false alarm" in tocsin("alerts", "list").out
    assert "false alarm, says ann a competition" in tocsin("alerts", "show", YELLOW.id).out
