"""The rules that ship: valid, tried in both directions, and with something to read for whoever is woken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.prometheus import FOLDER, RULES, promtool, rules, selectors

from streams.contract.settings import KafkaSettings
from streams.worker.publisher import LONGEST_PAUSE_SECONDS

ROOT = Path(__file__).parents[2]
CASES = sorted((FOLDER / "tests").glob("*.yml"))
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
RUNBOOK = "https://github.com/tocsin/tocsin/blob/main/docs/runbook.md"


def test_prometheus_takes_the_configuration_and_every_rule() -> None:
    checked = promtool("check", "config", FOLDER / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES)} rule files found" in checked.stdout


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(path: Path) -> None:
    tested = promtool("test", "rules", path)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def told_cases() -> list[dict[str, Any]]:
    return [
        case
        for path in CASES
        for group in yaml.safe_load(path.read_text())["tests"]
        for case in group.get("alert_rule_test", [])
    ]


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tried_firing_and_silent(alert: str) -> None:
    cases = [case for case in told_cases() if case["alertname"] == alert]
    assert any(case["exp_alerts"] for case in cases)
    assert any(not case["exp_alerts"] for case in cases)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_says_what_to_do(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"].endswith((".", "{{ end }}."))
    assert rule["annotations"]["runbook_url"] == f"{RUNBOOK}#{alert.lower()}"
    # Alertmanager takes what has a subject for a surge, and tells the desk rather than the operators.
    assert "subject" not in rule["labels"]


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert {section.split("\n", 1)[0] for section in sections} == set(ALERTS)
    for section in sections:
        assert all(word in section for word in ("- **Means**:", "- **Look**:", "- **Do**:")), section.split("\n", 1)[0]


def test_a_line_whose_outputs_nobody_takes_makes_more_retries_than_it_takes_to_ring() -> None:
    threshold = float(ALERTS["TocsinPublishRetriesRise"]["expr"].rpartition(">")[2])
    a_minute = 60 / (KafkaSettings().request_timeout_seconds + LONGEST_PAUSE_SECONDS)
    # In half of its attempts something may pass.
    assert a_minute / 2 < threshold < a_minute / 1.5


def test_recorded_series_have_names_of_level_metric_and_operation() -> None:
    for rule in rules():
        if "record" in rule:
            assert re.fullmatch(r"[a-z_]+:tocsin_[a-z_]+:[a-z0-9_]+", rule["record"])


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('sum by (le) (rate(a_bucket{le="1.0", job="x"}[5m]))', ['a_bucket{le="1.0", job="x"}']),
        ("a:b:rate5m > 14.4 * 0.01 and on (job) b offset 5m", ["a:b:rate5m", "b"]),
        ('a{b=~"}{"} unless ignoring(c) absent(d == 1e9)', ['a{b=~"}{"}', "d"]),
        ("changes(a[20m]) == 0\n  and time() - b > 6 * 3600", ["a", "b"]),
        ('label_replace(a, "b", "$1", "c", "(.*)")', ["a"]),
    ],
)
def test_selectors_are_found_in_an_expression(expression: str, found: list[str]) -> None:
    assert list(selectors(expression)) == found
