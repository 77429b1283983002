"""What a worker counts of changing from one model version to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

SwapOutcome = Literal["swapped", "refused", "failed", "rolled_back"]

_BUCKETS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0)


class SwapMetrics:
    """Swaps and shadow runs of one worker.

    Args:
        registry: The worker's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.swaps = Counter(
            "tocsin_model_swaps_total",
            "Versions taken up, refused for good, failed to load (and tried again), and left for the one before.",
            ["outcome"],
            registry=registry,
        )
        for outcome in get_args(SwapOutcome):
            self.swaps.labels(outcome)
        self.seconds = Histogram(
            "tocsin_model_swap_seconds",
            "From the registry's change to the first batch that the new version may read.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self.epoch = Gauge(
            "tocsin_model_epoch",
            "Number of the registry's state of aliases that this worker has dealt with; rises with each change.",
            registry=registry,
        )
        self.watched = Gauge(
            "tocsin_model_watched", "1 while a new version is watched and the one before is at hand.", registry=registry
        )
        self.shadow_messages = Counter(
            "tocsin_shadow_messages_total",
            "Messages that a challenger read along, by whether it read them as the champion did.",
            ["equal"],
            registry=registry,
        )
        for equal in ("yes", "no"):
            self.shadow_messages.labels(equal)
        self.shadow_agreement = Gauge(
            "tocsin_shadow_agreement",
            "Share of messages of which the challenger says the same as the champion, by head; of the shadow run that "
            "is under way, or was last.",
            ["head"],
            registry=registry,
        )

    def count(self, outcome: SwapOutcome) -> None:
        """Count what became of an attempt."""
        self.swaps.labels(outcome).inc()

    def show_agreement(self, shares: Mapping[str, float]) -> None:
        """Show the shares of a shadow run, head by head."""
        for head, share in shares.items():
            self.shadow_agreement.labels(head).set(share)
