"""As much of Faust and of the brokers as an agent sees that takes records in and publishes what comes of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.contract.outgoing import Output


class Event:
    """As much of Faust's event as an agent uses."""

    def __init__(self, topic: str, offset: int, value: bytes) -> None:
        self.message = SimpleNamespace(
            topic=topic, partition=0, offset=offset, timestamp=1.0, key=None, value=value, headers=None
        )
        self.acknowledged = False

    def ack(self) -> None:
        """Note that it is done with."""
        self.acknowledged = True


class NarrowPublisher:
    """Takes no record larger than its topic's limit.

    Args:
        limits: Bytes of a value, by topic; as many as one likes where absent.
    """

    def __init__(self, limits: dict[str, int] | None = None) -> None:
        self._limits = limits or {}
        self.taken: list[Output] = []

    async def publish(self, outputs: Sequence[Output]) -> list[Output]:
        """Take what is small enough, and give back the rest."""
        refused = [
            output
            for output in outputs
            if output.topic in self._limits and len(output.value or b"") > self._limits[output.topic]
        ]
        self.taken += [output for output in outputs if output not in refused]
        return refused


class QuietApp:
    """Gives an agent its topic, and no events."""

    def topic(self, *_: str, **__: object) -> None:
        """None is needed."""

    def agent(self, *_: object, **__: object) -> Callable[[Any], Any]:
        """The agent's function as it is."""
        return lambda function: function
