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
        own = self.registry
        self._runs = Counter(
            "tocsin_retrain_runs_total", "Training runs that ended, by outcome.", ["model", "outcome"], registry=own
        )
        self._last = Gauge(
            "tocsin_retrain_last_run_timestamp_seconds",
            "When the latest run of an outcome ended; 0 for never.",
            ["model", "outcome"],
            registry=own,
        )
        self._duration = Gauge(
            "tocsin_retrain_duration_seconds", "How long the latest run took.", ["model"], registry=own
        )
        self._running = Gauge("tocsin_retrain_running", "1 while a run is under way.", ["model"], registry=own)
        self._new = Gauge(
            "tocsin_retrain_new_records",
            "Labels, or for the ranker behaviors, that came since the latest run began.",
            ["model"],
            registry=own,
        )
        self._next_run = Gauge(
            "tocsin_retrain_next_run_timestamp_seconds",
            "When the model's line of cron is due next; 0 for never.",
            ["model"],
            registry=own,
        )

    def follow(self, model: str) -> None:
        """A model is on the schedule: all that is shown of it begins at 0."""
        for outcome in OUTCOMES:
            self._runs.labels(model, outcome)
            self._last.labels(model, outcome)
        for gauge in (self._duration, self._running, self._new, self._next_run):
            gauge.labels(model)

    def stands(self, model: str, *, runs: bool, new: int, next_run: float) -> None:
        """How a model stands.

        Args:
            model: Name of the model.
            runs: Whether a run of it is under way.
            new: Records that it has not learnt yet.
            next_run: When its line of cron is due, as a Unix time; 0 for never.
        """
        self._running.labels(model).set(runs)
        self._new.labels(model).set(new)
        self._next_run.labels(model).set(next_run)

    def knows(self, model: str, outcome: str, ended: float) -> None:
        """A run had ended before this process began.

        Args:
            model: Name of the model.
            outcome: What became of it.
            ended: When, as a Unix time.
        """
        self._last.labels(model, outcome).set(ended)

    def ended(self, model: str, outcome: str, began: float, ended: float) -> None:
        """A run has ended.

        Args:
            model: Name of the model.
            outcome: What became of it.
            began: When, as a Unix time.
            ended: Likewise.
        """
        self._runs.labels(model, outcome).inc()
        self._last.labels(model, outcome).set(ended)
        self._duration.labels(model).set(ended - began)
