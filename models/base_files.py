"""What a folder of base weights consists of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
NOTICES = ("LICENSE", "NOTICE")


class WeightsError(ValueError):
    """Base weights cannot be had or are not what they should be; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class BaseWeights:
    """A folder with ``model.safetensors``, ``config.json`` and ``tokenizer.json``."""

    name: str
    """The base as the settings name it."""
    folder: Path
    sha256: str
    """Of ``model.safetensors``."""

    @property
    def notices(self) -> list[Path]:
        """Licence files that came with the weights and go with what is made of them."""
        return [file for name in NOTICES if (file := self.folder / name).is_file()]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
