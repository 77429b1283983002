"""The watch over a version that a worker has just taken up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from streams.logic.probation import Pace, Probation

if TYPE_CHECKING:
    from exporters.swap_metrics import SwapMetrics
    from streams.contract.model_settings import SwapSettings
    from streams.logic.enricher import Batch
    from streams.logic.probation import Verdict
    from streams.worker.serving import Serving


class Watch:
    """Looks at every batch that is done, and judges the version where it is new.

    Args:
        serving: What answers; the version before is let go when the watch ends.
        settings: How long a new version is watched, and what is too much.
        metrics: Where it is shown.
    """

    def __init__(self, serving: Serving, settings: SwapSettings, metrics: SwapMetrics) -> None:
        self._serving = serving
        self._settings = settings
        self._metrics = metrics
        self._pace = Pace()
        self._probation: Probation | None = None
        self._proven = {serving.current.manifest.version}
        """Versions that this worker began with, or kept: one of them that comes back is what people rolled back to."""

    @property
    def is_on(self) -> bool:
        """Whether the version that answers is new."""
        return self._probation is not None

    def observe(self, batch: Batch) -> None:
        """Look at a batch that is done; what another version has read is left out."""
        if batch.model != self._serving.current.model:
            return
        messages = len(batch.outcomes)
        self._pace.observe(messages, batch.inference_seconds)
        if self._probation is not None:
            self._probation.observe(messages, batch.inference_seconds, batch.rescued)

    def begin(self, version: int) -> None:
        """Another version answers from now on; one that has proven itself before is not watched again."""
        usual, self._pace = self._pace.usual(), Pace()
        if version in self._proven:
            self._end()
            return
        self._probation = Probation(self._settings, usual, time.monotonic())
        self._metrics.watched.set(1)

    def verdict(self) -> Verdict | None:
        """What is thought of the new version; None where none is new."""
        return self._probation.judge(time.monotonic()) if self._probation is not None else None

    def keep(self) -> None:
        """The version that answers is no longer new."""
        self._proven.add(self._serving.current.manifest.version)
        self._end()

    def bear(self) -> None:
        """The version that answers does worse and stays all the same: watched no more, and not proven either."""
        self._end()

    def went_back(self) -> None:
        """The version before answers again."""
        self._pace = Pace()
        self._end()

    def _end(self) -> None:
        self._probation = None
        self._serving.settle()
        self._metrics.watched.set(0)
