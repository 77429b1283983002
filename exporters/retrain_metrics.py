"""What the retraining schedule shows to Prometheus: what became of the runs, and when the next one is due."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

OUTCOMES = ("promoted", "challenging", "rejected", "failed")


class RetrainMetrics:
    """What one schedule counts and measures."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._runs = Counter(
            "tocsin_retrain_runs_total", "Training runs that ended, by outcome.", ["outcome"], registry=self.registry
        )
        self._last = Gauge(
            "tocsin_retrain_last_run_timestamp_seconds",
            "When the latest run of an outcome ended; 0 for never.",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in OUTCOMES:
            self._runs.labels(outcome)
            self._last.labels(outcome)
        self._duration = Gauge(
            "tocsin_retrain_duration_seconds", "How long the latest run took.", registry=self.registry
        )
        self.running = Gauge("tocsin_retrain_running", "1 while a run is under way.", registry=self.registry)
        self.new_labels = Gauge(
            "tocsin_retrain_new_labels", "Labels that came since the latest run began.", registry=self.registry
        )
        self.next_run = Gauge(
            "tocsin_retrain_next_run_timestamp_seconds",
            "When retrain.cron is due next; 0 for never.",
            registry=self.registry,
        )

    def knows(self, outcome: str, ended: float) -> None:
        """A run had ended before this process began.

        Args:
            outcome: What became of it.
            ended: When, as a Unix time.
        """
        self._last.labels(outcome).set(ended)

    def ended(self, outcome: str, began: float, ended: float) -> None:
        """A run has ended.

        Args:
            outcome: What became of it.
            began: When, as a Unix time.
            ended: Likewise.
        """
        self._runs.labels(outcome).inc()
        self._last.labels(outcome).set(ended)
        self._duration.set(ended - began)
