"""Tocsin's own generator, as a worker has it, in a process of its own."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.support.generation.task import Task, Timing, measure
from models.generator.config import CONFIG, GenerationOptions, GeneratorConfig
from models.generator.decoding import Decoder
from models.generator.runtime import open_session
from models.generator.session import Rows
from models.manifest import read
from models.runtime import MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class TimedRows(Rows):
    """Knows how long prompts took to read."""

    seconds = 0.0

    def read(self, row: int, prompt: Sequence[int]) -> NDArray[np.float32]:
        """As the rows themselves."""
        began = time.perf_counter()
        logits = super().read(row, prompt)
        self.seconds += time.perf_counter() - began
        return logits


def main() -> None:
    """Measure the files of a version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--task", type=Path, required=True)
    given = parser.parse_args()
    task = Task.read(given.task)
    rows = TimedRows(
        open_session(given.files / MODEL, task.threads), read(given.files / CONFIG, GeneratorConfig), max(task.batches)
    )
    options = GenerationOptions(max_new_tokens=task.tokens, repetition_penalty=1.0)

    def write(prompts: Sequence[Sequence[int]]) -> Timing:
        rows.seconds = 0.0
        began = time.perf_counter()
        Decoder(rows, len(prompts), (), options).run(prompts)
        return Timing(rows.seconds, time.perf_counter() - began - rows.seconds)

    def lead(prompt: Sequence[int], text: Sequence[int]) -> NDArray[np.float32]:
        rows.reserve(len(prompt) + len(text))
        logits = [rows.read(0, prompt)[0].copy()]
        logits += [rows.step([token])[0].copy() for token in text[:-1]]
        return np.stack(logits)

    measure(task, write, lead)


if __name__ == "__main__":
    main()
