"""Alerts in ``tocsin demo``: counted, drawn, told in lines and in the summary; and that the sample's outage rings."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.console import Console
from support.alerts import make_alert
from support.surge import WINDOW, Feed, make_desk

from streams.cli.demonstration.display import plain_lines
from streams.cli.demonstration.screen import Screen
from streams.cli.demonstration.stage import surge_settings
from streams.cli.demonstration.summary import print_summary, summarise
from streams.cli.demonstration.tally import Tally
from streams.contract.alerts import Alert
from streams.contract.domain import Entities, load_domain
from streams.contract.records import Message
from streams.contract.settings import TopicsSettings
from streams.contract.subjects import EntityNames, parse_subject

if TYPE_CHECKING:
    from streams.contract.alerts import Level, Status
    from streams.contract.records import Sentiment

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
BEGAN = START + timedelta(hours=1, minutes=44)


def _tally() -> Tally:
    return Tally(0, EntityNames(Entities()))


def _alert(
    subject: str = "entity/acme", status: Status = "firing", level: Level = "yellow", *, observed: int = 21
) -> Alert:
    over = status == "resolved"
    counted = f"{observed} negative messages in 18 min, 1.6 expected"
    alert = make_alert(
        subject,
        level,
        status,
        starts=BEGAN,
        time=BEGAN + timedelta(minutes=30 if over else 18),
        annotations={"summary": f"{parse_subject(subject)}: {'over; it was ' if over else ''}{counted}"},
    )
    told = msgspec.structs.replace(alert.evidence.messages[0], source="social", text="ACME IS\x1b[2J DOWN")
    evidence = msgspec.structs.replace(
        alert.evidence, observed=observed, volume=observed + 7, expected=1.6, messages=[told]
    )
    return msgspec.structs.replace(alert, evidence=evidence)


def _rang() -> Tally:
    tally = _tally()
    for alert in (
        _alert("topic/fraud", "resolved", observed=30),
        _alert("entity/acme", observed=21),
        _alert("entity/acme/topic/fraud", "resolved", observed=8),
        _alert("topic/service", observed=12),
    ):
        tally.ring(alert)
    return tally


def _drawn(tally: Tally, width: int, height: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    console.print(Screen("Tocsin", tally, "metrics"), height=height)
    return console.export_text()


def test_an_alert_counts_once_as_it_stands_and_leaves_the_account_alone() -> None:
    tally = _tally()
    alerts = [_alert(), _alert(level="orange"), _alert("topic/fraud"), _alert(status="resolved", level="orange")]
    for alert in [*alerts, alerts[0]]:
        tally.ring(alert)
    assert tally.changes == alerts
    assert [(alert.status, alert.level) for alert in tally.alerts.values()] == [
        ("resolved", "orange"),
        ("firing", "yellow"),
    ]
    assert tally.duplicates == 0
    assert tally.reconciles


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (140, 45)])
def test_the_screen_shows_what_rings_first(width: int, height: int) -> None:
    lines = _drawn(_rang(), width, height).splitlines()
    assert not any("Alerts" in line for line in _drawn(_tally(), width, height).splitlines())
    at = next(number for number, line in enumerate(lines) if "Alerts: 2 firing, 2 over" in line)
    assert "yellow  firing  acme " in lines[at + 1]
    assert "21 of 28, 1.6 expected" in lines[at + 1]
    assert "yellow  firing  topic service " in lines[at + 2]
    assert "yellow  over    topic fraud " in lines[at + 3]
    assert ("acme in fraud" in lines[at + 4]) is (height >= 34)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12), (40, 20), (20, 5), (200, 60)])
def test_the_screen_fits_any_terminal_when_it_rings(size: tuple[int, int]) -> None:
    width, height = size
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True)
    lines = console.render_lines(Screen("Tocsin", _rang(), "metrics"), console.options.update(height=height))
    assert len(lines) == height
    assert {sum(segment.cell_length for segment in line) for line in lines} == {width}


def test_a_level_has_its_colour_on_the_screen() -> None:
    tally = _tally()
    tally.ring(_alert(level="red"))
    console = Console(file=io.StringIO(), width=100, height=30, force_terminal=True)
    segments = list(console.render(Screen("Tocsin", tally, "metrics"), console.options.update(height=30)))
    assert {str(segment.style) for segment in segments if segment.text == "red"} == {"bold red"}


def test_plain_lines_tell_each_change_of_an_alert_once_and_when_it_comes() -> None:
    tally = _tally()
    console = Console(file=io.StringIO(), width=60, record=True)
    with plain_lines(console, tally) as turn:
        turn()
        tally.ring(_alert())
        turn()
        turn()
        assert console.export_text().splitlines() == [
            "10:02  yellow firing  acme: 21 negative messages in 18 min, 1.6 expected"
        ]
        tally.ring(_alert(status="resolved"))
        turn()
    told = console.export_text().splitlines()
    assert told[0] == "10:14  yellow resolved  acme: over; it was 21 negative messages in 18 min, 1.6 expected"
    assert "1 rang" in told[1]


def test_the_summary_tells_what_rang() -> None:
    tally = _rang()
    summary = summarise(tally, seconds=1.0, interrupted=False)
    assert summary.reconciles
    assert [(alert.subject, alert.status, alert.observed) for alert in summary.alerts] == [
        ("topic/fraud", "resolved", 30),
        ("entity/acme", "firing", 21),
        ("entity/acme/topic/fraud", "resolved", 8),
        ("topic/service", "firing", 12),
    ]
    assert json.loads(msgspec.json.encode(summary))["alerts"][1] == {
        "subject": "entity/acme",
        "level": "yellow",
        "status": "firing",
        "began": "2026-03-02T09:44:00Z",
        "observed": 21,
        "expected": 1.6,
        "summary": "acme: 21 negative messages in 18 min, 1.6 expected",
    }
    console = Console(file=io.StringIO(), width=100, record=True)
    print_summary(console, summary, tally)
    told = console.export_text()
    assert "2 firing, 2 over" in told
    assert "09:44\u201310:14  yellow  topic fraud: over; it was 30 negative messages in 18 min, 1.6 expected" in told
    assert "09:44\u2013       yellow  acme: 21 negative messages in 18 min, 1.6 expected" in told
    assert "\u201cACME IS\ufffd[2J DOWN\u201d social" in told
    assert "This desk is easily alarmed" in told


def test_the_summary_of_a_quiet_stream_excuses_nothing() -> None:
    tally = _tally()
    console = Console(file=io.StringIO(), width=100, record=True)
    print_summary(console, summarise(tally, seconds=1.0, interrupted=False), tally)
    told = console.export_text()
    assert "alerts        0" in told
    assert "easily alarmed" not in told


def test_the_stages_detector_rings_for_the_outage_of_the_sample_and_falls_silent_after_it() -> None:
    """On what a model might read: making the demo's takes minutes.

    As a rule every other message is negative; of those on the bank in its outage five of six. The usual settings do not
    ring on that.
    """
    desk = make_desk(surge_settings(), partitions=TopicsSettings().partitions)
    feed = Feed(desk)
    begins, ends = START + timedelta(hours=1, minutes=49), START + timedelta(hours=2, minutes=10)
    told = []
    for number, line in enumerate(load_domain("finance").sample_file.read_bytes().splitlines()):
        message = msgspec.json.decode(line, type=Message)
        is_larkmoor = re.search("larkmoor|lrkm", message.text, re.IGNORECASE) is not None
        is_negative = number % (6 if is_larkmoor and begins <= message.time < ends else 2) > 0
        sentiment: Sentiment = "negative" if is_negative else "neutral"
        window = message.time.timestamp() / WINDOW
        subjects = ["topic/all", *(["entity/larkmoor"] if is_larkmoor else [])]
        feed.put([feed.signal(window, sentiment, subject) for subject in subjects])
        reached = message.time.timestamp() - surge_settings().allowed_lateness_seconds
        told += [record for record in desk.advance(reached, reached) if isinstance(record, Alert)]
    rang = [alert for alert in told if alert.labels["subject"] == "entity/larkmoor"]
    assert [alert.status for alert in rang] == ["firing"] * (len(rang) - 1) + ["resolved"]
    assert begins < rang[0].time < ends < rang[-1].time
