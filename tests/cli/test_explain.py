"""What would be done about customers' messages is told without a broker, and the reasons are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from support import toy_model
from support.commands import Tocsin
from support.toy_domain import write_domain

from models.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

_RULES = """
[replies]
alone = ["earnings"]
person = ["complaint"]

[replies.words.en]
thanks = ["thanks"]
courtesy = ["hi"]
person = ["real person"]
"""
_ANSWERS = """---
topics: earnings
---

## why acme profit wins in paris?
intent: question

Since it wins.

## why merger why?
intent: question; topics: deals

Since it said so.
"""
# Asked, action, reason.
_SAID = [
    ("why acme profit wins in paris", "send", "answered"),
    ("why merger why", "review", "topic_not_allowed"),
    ("broken profit broken", "handoff", "topic_not_allowed"),
    ("Thanks!", "handoff", "not_a_question"),
    ("I want a real person, ring me on +44 20 7946 0123", "handoff", "asks_for_person"),
]


@pytest.fixture
def tocsin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, clean_environment: None
) -> Tocsin:
    domain = write_domain(tmp_path / "domain", examples=5)
    with (domain / "domain.toml").open("a", encoding="utf-8") as rules:
        rules.write(_RULES)
    (domain / "answers").mkdir()
    (domain / "answers" / "all.md").write_text(_ANSWERS, encoding="utf-8")
    registry = Registry(str(tmp_path / "registry"))
    registry.register(toy_model.write_files(tmp_path / "toy"), "encoder", **toy_model.facts())
    registry.set_alias("encoder", "champion", 1)
    monkeypatch.setenv("TOCSIN_DOMAIN", str(domain))
    monkeypatch.setenv("TOCSIN_MODEL__REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("TOCSIN_MODEL__CACHE", str(tmp_path / "cache"))
    # Words weigh little where there are but two answers.
    monkeypatch.setenv("TOCSIN_REPLIES__SEND_SCORE", "0.4")
    return Tocsin(monkeypatch, capsys)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "said.txt"
    path.write_text("\n".join(asked for asked, _, _ in _SAID) + "\n\n", encoding="utf-8")
    return path


def test_each_message_is_told_with_its_action_and_reason(tocsin: Tocsin, file: Path) -> None:
    outcome = tocsin("replies", "explain", file, "--json")
    assert outcome.code == 0, outcome.err
    told = [msgspec.json.decode(line) for line in outcome.out.splitlines()]
    assert [(one["action"], one["reason"]) for one in told] == [(action, reason) for _, action, reason in _SAID]
    assert told[0]["text"] == "Since it wins."
    assert told[0]["score"] >= 0.4
    assert told[0]["intent"] == "question"
    assert "7946" not in outcome.out


def test_the_reasons_are_counted_over_all_whatever_is_shown(tocsin: Tocsin, file: Path) -> None:
    outcome = tocsin("replies", "explain", file, "--action", "send")
    assert "why acme profit" in outcome.out
    assert "broken" not in outcome.out
    assert outcome.out.count("20.0%") == 5
    assert "An approved answer scores" in outcome.out
    assert "why acme" not in tocsin("replies", "explain", file, "--limit", "0").out


def test_other_answers_may_be_tried(tocsin: Tocsin, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("question,text,intent,topics\nwhy merger why,No.,complaint,earnings\n", encoding="utf-8")
    outcome = tocsin("replies", "explain", file, "--answers", other, "--json", "--action", "send")
    assert outcome.out == ""


def test_without_a_file_the_customers_of_the_seed_are_asked(tocsin: Tocsin) -> None:
    assert len(tocsin("replies", "explain", "--json").out.splitlines()) == 5


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["nowhere.txt"], 1, "nowhere.txt"),
        (["said.txt", "--answers", "nowhere"], 1, "no such file or folder"),
        (["said.txt", "--stored", "--answers", "x.csv"], 2, "the one or the other"),
        (["empty.txt"], 3, "no message is in it"),
        (["said.pdf"], 1, "--format"),
    ],
)
def test_what_cannot_be_done_says_why(
    tocsin: Tocsin,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").touch()
    outcome = tocsin("replies", "explain", *given)
    assert outcome.code == code
    assert said in outcome.err
