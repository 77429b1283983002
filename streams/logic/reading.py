"""Reading a batch with care: one message that a model cannot read takes no other with it.

Where a version is new and cannot read a message, the one before it is asked; where the new one reads nothing any more,
the one before takes its place. So no message is lost to a swap.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog

from streams.logic.breaker import Breaker, BrokenModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from models.readings import Reading
    from streams.contract.settings import EnrichSettings

log = structlog.get_logger(__name__)


class Reader(Protocol):
    """A model that reads texts; ``models.runtime.Encoder`` is one."""

    @property
    def model(self) -> str:
        """Name and version, such as ``encoder:1``."""

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """What stands in each text, in order."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 [texts, width]."""


class Serving(Protocol):
    """Says which model answers; ``streams.worker.serving.Serving`` is one. Any thread may ask."""

    @property
    def current(self) -> Reader:
        """The model for a batch that begins now."""

    @property
    def before(self) -> Reader | None:
        """The one before, while the current one is new."""

    def replacement(self, broken: Reader, error: Exception) -> Reader | None:
        """What answers in the place of a model that answers nothing any more; None where there is no other."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a model read in one text."""

    reading: Reading
    embedding: list[float] | None
    """Where the settings ask for it."""
    model: str


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """What came of reading one batch; keys are places in it."""

    read: dict[int, Read]
    failures: dict[int, Exception]
    """What was raised for each text that could not be read, after all attempts."""
    retries: int
    rescued: int
    """Texts that only the version before could read."""
    model: str
    """Whose turn it was."""
    seconds: float


class BatchReader:
    """Reads batches with whichever model serves; several threads may do so at once.

    Args:
        serving: Says which model that is.
        limits: How often a text is tried, and whether embeddings are asked for.
    """

    def __init__(self, serving: Serving, limits: EnrichSettings) -> None:
        self._serving = serving
        self._limits = limits
        self._careful = _CarefulReader(serving.current, limits)

    def read(self, texts: dict[int, str]) -> ReadBatch:
        """Read texts by their places.

        Raises:
            BrokenModelError: The model reads nothing any more, and there is no other.
        """
        started = time.perf_counter()
        careful = self._on_turn()
        try:
            read, failures, retries = careful.read(texts)
        except BrokenModelError as error:
            if self._serving.replacement(careful.reader, error) is None:
                raise
            careful = self._on_turn()
            read, failures, retries = careful.read(texts)
        rescued: dict[int, Read] = {}
        before = self._serving.before
        if failures and before is not None and before is not careful.reader:
            unread = {place: texts[place] for place in failures}
            rescued, failures, _ = _CarefulReader(before, self._limits).read(unread)
        seconds = time.perf_counter() - started
        return ReadBatch(read | rescued, failures, retries, len(rescued), careful.reader.model, seconds)

    def _on_turn(self) -> _CarefulReader:
        careful, current = self._careful, self._serving.current
        if careful.reader is not current:
            careful = self._careful = _CarefulReader(current, self._limits)
        return careful


class _CarefulReader:
    """Reads with one model: all texts at once, or each alone where that fails."""

    def __init__(self, reader: Reader, limits: EnrichSettings) -> None:
        self.reader = reader
        self._limits = limits
        # Not by a method of this object: in a circle a version would stay in memory until the collector comes by.
        self._infer = partial(_infer, reader, embed=limits.publish_embedding)
        self._breaker = Breaker(self._infer)

    def read(self, texts: dict[int, str]) -> tuple[dict[int, Read], dict[int, Exception], int]:
        read, failures, retries = self._read(texts)
        self._breaker.judge({place: texts[place] for place in read}, failures)
        return read, failures, retries

    def _read(self, texts: dict[int, str]) -> tuple[dict[int, Read], dict[int, Exception], int]:
        read: dict[int, Read] = {}
        failures: dict[int, Exception] = {}
        retries = 0
        if len(texts) > 1:
            try:
                return dict(zip(texts, self._infer(list(texts.values())), strict=True)), {}, 0
            except Exception as error:  # noqa: BLE001  whatever a model raises, the stream goes on
                log.warning("inference failed for a batch, reading each message alone", error=type(error).__name__)
                retries = 1
        for place, text in texts.items():
            for attempt in range(1, self._limits.max_attempts + 1):
                try:
                    read[place] = self._infer([text])[0]
                    break
                except Exception as error:  # noqa: BLE001  likewise
                    retries += attempt < self._limits.max_attempts
                    failures[place] = error
            if place in read:
                failures.pop(place, None)
        return read, failures, retries


def _infer(reader: Reader, texts: list[str], *, embed: bool) -> list[Read]:
    readings = reader.read(texts)
    if not embed:
        return [Read(reading, None, reader.model) for reading in readings]
    vectors = reader.embed(texts)
    return [Read(reading, vector.tolist(), reader.model) for reading, vector in zip(readings, vectors, strict=True)]
