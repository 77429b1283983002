"""Metrics of recommendations: items, what readers do, and what they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from prometheus_client import Counter, Gauge, Histogram

from streams.contract.recommendations import BehaviorAction, RecommendationCause

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

_SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_COLD = ("true", "false")


class RecommendMetrics:
    """What one worker understands of items and readers.

    Args:
        registry: The worker's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.items = Counter(
            "tocsin_items_total", "Items read, by what became of them.", ["outcome"], registry=registry
        )
        for outcome in ("embedded", "embedded_anew", "withdrawn", "expired", "refused"):
            self.items.labels(outcome)
        self.live = Gauge("tocsin_items_live", "Items that can be recommended.", registry=registry)
        self.stale = Gauge(
            "tocsin_items_stale",
            "Live items that another embedder than the serving one has embedded.",
            registry=registry,
        )
        self.behaviors = Counter(
            "tocsin_behaviors_total", "Behaviors counted, each once.", ["action"], registry=registry
        )
        for action in get_args(BehaviorAction):
            self.behaviors.labels(action)
        self.repeats = Counter(
            "tocsin_behaviors_repeated_total", "Behaviors that came again and were counted before.", registry=registry
        )
        self.unknown = Counter(
            "tocsin_behaviors_of_unknown_items_total",
            "Behaviors whose item was not known when they came; they count once it is.",
            registry=registry,
        )
        self.unreadable = Counter(
            "tocsin_reader_events_unreadable_total", "Records of reader events that were none.", registry=registry
        )
        self.recommendations = Counter(
            "tocsin_recommendations_total",
            "Recommendations published, by cause, and whether nothing was known of the reader.",
            ["cause", "cold"],
            registry=registry,
        )
        for cause in get_args(RecommendationCause):
            for cold in _COLD:
                self.recommendations.labels(cause, cold)
        self.seconds = Histogram(
            "tocsin_recommend_seconds",
            "Time to find and rank the items of one recommendation.",
            buckets=_SECONDS_BUCKETS,
            registry=registry,
        )
        self.readers = Gauge("tocsin_readers", "Readers in memory.", registry=registry)
        self.state_bytes = Counter(
            "tocsin_interests_written_bytes_total", "State of readers' interests written.", registry=registry
        )

        self.lookups = Counter(
            "tocsin_readers_looked_up_total",
            "Readers looked up, by where they were found; nowhere: not known yet.",
            ["found"],
            registry=registry,
        )
        for found in ("memory", "disk", "nowhere"):
            self.lookups.labels(found)
        self.index_bytes = Gauge(
            "tocsin_item_index_bytes", "Memory of the graph and vectors of items.", registry=registry
        )
        self.ranker = Gauge("tocsin_ranker_info", "The ranker that serves.", ["ranker"], registry=registry)

    def show(self, *, live: Callable[[], int], readers: Callable[[], int], index_bytes: Callable[[], int]) -> None:
        """Show these figures whenever somebody asks."""
        self.live.set_function(live)
        self.readers.set_function(readers)
        self.index_bytes.set_function(index_bytes)

    def serves(self, ranker: str) -> None:
        """A ranker serves from now on, and no other."""
        self.ranker.clear()
        self.ranker.labels(ranker).set(1)
