"""Which version of the generator writes, and which one wrote before it, for as long as the new one is watched."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import structlog

from streams.logic.draft_watch import DraftPace, DraftWatch

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.model_settings import SwapSettings
    from streams.logic.draft_watch import Drafted
    from streams.worker.drafting import Writer

log = structlog.get_logger(__name__)


class Held(NamedTuple):
    """A version that is loaded."""

    writer: Writer
    version: int
    folder: Path


class GivenUp(NamedTuple):
    """A version that did worse than the one before it, which writes again."""

    left: Held
    serves: Held
    reason: str


class Succession:
    """The version that writes. Any thread may ask, and change it.

    Args:
        settings: How long a new version is watched, and how much slower it may be.
    """

    def __init__(self, settings: SwapSettings) -> None:
        self._settings = settings
        self._current: Held | None = None
        self._before: Held | None = None
        self._pace = DraftPace()
        self._watch: DraftWatch | None = None
        self._lock = threading.Lock()

    @property
    def current(self) -> Held | None:
        """The version that writes; None before there is one."""
        return self._current

    @property
    def before(self) -> Held | None:
        """The version before, while the current one is watched."""
        return self._before

    def take_up(self, held: Held) -> None:
        """Let a version write from the next batch on; it is watched where another wrote before, but for that one."""
        with self._lock:
            is_back = self._before is not None and held.version == self._before.version
            self._before = None if is_back else self._current
            self._current = held
            usual, self._pace = self._pace.usual(), DraftPace()
            self._watch = DraftWatch(self._settings, usual, time.monotonic()) if self._before is not None else None

    def observe(self, writer: Writer, drafted: Drafted) -> GivenUp | None:
        """Look at a batch; where a new version does worse than the one before, that one writes again."""
        with self._lock:
            current, before, watch = self._current, self._before, self._watch
            if current is None or writer is not current.writer:
                return None
            self._pace.observe(drafted)
            if watch is None or before is None:
                return None
            reason = watch.observe(drafted)
            if reason is None and not watch.is_over(time.monotonic()):
                return None
            self._watch = self._before = None
            if reason is None:
                log.info("the version of the generator is kept", model=writer.model)
                return None
            self._current, self._pace = before, DraftPace()
            return GivenUp(current, before, reason)
