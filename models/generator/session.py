"""Runs of a generator's graph: the key-value cache lies in buffers that stay, and nothing of it is ever copied.

Each text has a row of the buffers. A prompt is read alone, into its row, which costs no more than several at once where
cores are few, and needs no padding; then all rows are written on together, a token each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.generator.ports import INPUT_IDS, LENGTHS, LOGITS, TOTAL, cache_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession, IOBinding

    from models.generator.config import GeneratorConfig

# Buffers grow in steps of so many tokens, so that they seldom do.
_STEP = 128


class Rows:
    """Rows of a graph's cache, the first of which are in use. For one thread.

    Args:
        session: Of the graph.
        config: Its sizes.
        most: Rows.
    """

    def __init__(self, session: InferenceSession, config: GeneratorConfig, most: int) -> None:
        self._session = session
        self._config = config
        self._most = most
        self._names = cache_names(config.layers)
        self._capacity = 0
        self._buffers: list[NDArray[np.float32]] = []
        self._bindings: dict[int, IOBinding] = {}
        self._ids = np.zeros((most, 1), np.int64)
        # Tokens of each row, less one, as the graph wants them.
        self._lengths = np.zeros(most, np.int32)
        self._total = np.zeros((), np.int32)
        self._logits = np.zeros((most, config.vocab_size), np.float32)

    def reserve(self, tokens: int) -> None:
        """Make room for texts of so many tokens; what stands in the rows is forgotten where there was less."""
        if tokens <= self._capacity:
            return
        self._capacity = min(-(-tokens // _STEP) * _STEP, max(tokens, self._config.context))
        shape = (self._most, self._config.key_value_heads, self._capacity, self._config.head_dim)
        self._bindings.clear()
        # Released before as much is taken again. Memory that nothing was written to costs nothing.
        self._buffers.clear()
        self._buffers += [np.zeros(shape, np.float32) for _ in self._names]

    def read(self, row: int, prompt: Sequence[int]) -> NDArray[np.float32]:
        """Read a prompt into a row from its beginning.

        Args:
            row: Which.
            prompt: Ids; one at least.

        Returns:
            Logits of the token after it, float32 [1, vocabulary]; valid until the row is read into again, or stepped.
        """
        ids = np.asarray(prompt, np.int64)[None]
        self._lengths[row] = len(prompt) - 1
        self._total[...] = len(prompt)
        binding = self._bound(ids, slice(row, row + 1))
        self._session.run_with_iobinding(binding)
        return self._logits[row : row + 1]

    def step(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Put a token after each text of the first rows.

        Args:
            tokens: A token of each row.

        Returns:
            Logits of the tokens after them, float32 [rows, vocabulary]; valid until the next run.
        """
        rows = len(tokens)
        self._ids[:rows, 0] = tokens
        self._lengths[:rows] += 1
        self._total[...] = self._lengths[:rows].max() + 1
        if rows not in self._bindings:
            self._bindings[rows] = self._bound(self._ids[:rows], slice(0, rows))
        self._session.run_with_iobinding(self._bindings[rows])
        return self._logits[:rows]

    def move(self, source: int, target: int) -> None:
        """Let a row take the place of another."""
        used = self._lengths[source] + 1
        for buffer in self._buffers:
            buffer[target, :, :used] = buffer[source, :, :used]
        self._lengths[target] = self._lengths[source]

    def _bound(self, ids: NDArray[np.int64], rows: slice) -> IOBinding:
        """A run of some rows, bound to where their parts lie: what is written there later is what is read."""
        binding = self._session.io_binding()
        inputs: Iterable[tuple[str, NDArray[np.generic]]] = [
            (INPUT_IDS, ids),
            (LENGTHS, self._lengths[rows]),
            (TOTAL, self._total),
        ]
        for name, array in inputs:
            binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        for (past, present), whole in zip(self._names, self._buffers, strict=True):
            part = whole[rows]
            binding.bind_input(past, "cpu", 0, np.float32, part.shape, part.ctypes.data)
            binding.bind_output(present, "cpu", 0, np.float32, part.shape, part.ctypes.data)
        logits = self._logits[rows]
        binding.bind_output(LOGITS, "cpu", 0, np.float32, logits.shape, logits.ctypes.data)
        return binding
