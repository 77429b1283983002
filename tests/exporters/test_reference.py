"""The page of metrics has every metric that any process shows."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

import exporters
from exporters.metrics import WorkerMetrics
from exporters.reference import PARTS, metrics_markdown, metrics_of

RULES = Path(exporters.__file__).parent / "prometheus/rules"


def test_no_class_of_metrics_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by its name, so that a new module cannot be forgotten."""
    made: list[str] = []
    for info in pkgutil.iter_modules(exporters.__path__, "exporters."):
        module = importlib.import_module(info.name)
        for name, found in inspect.getmembers(module, inspect.isclass):
            if name.endswith("Metrics") and found.__module__ == info.name:
                made.append(name)
                first = next(iter(inspect.signature(found).parameters))
                assert first == "registry", f"{name} takes its registry first"
    page = metrics_markdown()
    for name in made:
        assert any(name == getattr(part.register, "__name__", "") for part in PARTS) or name == "WebhookMetrics", name
    assert len(made) >= 7
    assert "tocsin_webhook_posts_total" in page


def test_each_metric_has_a_meaning_and_stands_once() -> None:
    shown = [metric for part in PARTS for metric in metrics_of(part)]
    names = [metric.name for metric in shown]
    assert len(set(names)) == len(names) > 60
    for metric in shown:
        assert metric.meaning, metric.name
        assert metric.type in {"counter", "gauge", "histogram"}
        assert (metric.type == "counter") == metric.name.endswith("_total")
        if metric.name.removesuffix("_total").endswith(("_seconds", "_bytes")):
            assert metric.unit not in {"", "count"}


def test_labels_are_those_of_the_samples() -> None:
    metrics = WorkerMetrics(CollectorRegistry())
    metrics.show_positions({("news", 0): (3, 10, 7)})
    metrics.messages.labels("news").inc()
    told = {metric.name: metric.labels for part in PARTS for metric in metrics_of(part)}
    samples = {sample.name: tuple(sample.labels) for family in metrics.registry.collect() for sample in family.samples}
    for name in ("tocsin_messages_total", "tocsin_consumer_lag"):
        assert told[name] == samples[name]


@pytest.mark.parametrize("rules", sorted(RULES.glob("*.yml")), ids=lambda path: path.stem)
def test_every_metric_that_a_rule_asks_for_is_on_the_page(rules: Path) -> None:
    known = {metric.name for part in PARTS for metric in metrics_of(part)}
    known |= {f"{name}_{part}" for name in known for part in ("bucket", "sum", "count")}
    asked = set(re.findall(r"(?<![:\w])tocsin_\w+", rules.read_text()))
    assert asked - known == set()
