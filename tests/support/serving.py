"""A model that serves alone, for tests of what reads with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.logic.reading import Reader


@dataclass
class Alone:
    """No other model was before it, and none takes its place."""

    current: Reader
    before: None = None

    def replacement(self, _broken: Reader, _error: Exception) -> None:
        """There is none."""
