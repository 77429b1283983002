"""A training run's folder: what it needs to go on after a kill, and nothing of any other run.

The Trainer writes a checkpoint file by file, so that a kill may leave half of one; a mark is put on those that are
whole, and the rest is thrown away. The files of the optimiser and of the random numbers are torch's own, which torch
reads with its restricted reader (``weights_only``), never as free pickles.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

SEARCH = "search"
"""What a search of settings keeps there begins with it."""

_IDENTITY = "run.sha256"
_BEST = "best.safetensors"
_WHOLE = "whole"
_STEP = "checkpoint-"


class Checkpoints:
    """The folder of one run.

    Args:
        folder: Where it lies; made where it is absent.
        identity: What the run is, in a word: the files of another run are thrown away.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        told = folder / _IDENTITY
        folder.mkdir(parents=True, exist_ok=True)
        if not told.is_file() or told.read_text(encoding="utf-8") != identity:
            # The name goes last and comes last, so that a kill in between leaves no run under another's name.
            for path in (*folder.glob(f"{_STEP}*"), *folder.glob(f"{SEARCH}*"), *folder.glob(f"{_BEST}*"), told):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            told.write_text(identity, encoding="utf-8")
        for half in self._steps(whole=False):
            shutil.rmtree(half)

    def latest(self) -> Path | None:
        """The last whole checkpoint, or None."""
        return max(self._steps(whole=True), key=_step, default=None)

    def mark(self, step: int) -> None:
        """Say that a step's checkpoint is whole."""
        (self.folder / f"{_STEP}{step}" / _WHOLE).touch()

    def save_best(self, network: nn.Module) -> None:
        """Keep the network as the best so far."""
        draft = self.folder / f"{_BEST}.tmp"
        save_file(network.state_dict(), draft)
        draft.replace(self.folder / _BEST)

    def load_best(self, network: nn.Module) -> None:
        """Put the best network's weights into one of the same make."""
        network.load_state_dict(load_file(self.folder / _BEST))

    def _steps(self, *, whole: bool) -> list[Path]:
        return [path for path in self.folder.glob(f"{_STEP}*") if (path / _WHOLE).exists() == whole]


def _step(path: Path) -> int:
    return int(path.name.removeprefix(_STEP))
