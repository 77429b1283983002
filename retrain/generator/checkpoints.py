"""A generator's training run that was killed goes on from here: one file, written whole or not at all.

Everything is in safetensors, numbers in its header as JSON; nothing is pickled. What a run consists of is hashed, so
that the checkpoint of another one is never taken up.
"""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from retrain.generator.lessons import Lesson
    from retrain.generator.options import TuningOptions

_FILE = "training.safetensors"
_PLACE = "place"


class Epoch(Struct, frozen=True, kw_only=True):
    """One pass over the pairs; number 0 is the base as it is."""

    number: int
    training_loss: float | None
    """Mean of an answer's token, in nats; None of the base."""
    validation_loss: float
    """Likewise."""


class Place(Struct, frozen=True, kw_only=True):
    """Where in its training a run stands."""

    identity: str
    epoch: int
    """The pass that is under way, from 1."""
    learnt: int
    """Pairs of it that are learnt."""
    loss: float
    """Summed over them."""
    tokens: int
    """Of their answers."""
    history: list[Epoch]


def identity(base: str, end: int, parts: Sequence[Sequence[Lesson]], options: TuningOptions) -> str:
    """Hash of all that the result follows from.

    Args:
        base: SHA-256 of the base weights.
        end: Id of the token that ends a turn.
        parts: Lessons that are learnt, and those that are validated on.
        options: How.
    """
    told = repr((base, end, [[(lesson.prompt, list(lesson.ids)) for lesson in part] for part in parts], options))
    return sha256(told.encode()).hexdigest()


class Checkpoint:
    """The checkpoint of one run.

    Args:
        folder: The run's own.
        run: What the run is, from ``identity``.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self._path = folder / _FILE
        self._run = run

    def save(self, place: Place, tensors: Mapping[str, Tensor]) -> None:
        """Keep where a run stands, in the place of what was kept before."""
        draft = self._path.with_suffix(".tmp")
        whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        save_file(whole, draft, metadata={_PLACE: msgspec.json.encode(place).decode()})
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(self._path)

    def load(self) -> tuple[Place, dict[str, Tensor]] | None:
        """Where the run stood; None where nothing of it is kept, or it cannot be read."""
        if not self._path.is_file():
            return None
        try:
            with safe_open(self._path, "pt") as kept:
                place = msgspec.json.decode(kept.metadata()[_PLACE], type=Place)
                if place.identity != self._run:
                    return None
                return place, {name: kept.get_tensor(name) for name in kept.keys()}  # noqa: SIM118  it is no mapping
        except (SafetensorError, msgspec.DecodeError, KeyError, TypeError, OSError):
            return None
