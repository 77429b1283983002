"""Whether a challenger that reads along agrees with the champion. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.model_settings import SwapSettings
    from streams.contract.records import Entity

HEADS = ("topic", "sentiment", "intent", "entities")


class Answer(Protocol):
    """What a version read in a message: a prediction, or a reading."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics."""

    @property
    def sentiment(self) -> str:
        """Of the message as a whole."""

    @property
    def intent(self) -> str | None:
        """Of a customer; None where it is not told."""

    @property
    def entities(self) -> Sequence[Entity]:
        """In order."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a shadow run."""

    is_let_in: bool
    reason: str
    figures: dict[str, float]


@dataclass(slots=True)
class Agreement:
    """Counts equal readings of the same messages.

    A reading is equal where its topics and its sentiment are, which is what alerts hang on. Intent and entities are
    counted beside, for whoever looks.

    Args:
        settings: How many messages are compared, and what share must be equal.
    """

    settings: SwapSettings
    messages: int = 0
    equal: int = 0
    of_head: dict[str, int] = field(default_factory=lambda: dict.fromkeys(HEADS, 0))

    def observe(self, champion: Answer, challenger: Answer) -> bool:
        """Compare two readings of one message; whether they are equal."""
        same = {
            "topic": set(champion.topics) == set(challenger.topics),
            "sentiment": champion.sentiment == challenger.sentiment,
            # A prediction tells the intents of customers alone.
            "intent": champion.intent in (None, challenger.intent),
            "entities": _entities(champion) == _entities(challenger),
        }
        self.messages += 1
        is_equal = same["topic"] and same["sentiment"]
        self.equal += is_equal
        for head, is_same in same.items():
            self.of_head[head] += is_same
        return is_equal

    @property
    def shares(self) -> dict[str, float]:
        """Share of equal answers of each head; empty before the first message."""
        return {head: count / self.messages for head, count in self.of_head.items()} if self.messages else {}

    def judge(self) -> Judgement | None:
        """Whether it is let in; None while too few messages are compared."""
        if self.messages < self.settings.shadow_messages:
            return None
        share, least = self.equal / self.messages, self.settings.shadow_agreement
        is_let_in = share >= least
        reason = (
            f"it read {share:.1%} of {self.messages} live messages as the champion did; at least {least:.0%} is asked "
            "(swap.shadow_agreement)"
        )
        figures = {"shadow_messages": float(self.messages), "shadow_agreement": share}
        return Judgement(is_let_in, reason, figures | {f"shadow_{head}": part for head, part in self.shares.items()})


def _entities(answer: Answer) -> set[tuple[str, int, int]]:
    return {(entity.type, entity.start, entity.end) for entity in answer.entities}
