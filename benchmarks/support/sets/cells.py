"""What is measured, one cell at a time, each kept as soon as it is there: a run that was stopped goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from benchmarks.support.sets.judging import Figures
from streams.contract.model_settings import RetrainSettings

if TYPE_CHECKING:
    from pathlib import Path

Rival = Literal["words", "plain"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One way to learn one set, once.

    Attributes:
        corpus: Name of the set.
        way: Name of the way.
        seed: Of all that is drawn.
    """

    corpus: str
    way: str
    seed: int

    @property
    def name(self) -> str:
        """For a file."""
        return f"{self.corpus}.{self.way}.{self.seed}"


JOINED = "joined"
"""The way that learns several sets as one model: one run gives a cell of each."""

WAYS: dict[str, RetrainSettings | Rival] = {
    "words": "words",
    "plain": "plain",
    "heads": RetrainSettings(method="heads"),
    "frozen": RetrainSettings(method="frozen"),
    "lora": RetrainSettings(method="lora"),
    "full": RetrainSettings(method="full"),
    "full_fgm": RetrainSettings(method="full", adversarial="fgm"),
    "full_freelb": RetrainSettings(method="full", adversarial="freelb"),
    # Half the epochs: four sets together make more steps in two than any of them alone in four.
    JOINED: RetrainSettings(method="full", epochs=2),
}
"""Each way by its name; Tocsin's own with the settings' defaults."""

TITLES = {
    "words": "TF-IDF + linear SVM",
    "plain": "plain recipe, 3 epochs",
    "heads": "**heads alone** (no torch)",
    "frozen": "**frozen**, upper layers",
    "lora": "**LoRA**",
    "full": "**full**",
    "full_fgm": "**full**, FGM",
    "full_freelb": "**full**, FreeLB",
    JOINED: "**full**, one model of four sets, 2 epochs",
}


def cells(corpora: list[str], thorough: str, together: list[str], seeds: list[int]) -> list[Cell]:
    """What is measured, cheapest first.

    Args:
        corpora: Names of the sets.
        thorough: The set on which every way is tried.
        together: Sets that are learnt as one model too, one for each head.
        seeds: The first one comes before all others.
    """
    # Of entities nobody makes words alone a model.
    found = [Cell(corpus, "words", seeds[0]) for corpus in corpora if corpus != "conll2003"]
    found += [Cell(corpus, way, seeds[0]) for way in ("heads", "full") for corpus in corpora]
    found += [Cell(corpus, JOINED, seeds[0]) for corpus in together]
    found += [Cell(thorough, way, seed) for way in WAYS if way not in {"words", JOINED} for seed in seeds]
    found += [Cell(corpus, "full", seed) for corpus in corpora for seed in seeds]
    return list(dict.fromkeys(found))


def kept(folder: Path, cell: Cell) -> Figures | None:
    """The figures of a cell that was measured before."""
    path = folder / f"{cell.name}.json"
    return msgspec.json.decode(path.read_bytes(), type=Figures) if path.exists() else None


def keep(folder: Path, cell: Cell, figures: Figures) -> None:
    """Keep the figures of a cell."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{cell.name}.json").write_bytes(msgspec.json.encode(figures))
