"""What is to be published."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Output:
    """One record for a topic."""

    topic: str
    key: bytes
    value: bytes | None
    """None takes the key out of a compacted topic."""
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    partition: int | None = None
    """Where it goes; None where its key decides."""
    timestamp: float | None = None
    """Kafka's timestamp, seconds since the epoch; None for the moment at which it is sent."""
