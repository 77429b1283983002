"""Which version answers in this worker: asked once for each batch, exchanged between two.

While a version is new the one before it stays loaded, so that going back is a matter of a moment, and loses nothing.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.runtime import Encoder
    from streams.logic.reading import Reader

log = structlog.get_logger(__name__)


class Serving:
    """Holds the version that answers; any thread may ask and exchange.

    A batch that has begun with a version ends with it, and the version is freed when the last such batch is done.

    Args:
        encoder: The version to begin with, loaded and warmed up.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._lock = Lock()
        self._current = encoder
        self._before: Encoder | None = None
        self._on_change: list[Callable[[Encoder], None]] = []
        self._on_return: Callable[[str, Exception], None] = _only_log

    @property
    def current(self) -> Encoder:
        """The version that answers a batch which begins now."""
        return self._current

    @property
    def before(self) -> Encoder | None:
        """The version before, while the current one is new."""
        return self._before

    def listen(self, on_change: Callable[[Encoder], None]) -> None:
        """Have somebody told of each version that answers from now on, this one first; from any thread."""
        self._on_change.append(on_change)
        on_change(self._current)

    def on_return(self, tell: Callable[[str, Exception], None]) -> None:
        """Have somebody told, from any thread, which broken version was left for the one before, and why."""
        self._on_return = tell

    def exchange(self, encoder: Encoder) -> None:
        """Let another version answer; the one until now stays at hand until ``settle``."""
        with self._lock:
            if encoder is self._current:
                return
            self._before, self._current = self._current, encoder
        self._tell(encoder)

    def settle(self) -> None:
        """The current version is no longer new: the one before is let go."""
        with self._lock:
            self._before = None

    def go_back(self, given_up: Encoder) -> bool:
        """Let the version before answer again, in the place of this one; whether it does so by this call."""
        return self._leave(given_up)[1]

    def replacement(self, broken: Reader, error: Exception) -> Encoder | None:
        """What answers in the place of a version that answers nothing any more; None where there is no other.

        For the lanes: whoever notices first goes back, and has it told.
        """
        encoder, is_first = self._leave(broken)
        if encoder is not None and is_first:
            self._on_return(broken.model, error)
        return encoder

    def _leave(self, given_up: Reader) -> tuple[Encoder | None, bool]:
        with self._lock:
            if self._current is not given_up:
                return self._current, False
            if self._before is None:
                return None, False
            encoder = self._current = self._before
            self._before = None
        self._tell(encoder)
        return encoder, True

    def _tell(self, encoder: Encoder) -> None:
        for on_change in self._on_change:
            on_change(encoder)


def _only_log(model: str, error: Exception) -> None:
    log.error("a broken version was left for the one before", model=model, error=str(error))
