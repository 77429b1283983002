"""The second act of ``tocsin demo``: labels of a new topic, a better model, a swap in the running worker."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from support import toy_bert
from support.processes import run_tocsin
from support.toy_domain import write_domain

from streams.cli.demonstration.lesson import load_lesson
from streams.cli.demonstration.teaching import Answer, LessonSummary, print_lesson
from streams.contract.domain import Domain, DomainError, load_domain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def write_lesson(folder: Path, texts: Sequence[str], topic: str = "rumours") -> Domain:
    (folder / "lesson").mkdir()
    lines = ["topic\tsentiment\tintent\ttext", *(f"{topic}\tneutral\t-\t{text}" for text in texts)]
    (folder / "lesson" / "news.tsv").write_text("\n".join(lines) + "\n")
    return load_domain(str(folder))


def test_a_lesson_is_half_of_today_by_lot_and_half_of_long_ago(tmp_path: Path) -> None:
    lesson = load_lesson(write_lesson(write_domain(tmp_path / "toy"), [f"lone {word}" for word in "abcdef"]), NOW)
    assert lesson is not None
    assert lesson.topic == "rumours"
    assert [label.reason for label in lesson.labels] == ["random", "uncertain"] * 3
    ages = [(NOW - label.message_time).days for label in lesson.labels if label.message_time]
    assert ages == [0, 60] * 3
    assert lesson.probes == ["lone a", "lone c", "lone e"]
    assert len({label.message_id for label in lesson.labels}) == 6


def test_a_domain_without_a_lesson_has_none(tmp_path: Path) -> None:
    assert load_lesson(load_domain(str(write_domain(tmp_path / "toy"))), NOW) is None


def test_a_lesson_that_teaches_nothing_new_is_refused(tmp_path: Path) -> None:
    domain = write_lesson(write_domain(tmp_path / "toy"), ["lone a"], topic="deals")
    with pytest.raises(DomainError, match="must teach one topic"):
        load_lesson(domain, NOW)


def test_the_lesson_that_ships_teaches_one_topic_and_enough_of_it_is_tested() -> None:
    lesson = load_lesson(load_domain("finance"), NOW)
    assert lesson is not None
    assert lesson.topic == "climate"
    # Below thirty different ones the gate does not judge.
    assert sum(label.reason == "random" for label in lesson.labels) >= 36


def test_what_came_of_it_is_told() -> None:
    console = Console(file=StringIO(), width=120)
    told = LessonSummary(
        topic="climate",
        labels=84,
        outcome="promoted",
        reasons=["On the newest messages it is better."],
        before="encoder:1",
        after="encoder:2",
        training_seconds=61.0,
        swap_seconds=0.8,
        answers=[Answer("Floods [close] a port", ["markets"], ["climate"])],
    )
    print_lesson(console, told)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "84 labels of a topic without a name, climate" in shown
    assert "encoder:1 to encoder:2 in 0.8 s" in shown
    assert "Floods [close] a port" in shown


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_the_model_is_taught_and_the_running_worker_swaps(tmp_path: Path, clean_environment: None) -> None:
    draw = random.Random(3)
    folder = write_domain(tmp_path / "toy")
    write_lesson(folder, [f"lone lone cola {' '.join(draw.sample('abcdefghijklmnopqrstvwxyz', 8))}" for _ in range(90)])
    sample = [
        {"id": str(n), "text": f"acme profit wins {n}", "source": "news", "time": f"2026-03-02T08:00:{n:02}Z"}
        for n in range(20)
    ]
    (folder / "sample.jsonl").write_text("".join(json.dumps(message) + "\n" for message in sample))
    base = tmp_path / "base"
    base.mkdir()
    toy_bert.write(base)
    variables = {
        "TOCSIN_DOMAIN": str(folder),
        "TOCSIN_MODEL__BASE": str(base),
        "TOCSIN_MODEL__MAX_TOKENS": "16",
        "TOCSIN_MODEL__REGISTRY": str(tmp_path / "registry"),
        "TOCSIN_MODEL__CACHE": str(tmp_path / "cache"),
    }
    with run_tocsin(["demo", "--seconds", "2", "--json"], variables) as process:
        assert process.wait(250.0) == 0, process.stderr
        lesson = json.loads(process.stdout)["lesson"]
    assert (lesson["outcome"], lesson["before"], lesson["after"]) == ("promoted", "encoder:1", "encoder:2"), lesson
    assert all("rumours" not in answer["before"] for answer in lesson["answers"])
    assert any(answer["after"] == ["rumours"] for answer in lesson["answers"])
    # What was taught on the stage stays there.
    assert sorted(path.name for path in (tmp_path / "registry" / "encoder").iterdir() if path.name.isdigit()) == ["1"]
