"""Tocsin's own metrics, in Prometheus's base units and naming rules.

Labels take few values: an input topic, a reason, a partition, a model version; never a name out of a message.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from streams.contract.subjects import SubjectKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client import Metric

    Positions = Mapping[tuple[str, int], tuple[int | None, int | None, int]]
    Desks = Mapping[int, tuple[float | None, int]]

# Nobody asks when a counter was made, and it doubles the series.
disable_created_metrics()  # type: ignore[no-untyped-call]

_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_INFERENCE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_NO_INPUT = "(others)"
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class WorkerMetrics:
    """What one worker process counts and measures."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.messages = Counter(
            "tocsin_messages_total",
            "Input messages finished: their outputs are acknowledged by the broker.",
            ["source"],
            registry=self.registry,
        )
        self.dead_letters = Counter(
            "tocsin_dead_letters_total", "Messages given up, by reason.", ["reason"], registry=self.registry
        )
        self.retries = Counter(
            "tocsin_retries_total",
            "Attempts that failed and were made again, by stage; one to publish lasts kafka.request_timeout_seconds.",
            ["stage"],
            registry=self.registry,
        )
        self.inference = Histogram(
            "tocsin_inference_seconds",
            "Time that the model took for one batch, tokenising and decoding included.",
            buckets=_INFERENCE_BUCKETS,
            registry=self.registry,
        )
        self.batch_size = Histogram(
            "tocsin_batch_size", "Messages in one batch.", buckets=_BATCH_BUCKETS, registry=self.registry
        )
        self.end_to_end = Histogram(
            "tocsin_end_to_end_seconds",
            "From a message's Kafka timestamp to the broker's acknowledgement of its output.",
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "tocsin_in_flight_messages", "Messages read and not yet acknowledged.", registry=self.registry
        )
        self.model_info = Gauge(
            "tocsin_model_info",
            "1 for the model version that answers.",
            ["name", "version", "precision"],
            registry=self.registry,
        )
        self.signals = Counter(
            "tocsin_signals_total", "Signals published, by kind of subject.", ["kind"], registry=self.registry
        )
        for kind in get_args(SubjectKind):
            self.signals.labels(kind)
        self.late_signals = Counter(
            "tocsin_late_signals_total",
            "Signals whose window was over when they came, by input topic.",
            ["input"],
            registry=self.registry,
        )
        self._inputs: frozenset[str] = frozenset()
        self.duplicate_signals = Counter(
            "tocsin_surge_duplicates_total",
            "Syndicated copies, and signals that came again: told, not counted.",
            registry=self.registry,
        )
        self.crowded_signals = Counter(
            "tocsin_surge_crowded_total",
            "Signals of new subjects that were not counted, since there were as many as surge.max_subjects.",
            registry=self.registry,
        )
        self.unreadable_signals = Counter(
            "tocsin_unreadable_signals_total",
            "Records of the signals topic that Tocsin did not write.",
            registry=self.registry,
        )
        self.surge_state_bytes = Counter(
            "tocsin_surge_state_bytes_total", "Written to the state topic by checkpoints.", registry=self.registry
        )
        self.alerts = Counter(
            "tocsin_alerts_total",
            "Changes of alerts published: begun, grown stronger, over.",
            ["kind", "level", "status"],
            registry=self.registry,
        )
        self.alertmanager_pushes = Counter(
            "tocsin_alertmanager_pushes_total",
            "Requests to Alertmanager, and alerts that were not taken, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.alertmanager_last_success = Gauge(
            "tocsin_alertmanager_last_success_timestamp_seconds",
            "When Alertmanager last took alerts, since the epoch; 0 before the first.",
            registry=self.registry,
        )
        self.verdicts = Counter(
            "tocsin_false_alarm_verdicts_total", "Alerts that the desk called false.", registry=self.registry
        )
        self._desks = _DesksCollector()
        self.registry.register(self._desks)
        self._positions = _PositionsCollector()
        self.registry.register(self._positions)

    def prepare(self, sources: Iterable[str], reasons: Iterable[str]) -> None:
        """Show every source and reason from the start at zero, so that a rate over the first event is right."""
        for source in sources:
            self.messages.labels(source)
        for reason in reasons:
            self.dead_letters.labels(reason)

    def prepare_alerts(self, kinds: Iterable[str], levels: Iterable[str], statuses: Iterable[str]) -> None:
        """Show every change that an alert can have from the start at zero: increase() misses what begins at one."""
        for kind, level, status in product(kinds, levels, statuses):
            self.alerts.labels(kind, level, status)

    def prepare_late(self, inputs: Iterable[str]) -> None:
        """Show the late signals of each input topic from the start at zero."""
        self._inputs = frozenset(inputs)
        for topic in self._inputs:
            self.late_signals.labels(topic)

    def count_late(self, topic: str, count: int) -> None:
        """Count late signals. Whoever else writes to the signals topic may name any input: those are one series."""
        self.late_signals.labels(topic if topic in self._inputs else _NO_INPUT).inc(count)

    def prepare_pushes(self, outcomes: Iterable[str]) -> None:
        """Show every outcome of a push from the start at zero."""
        for outcome in outcomes:
            self.alertmanager_pushes.labels(outcome)

    def count_push(self, outcome: str) -> None:
        """Count a push to Alertmanager, and note the time of one that was ``ok``."""
        self.alertmanager_pushes.labels(outcome).inc()
        if outcome == "ok":
            self.alertmanager_last_success.set_to_current_time()

    def show_model(self, name: str, version: int, precision: str) -> None:
        """Say which version answers; the one before is no longer shown."""
        self.model_info.clear()
        self.model_info.labels(name, str(version), precision).set(1)

    def show_desks(self, desks: Desks) -> None:
        """Show the desks of the signals partitions that this worker has, and no others.

        Args:
            desks: Partition to (event time up to which windows are closed, number of subjects).
        """
        self._desks.desks = desks

    def show_positions(self, positions: Positions) -> None:
        """Show where the worker stands in each of its partitions, and in no other.

        Args:
            positions: (topic, partition) to (committed offset, high-water mark, lag); None where not yet known.
        """
        self._positions.positions = positions


class _DesksCollector(Collector):
    """Shows one snapshot at a time, as below."""

    def __init__(self) -> None:
        self.desks: Desks = {}

    def collect(self) -> Iterator[Metric]:
        watermark = GaugeMetricFamily(
            "tocsin_surge_watermark_seconds",
            "Event time up to which windows are closed, since the epoch.",
            labels=["partition"],
        )
        for partition, (closed, _) in self.desks.items():
            if closed is not None:
                watermark.add_metric([str(partition)], closed)
        yield watermark
        yield GaugeMetricFamily(
            "tocsin_surge_subjects",
            "Subjects that this worker keeps.",
            value=sum(subjects for _, subjects in self.desks.values()),
        )


class _PositionsCollector(Collector):
    """Shows one snapshot at a time, so that a scrape never sees half of a rebalance."""

    def __init__(self) -> None:
        self.positions: Positions = {}

    def collect(self) -> Iterator[Metric]:
        positions = self.positions
        labels = ["topic", "partition"]
        committed = GaugeMetricFamily(
            "tocsin_committed_offset", "Next offset to be read after a restart.", labels=labels
        )
        highwater = GaugeMetricFamily(
            "tocsin_high_water_offset", "Next offset to be written, as last fetched.", labels=labels
        )
        lag = GaugeMetricFamily("tocsin_consumer_lag", "Messages written and not yet committed as done.", labels=labels)
        for (topic, partition), (done, end, behind) in positions.items():
            place = [topic, str(partition)]
            if done is not None:
                committed.add_metric(place, done)
            if end is not None:
                highwater.add_metric(place, end)
                lag.add_metric(place, behind)
        yield from (committed, highwater, lag)
        yield GaugeMetricFamily(
            "tocsin_assigned_partitions",
            "Partitions that this worker reads: of the inputs, and of Tocsin's own topics.",
            value=len(positions),
        )
