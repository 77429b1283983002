"""Customers in ``tocsin demo``: answers that ship, times of today, and what is told of replies and briefs."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from streams.cli.demonstration.customers import _summary, load_answers, print_customers
from streams.cli.demonstration.story import load_story
from streams.cli.watching import as_line
from streams.contract.domain import load_domain
from streams.contract.records import encode
from streams.contract.replies import Brief, Reply, ReplyAction
from streams.contract.settings import TopicsSettings

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 29, 10, 40, 17, tzinfo=UTC)


def reply(number: int, action: ReplyAction, confidence: float = 0.5, **changes: Any) -> Reply:  # noqa: ANN401
    fields: dict[str, Any] = {
        "id": f"reply-{number}",
        "conversation": f"talk {number}",
        "message_id": f"m-{number}",
        "action": action,
        "text": "" if action == "handoff" else "We wrote to ann.lee@mail.example.\x1b[2J",
        "reason": "answered" if action == "send" else "legal",
        "detail": "The message speaks of a lawyer.",
        "confidence": confidence,
        "evidence": [],
        "time": NOW,
        "question": f"Question {number}?",
    }
    return Reply(**fields | changes)


BRIEF = Brief(
    id="brief-1",
    fingerprint="f",
    alert_id="a",
    subject="entity/larkmoor",
    status="firing",
    text="Negative talk of Larkmoor has been surging.",
    origin="template",
    evidence=[],
    time=NOW,
)


def test_the_answers_that_ship_are_read(tmp_path: Path) -> None:
    documents = load_answers(load_domain("finance"), NOW)
    assert len(documents) > 50
    assert len({document.id for document in documents}) == len(documents)
    (tmp_path / "domain.toml").write_text(
        'name = "own"\ntitle = "Own"\ntopics = [{name = "a", title = "A"}, {name = "b", title = "B"}]\n'
    )
    assert load_answers(load_domain(str(tmp_path)), NOW) == []


def test_the_story_is_of_today_and_otherwise_the_same() -> None:
    domain, topics = load_domain("finance"), TopicsSettings().inputs
    old, new = load_story(domain, topics, 45.0), load_story(domain, topics, 45.0, until=NOW)
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if not a.item.malformed]
    shifts = {b.item.time - a.item.time for a, b in pairs if a.item.time and b.item.time}
    (shift,) = shifts
    assert shift % timedelta(hours=1) == timedelta()
    latest = max(datetime.fromisoformat(json.loads(b.item.value)["time"]) for _, b in pairs)
    assert NOW - timedelta(hours=1) < latest <= NOW
    for a, b in pairs:
        before, after = json.loads(a.item.value), json.loads(b.item.value)
        assert (a.due, a.topic, a.item.key) == (b.due, b.topic, b.item.key)
        assert before | {"time": None} == after | {"time": None}


def test_each_message_must_have_one_reply() -> None:
    told = [reply(1, "send", 0.6), reply(2, "send", 0.9), reply(3, "handoff")]
    summary = _summary(told, [BRIEF], 3)
    assert summary.reconciles
    assert summary.actions == {"send": 2, "review": 0, "handoff": 1}
    assert summary.reasons == {"legal": 1}
    assert [example.id for example in summary.examples] == ["reply-2", "reply-3"]
    assert not _summary(told, [], 4).reconciles
    assert not _summary([*told, reply(4, "send", message_id="m-1")], [], 4).reconciles


def test_what_is_printed_is_masked_and_cannot_act_on_the_terminal() -> None:
    file = io.StringIO()
    print_customers(Console(file=file, width=100), _summary([reply(1, "send"), reply(2, "handoff")], [BRIEF], 2))
    shown = file.getvalue()
    assert "1 send, 0 review, 1 handoff" in shown
    assert "We wrote to [email]." in shown
    assert "The message speaks of a lawyer." in shown
    assert "Negative talk of Larkmoor has been surging." in shown
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (reply(1, "send"), ["send (answered)", "Question 1?", "We wrote to [email]."]),
        (reply(2, "handoff"), ["handoff (legal)", "Question 2?", "The message speaks of a lawyer."]),
        (BRIEF, ["firing", "entity/larkmoor", "Negative talk of Larkmoor has been surging."]),
    ],
)
def test_watch_tells_each_in_a_line(record: Reply | Brief, told: list[str]) -> None:
    raw = SimpleNamespace(topic="t", partition=0, offset=0, timestamp=0, value=encode(record))
    line = as_line(raw, type(record)).plain
    assert [part for part in told if part not in line] == []
    assert "ann.lee" not in line
    assert "\n" not in line
