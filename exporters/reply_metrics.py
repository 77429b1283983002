"""Metrics of replies and briefs, and of the connector that posts replies."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from prometheus_client import Counter, Gauge, Histogram

from streams.contract.alerts import Status
from streams.contract.replies import BriefOrigin, ReplyAction, ReplyReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry

_LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 20.0, 60.0, 600.0)
_GENERATOR_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 15.0)
_POST_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
_SENT_FOR: ReplyReason = "answered"


class ReplyMetrics:
    """What one worker makes of customers' messages and of alerts.

    Args:
        registry: The worker's.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.replies = Counter(
            "tocsin_replies_total",
            "Customers' messages dealt with: sent, drafted for review, or handed over, and why.",
            ["action", "reason"],
            registry=registry,
        )
        self.replies.labels("send", _SENT_FOR)
        actions: tuple[ReplyAction, ...] = ("review", "handoff")
        for action in actions:
            for reason in get_args(ReplyReason):
                if reason != _SENT_FOR:
                    self.replies.labels(action, reason)
        self.seconds = Histogram(
            "tocsin_reply_seconds",
            "From a customer's message to the broker's acknowledgement of what is done about it.",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.waiting = Gauge(
            "tocsin_replies_waiting_messages", "Turns of conversations that wait to be dealt with.", registry=registry
        )
        self.conversations = Gauge("tocsin_conversations", "Conversations that this worker keeps.", registry=registry)
        self.documents = Gauge("tocsin_documents", "Documents that replies can be drawn from.", registry=registry)
        self.repeated = Counter(
            "tocsin_turns_repeated_total", "Turns that came again after they were answered.", registry=registry
        )
        self.unreadable = Counter(
            "tocsin_unreadable_turns_total",
            "Records of the topic of turns that are no turns.",
            registry=registry,
        )
        self.claims = Counter(
            "tocsin_unsupported_claims_total",
            "What drafts claimed without evidence, by kind; such a draft is not taken.",
            ["kind"],
            registry=registry,
        )
        self.generator_seconds = Histogram(
            "tocsin_generator_seconds",
            "Time that the generator took for one batch.",
            buckets=_GENERATOR_BUCKETS,
            registry=registry,
        )
        self.generator_tokens = Counter("tocsin_generator_tokens_total", "Tokens written.", registry=registry)
        self.generator_info = Gauge(
            "tocsin_generator_info", "1 for the version that writes.", ["model"], registry=registry
        )
        self.briefs = Counter(
            "tocsin_briefs_total", "Briefs published, by who wrote them.", ["origin", "status"], registry=registry
        )
        for origin in get_args(BriefOrigin):
            for status in get_args(Status):
                self.briefs.labels(origin, status)

    def show_generator(self, model: str) -> None:
        """Say which version writes; the one before is no longer shown."""
        self.generator_info.clear()
        self.generator_info.labels(model).set(1)


class WebhookMetrics:
    """What one connector posts.

    Args:
        registry: The process's.
        outcomes: What may become of a post.
    """

    def __init__(self, registry: CollectorRegistry, outcomes: Iterable[str]) -> None:
        self.posts = Counter(
            "tocsin_webhook_posts_total",
            "Replies posted, or given up, by outcome.",
            ["outcome"],
            registry=registry,
        )
        for outcome in outcomes:
            self.posts.labels(outcome)
        self.retries = Counter("tocsin_webhook_retries_total", "Posts that were tried again.", registry=registry)
        self.seconds = Histogram(
            "tocsin_webhook_seconds",
            "Time from the first attempt to the last.",
            buckets=_POST_BUCKETS,
            registry=registry,
        )

    def count(self, outcome: str, attempts: int, seconds: float) -> None:
        """Count a reply that was posted, or given up."""
        self.posts.labels(outcome).inc()
        self.retries.inc(attempts - 1)
        self.seconds.observe(seconds)
