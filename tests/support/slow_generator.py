"""``tocsin`` with a generator that takes its time, and says what its evidence says: no such thing is in a registry.

For each batch it takes the seconds of ``SLOW_GENERATOR``, or, where ``SLOW_GENERATOR_UNTIL`` names a file, until that
is there; and never longer than until its deadline.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from models.generator.runtime import Generated
from streams.cli.main import main
from streams.worker import replying
from streams.worker.drafting import Drafting
from streams.worker.succession import Held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.generator.config import GenerationOptions
    from models.generator.decoding import Stopped
    from models.generator.prompting import Prompt

SECONDS = float(os.environ.get("SLOW_GENERATOR", "0"))
UNTIL = os.environ.get("SLOW_GENERATOR_UNTIL")
_LOOK_SECONDS = 0.02


class SlowGenerator:
    model = "generator:7"

    def generate(
        self, prompts: Sequence[Prompt], _: GenerationOptions, deadline: float | None = None
    ) -> list[Generated]:
        stopped = _take_time(math.inf if deadline is None else deadline)
        return [Generated(prompt.evidence[0], 10, stopped, -0.1) for prompt in prompts]


def _take_time(deadline: float) -> Stopped:
    if UNTIL is None:
        left = deadline - time.monotonic()
        time.sleep(min(SECONDS, left))
        return "end" if left >= SECONDS else "deadline"
    while not Path(UNTIL).exists():
        if time.monotonic() >= deadline:
            return "deadline"
        time.sleep(_LOOK_SECONDS)
    return "end"


class SlowDrafting(Drafting):
    def _look(self) -> None:
        if self._succession.current is None:
            self._succession.take_up(Held(SlowGenerator(), 7, Path()))


if __name__ == "__main__":
    replying.Drafting = SlowDrafting  # type: ignore[misc]
    main()
