"""Several texts written at the same time, a token of each a step; who is done makes room for who waits.

A text depends on its own prompt, the options and the seed alone, never on the place of its prompt or on its company,
but for what rounding does: products of several rows may be added up in another order than those of one.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from models.generator.sampling import draw, log_normalizers, penalize

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from models.generator.config import GenerationOptions
    from models.generator.session import Rows

Stopped = Literal["end", "length", "deadline"]


class Decoded(NamedTuple):
    """What was written to a prompt."""

    tokens: list[int]
    """Without the token that ended it."""
    stopped: Stopped
    """At the end of its turn, at the budget of tokens, or at the deadline."""
    mean_log_probability: float
    """Of its tokens, by the model alone: neither temperature nor penalty; 0 where there is none."""


@dataclass(slots=True)
class _Row:
    place: int
    lots: np.random.Generator
    tokens: list[int] = field(default_factory=list)
    written: set[int] = field(default_factory=set)
    log_probability: float = 0.0

    def decoded(self, stopped: Stopped) -> Decoded:
        mean = self.log_probability / len(self.tokens) if self.tokens else 0.0
        return Decoded(self.tokens, stopped, mean)


class Decoder:
    """Writes on prompts. For one thread.

    Args:
        rows: Of the graph's cache.
        batch: Texts that are written at the same time; no more than there are rows.
        stops: Tokens that end a text.
        options: How to write.
        deadline: Of ``time.monotonic``; looked at between two steps and before each prompt.
    """

    def __init__(
        self, rows: Rows, batch: int, stops: Collection[int], options: GenerationOptions, deadline: float | None = None
    ) -> None:
        self._rows = rows
        self._batch = batch
        self._stops = stops
        self._options = options
        self._deadline = deadline
        self._active: list[_Row] = []
        self._done: dict[int, Decoded] = {}

    def run(self, prompts: Sequence[Sequence[int]]) -> list[Decoded]:
        """Write on each prompt, of one token at least; in their order."""
        if not prompts:
            return []
        self._rows.reserve(max(map(len, prompts)) + self._options.max_new_tokens)
        waiting = deque(range(len(prompts)))
        while waiting or self._active:
            if self._is_late():
                self._give_up(waiting)
                break
            if waiting and len(self._active) < self._batch:
                self._begin(waiting.popleft(), prompts)
                continue
            logits = self._rows.step([row.tokens[-1] for row in self._active])
            self._choose(self._active, logits)
            self._leave()
        return [self._done[place] for place in range(len(prompts))]

    def _begin(self, place: int, prompts: Sequence[Sequence[int]]) -> None:
        """Read a prompt into the row after those in use."""
        prompt = prompts[place]
        row = _Row(place, np.random.default_rng([self._options.seed, _fingerprint(prompt)]))
        self._active.append(row)
        self._choose([row], self._rows.read(len(self._active) - 1, prompt))
        self._leave()

    def _choose(self, rows: Sequence[_Row], logits: NDArray[np.float32]) -> None:
        """Put the next token to each row; the logits are spoilt."""
        normalizers = log_normalizers(logits)
        own = logits.copy() if self._options.repetition_penalty != 1.0 else logits
        for row, penalized in zip(rows, own, strict=True):
            penalize(penalized, row.written, self._options.repetition_penalty)
        if self._options.temperature == 0.0:
            chosen = own.argmax(axis=1).tolist()
        else:
            chosen = [
                draw(of_row, self._options.temperature, self._options.top_p, row.lots)
                for row, of_row in zip(rows, own, strict=True)
            ]
        for number, (row, token) in enumerate(zip(rows, chosen, strict=True)):
            if token in self._stops:
                self._done[row.place] = row.decoded("end")
                continue
            row.tokens.append(token)
            row.written.add(token)
            row.log_probability += float(logits[number, token] - normalizers[number])
            if len(row.tokens) >= self._options.max_new_tokens:
                self._done[row.place] = row.decoded("length")

    def _leave(self) -> None:
        """Rows that are done go, and the last ones take their places."""
        for number in reversed(range(len(self._active))):
            if self._active[number].place in self._done:
                last = self._active.pop()
                if number < len(self._active):
                    self._active[number] = last
                    self._rows.move(len(self._active), number)

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _give_up(self, waiting: Collection[int]) -> None:
        for row in self._active:
            self._done[row.place] = row.decoded("deadline")
        for place in waiting:
            self._done[place] = Decoded([], "deadline", 0.0)
        self._active.clear()


def _fingerprint(prompt: Sequence[int]) -> int:
    """The same prompt draws the same lots, wherever it stands."""
    return int.from_bytes(blake2b(np.asarray(prompt, np.int64).tobytes(), digest_size=8).digest(), "big")
