"""Every metric that Tocsin shows, as a page: collected from the classes that count, with nothing started."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry

from exporters.lag import Measurement
from exporters.lag_metrics import LagCollector
from exporters.metrics import WorkerMetrics
from exporters.onlooker_metrics import OnlookerMetrics
from exporters.recommend_metrics import RecommendMetrics
from exporters.reply_metrics import ReplyMetrics, WebhookMetrics
from exporters.retrain_metrics import RetrainMetrics
from exporters.swap_metrics import SwapMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OURS = "tocsin_"
_HEAD = """# Metrics

What each process shows to Prometheus on `/metrics`. Counters are shown from the start at zero wherever their labels are
known, so that `increase()` sees the first event. Labels take few values: an input topic, a reason, a partition, a model
version; never a name out of a message. Worker and retraining schedule also show `process_*` and `python_*` of the
Prometheus client: memory, processor time, open files, garbage collection.

A histogram `x` is three series: `x_bucket` with the label `le`, `x_sum` and `x_count`. The alerts and recording rules
over these metrics are in `exporters/prometheus/rules`, and what to do when one fires in [runbook.md](runbook.md).

This page is made by `tocsin schema --write docs`.
"""
_UNITS = {
    "_timestamp_seconds": "Unix time, s",
    "_watermark_seconds": "Unix time, s",
    "_seconds": "s",
    "_bytes": "bytes",
    "_messages": "messages",
    "_offset": "offset",
    "_info": "1",
}


class Shown(NamedTuple):
    """One metric as Prometheus sees it."""

    name: str
    type: str
    labels: tuple[str, ...]
    unit: str
    meaning: str


class _Part(NamedTuple):
    """A group of metrics: whose they are, and how they are registered."""

    title: str
    process: str
    register: Callable[[CollectorRegistry], object]


def _lag(registry: CollectorRegistry) -> None:
    registry.register(LagCollector(lambda: Measurement({}, {}, [], {})))


PARTS = (
    _Part("Reading and the bell", "`tocsin worker`, port `metrics.port` (9464)", WorkerMetrics),
    _Part("Label requests and drift", "`tocsin worker`", OnlookerMetrics),
    _Part("Model versions", "`tocsin worker`", SwapMetrics),
    _Part("Replies and briefs", "`tocsin worker`, where `replies.enabled` or `briefs.enabled`", ReplyMetrics),
    _Part("Recommendations", "`tocsin worker`, where `recommend.enabled`", RecommendMetrics),
    _Part(
        "The connector",
        "`tocsin replies connector`, port `connector.port` (9467)",
        lambda registry: WebhookMetrics(registry, ()),
    ),
    _Part("Consumer lag", "`tocsin exporter`, port `exporter.port` (9465)", _lag),
    _Part("Retraining", "`tocsin retrain schedule`, port `retrain.port` (9466)", RetrainMetrics),
)
"""In the order of the page; a test sees to it that no class of metrics is missing."""


def metrics_of(part: _Part) -> list[Shown]:
    """Tocsin's own metrics of a part, in the order in which they are registered."""
    registry = CollectorRegistry()
    part.register(registry)
    return list(_shown(registry))


def metrics_markdown() -> str:
    """The reference as a Markdown page."""
    lines = [_HEAD]
    for part in PARTS:
        lines += [f"## {part.title}", "", f"Of {part.process}.", ""]
        lines += ["| metric | type | labels | unit | meaning |", "| --- | --- | --- | --- | --- |"]
        for metric in metrics_of(part):
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            cells = (f"`{metric.name}`", metric.type, labels, metric.unit, metric.meaning)
            lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
        lines.append("")
    return "\n".join(lines)


def _shown(registry: CollectorRegistry) -> Iterator[Shown]:
    for collector in registry._collector_to_names:  # noqa: SLF001  no public way to list collectors
        # What prometheus_client makes itself knows its labels; of a collector of ours, each family does.
        described = getattr(collector, "describe", collector.collect)()
        families = list(described) or list(collector.collect())
        for family in families:
            if family.name.startswith(_OURS):
                labels: tuple[str, ...] = getattr(collector, "_labelnames", ()) or getattr(family, "_labelnames", ())
                name = f"{family.name}_total" if family.type == "counter" else family.name
                yield Shown(name, family.type, tuple(labels), _unit(name, family.type), family.documentation)


def _unit(name: str, type_: str) -> str:
    stem = name.removesuffix("_total")
    for ending, unit in _UNITS.items():
        if stem.endswith(ending):
            return unit
    return "count" if type_ == "counter" else ""
