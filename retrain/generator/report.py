"""What is told of a fine-tuned generator: to the registry, to programs, and to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from models.manifest import Precision, encode
from retrain.generator.checkpoints import Epoch
from retrain.generator.options import TuningOptions

if TYPE_CHECKING:
    from pathlib import Path


class GeneratorReport(Struct, frozen=True, kw_only=True):
    """``report.json`` of a version."""

    domain: str
    base: str
    precision: Precision
    options: TuningOptions
    pairs: dict[str, int]
    """Pairs of each part."""
    history: list[Epoch]

    @property
    def best(self) -> Epoch:
        """The epoch whose weights are served."""
        return min(self.history, key=lambda epoch: (epoch.validation_loss, epoch.number))

    @property
    def metrics(self) -> dict[str, Any]:
        """In short, for the manifest."""
        return {
            "validation_loss": self.best.validation_loss,
            "validation_loss_of_base": self.history[0].validation_loss,
            "epoch": self.best.number,
            "pairs": self.pairs,
        }


@dataclass(frozen=True, slots=True)
class Exported:
    """What the registry is to be told of a candidate, beside its files."""

    precision: Precision
    max_tokens: int
    width: int
    metrics: dict[str, Any]
    lineage: dict[str, Any]


def write_report(report: GeneratorReport, out: Path) -> None:
    """Write ``report.json`` and ``report.md``."""
    (out / "report.json").write_bytes(encode(report))
    options = ", ".join(f"{name} {value}" for name, value in msgspec.to_builtins(report.options).items())
    parts = ", ".join(f"{count} {part}" for part, count in report.pairs.items())
    lines = [
        f"# A generator for the domain {report.domain}",
        "",
        f"Fine-tuned from {report.base} ({options}); served in {report.precision}.",
        "",
        f"Pairs: {parts}. The frozen ones are for the gate alone, whose decision lies beside this version.",
        "",
        "| epoch | loss of a token, training | validation |",
        "| ---: | ---: | ---: |",
        *(
            f"| {epoch.number} | {'' if epoch.training_loss is None else f'{epoch.training_loss:.3f}'} "
            f"| {epoch.validation_loss:.3f} |"
            for epoch in report.history
        ),
        "",
        f"Epoch {report.best.number} is served; epoch 0 is the base as it is.",
        "",
    ]
    (out / "report.md").write_text("\n".join(lines), encoding="utf-8")
