"""Metrics of what looks at the stream from aside: label requests and drift."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, get_args

from prometheus_client import Counter, Gauge

from streams.contract.labels import RequestReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client import CollectorRegistry

    from streams.contract.records import SourceKind


class MeasureShown(NamedTuple):
    """One measure of one comparison."""

    measure: str
    effect: float
    p_value: float
    is_drift: bool


class OnlookerMetrics:
    """What one worker asks labels for, and how far its stream is from what its model was made from.

    Args:
        registry: The worker's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "tocsin_label_requests_total", "Labels asked for, by reason.", ["reason"], registry=registry
        )
        for reason in get_args(RequestReason):
            self.requests.labels(reason)
        self.failures = Counter(
            "tocsin_onlooker_failures_total",
            "Looks at the stream, label requests and the like that failed; the stream went on.",
            registry=registry,
        )
        self.seconds = Counter(
            "tocsin_onlooker_seconds_total",
            "Time spent beside the stream on embeddings, label requests and comparisons.",
            registry=registry,
        )
        self.sample = Gauge(
            "tocsin_drift_sample_messages", "Messages in hand for the next comparison.", ["kind"], registry=registry
        )
        self.comparisons = Counter(
            "tocsin_drift_comparisons_total", "Comparisons with the training reference.", ["kind"], registry=registry
        )
        self.compared = Gauge(
            "tocsin_drift_last_comparison_timestamp_seconds",
            "When the stream was last compared, since the epoch; 0 before the first.",
            ["kind"],
            registry=registry,
        )
        names = ["kind", "measure"]
        self.effect = Gauge(
            "tocsin_drift_effect",
            "How far the stream is from the training reference: Kolmogorov's distance or total variation, 0 to 1.",
            names,
            registry=registry,
        )
        self.p_value = Gauge(
            "tocsin_drift_p_value", "Probability of so large a difference by chance.", names, registry=registry
        )
        self.drifted = Gauge(
            "tocsin_drift_found", "1 where the last comparison found drift, else 0.", names, registry=registry
        )

    def begin(self, measures: Mapping[SourceKind, Iterable[str]]) -> None:
        """Another version serves: nothing is compared with its reference yet.

        Args:
            measures: What will be compared, by kind of message. No drift is shown of it from the start, so that a
                change is seen; effect and p-value are not numbers yet.
        """
        for gauge in (self.sample, self.compared, self.effect, self.p_value, self.drifted):
            gauge.clear()
        for kind, names in measures.items():
            self.comparisons.labels(kind)
            self.compared.labels(kind)
            self.forget(kind, names)

    def forget(self, kind: SourceKind, measures: Iterable[str]) -> None:
        """Show of a kind what is shown before a comparison; when the last one was is shown on.

        Args:
            kind: Of message.
            measures: What is compared of it.
        """
        self.sample.labels(kind).set(0)
        for name in measures:
            self.drifted.labels(kind, name).set(0)
            self.effect.labels(kind, name).set(math.nan)
            self.p_value.labels(kind, name).set(math.nan)

    def show_comparison(self, kind: str, measures: Iterable[MeasureShown]) -> None:
        """Show what a comparison found."""
        self.comparisons.labels(kind).inc()
        self.compared.labels(kind).set_to_current_time()
        for shown in measures:
            self.effect.labels(kind, shown.measure).set(shown.effect)
            self.p_value.labels(kind, shown.measure).set(shown.p_value)
            self.drifted.labels(kind, shown.measure).set(shown.is_drift)
