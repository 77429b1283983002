"""Who moves the aliases for training runs and tells the brokers of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain import promotion
from retrain.run import BY

if TYPE_CHECKING:
    from models.promoting import Details
    from models.registry import Registry
    from streams.contract.model_records import ModelEvent
    from streams.contract.settings import Settings


class KafkaMessenger:
    """As ``retrain.work.Messenger`` has it.

    Args:
        settings: Name of the model, topics, brokers.
        registry: Where the versions are.
    """

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry

    def tell(self, event: ModelEvent) -> None:
        """Publish an event."""
        promotion.tell_event(self._settings, event)

    def promote(self, version: int, expected: int, reason: str, details: Details) -> None:
        """Make a version the champion, and tell every worker."""
        promotion.promote(self._settings, self._registry, version, BY, reason, expected=expected, details=details)

    def challenge(self, version: int, expected: int, reason: str, details: Details) -> None:
        """Let a version read along, and tell every worker."""
        promotion.challenge(self._settings, self._registry, version, BY, reason, expected=expected, details=details)

    def announce(self) -> None:
        """Tell the workers what the registry says."""
        promotion.announce(self._settings, self._registry)
