"""What every engine is given, and what each tells of it."""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.rooms import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Task:
    """Prompts of tokens, and how much is to be written to them."""

    prompts: list[list[int]]
    tokens: int
    """That are written to each; whatever ends a text is written over."""
    batches: list[int]
    """Texts at the same time."""
    runs: int
    """Of each batch, after one to warm up."""
    threads: int
    led: list[list[int]]
    """Texts to the first prompts, through which an engine is led to see which token it would choose at each place."""

    def write(self, path: Path) -> Path:
        """Keep it as a file for a room."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Task:
        """Out of a file."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Timing:
    """One run of a batch."""

    prompt_seconds: float
    """For all prompts, and the first token to each."""
    write_seconds: float
    """For all tokens after the first."""


def measure(
    task: Task,
    write: Callable[[Sequence[Sequence[int]]], Timing],
    lead: Callable[[Sequence[int], Sequence[int]], NDArray[np.float32]],
) -> None:
    """Measure an engine in this process, and tell.

    Args:
        task: What to do.
        write: Writes to prompts at the same time.
        lead: Logits after a prompt and after each token of a text but the last, float32 [tokens, vocabulary].
    """
    timings: dict[str, list[dict[str, float]]] = {}
    for batch in task.batches:
        prompts = task.prompts[:batch]
        write(prompts)
        timings[str(batch)] = [asdict(write(prompts)) for _ in range(task.runs)]
    # Before the logits of whole texts are kept, which is nobody's use but this benchmark's.
    peak = _peak_memory()
    chosen = [lead(prompt, text).argmax(axis=1).tolist() for prompt, text in zip(task.prompts, task.led, strict=False)]
    figures: dict[str, Any] = {"timings": timings, "chosen": chosen, "peak_memory_bytes": peak}
    tell(figures)


def _peak_memory() -> int:
    """Bytes of this process at its largest; what the kernel counts for it began with its parent's."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = [line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def likeliest(logits: NDArray[np.float32]) -> list[int]:
    """The likeliest token of each row."""
    chosen: list[int] = logits.argmax(axis=1).tolist()
    return chosen
