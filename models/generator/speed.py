"""How long a token takes several versions of a generator, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from models.manifest import VersionError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Versions take turns, and the quickest turn counts: what else the machine does slows all of them down.
_TURNS, _TOKENS = 5, 24
_PROMPT = "A new card is posted on the next working day. It comes by ordinary post. When does my new card come?"


class Timed(Protocol):
    """What is asked of ``models.generator.runtime.Generator``."""

    @property
    def model(self) -> str:
        """Name and version."""

    def seconds_per_token(self, prompt: str, steps: int) -> float:
        """How long a token takes after a prompt."""


def seconds_per_token(writers: Sequence[Timed]) -> list[float]:
    """Of each, in its quickest turn; the same tokens for all, however long their own texts would be.

    Raises:
        VersionError: One cannot be run.
    """
    quickest = [float("inf")] * len(writers)
    for _ in range(_TURNS):
        for place, writer in enumerate(writers):
            try:
                quickest[place] = min(quickest[place], writer.seconds_per_token(_PROMPT, _TOKENS))
            except Exception as error:  # onnxruntime's exceptions have no base of their own
                raise VersionError(f"{writer.model} cannot be run: {error}") from error
    return quickest
