"""The report on a model that was made: for programs as JSON, for people as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from models.evaluation import ClassScore, Evaluation, HeadScore, SpanScore
from models.quantize import ALLOWED_LOSS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class TrialReport(Struct, frozen=True, kw_only=True):
    """One way to quantise that was tried, and the held-out F1 that each head lost by it."""

    step: str
    accepted: bool
    losses: dict[str, float]


class Report(Struct, frozen=True, kw_only=True):
    """How a model was made and how well it reads what it was not trained on."""

    domain: str
    base: str
    seed: int
    training_examples: int
    held_out_examples: int
    seconds: float
    precision: str
    served: Evaluation
    """Of the served graph."""
    fp32: dict[str, float]
    """Figures of the fp32 graph."""
    quantization: list[TrialReport]
    torch_difference: float | None
    """Largest absolute difference of the fp32 graph from torch; None where torch is not installed."""


def to_markdown(report: Report) -> str:
    """The report for people."""
    served = report.served
    heads: list[tuple[str, HeadScore]] = [("topic", served.topic), ("sentiment", served.sentiment)]
    if served.intent is not None:
        heads.append(("intent", served.intent))
    heads.append(("sentiment towards entities", served.towards))
    lines = [f"# The encoder for {report.domain}, made from its seed examples", ""]
    lines += [_summary(report), ""]
    lines += _table(
        ("head", "examples", "accuracy", "macro-F1", "majority accuracy", "majority macro-F1"),
        (
            (name, head.examples, head.accuracy, head.macro_f1, head.majority_accuracy, head.majority_macro_f1)
            for name, head in heads
        ),
    )
    lines += ["", _entities_line(served.entities), "", "## Precision", "", _torch_line(report.torch_difference)]
    lines += [f"int8 is served where no head loses {100 * ALLOWED_LOSS:.1f} points of F1 or more against fp32.", ""]
    lines += _table(
        ("points of F1 lost by", *report.fp32, "accepted"),
        (
            (trial.step, *(f"{100 * trial.losses[head]:+.1f}" for head in report.fp32), trial.accepted)
            for trial in report.quantization
        ),
    )
    for name, classes in [*((name, head.classes) for name, head in heads), ("entities", served.entities.classes)]:
        lines += ["", f"## {name.capitalize()}", "", *_classes(classes)]
    return "\n".join(lines) + "\n"


def _summary(report: Report) -> str:
    return (
        f"Base {report.base}, seed {report.seed}; fitted on {report.training_examples} examples in "
        f"{report.seconds:.0f} s, measured on {report.held_out_examples} held out. Served as {report.precision}."
    )


def _entities_line(entities: SpanScore) -> str:
    return (
        f"Entities, right where type and both ends are: precision {entities.precision:.3f}, recall "
        f"{entities.recall:.3f}, F1 {entities.f1:.3f} over {entities.entities}."
    )


def _torch_line(difference: float | None) -> str:
    if difference is None:
        return "The fp32 graph was not compared with torch, which is not installed."
    return f"The fp32 graph differs from torch by {difference:.1e} at most."


def _classes(classes: Sequence[ClassScore]) -> list[str]:
    return _table(
        ("class", "precision", "recall", "F1", "examples"),
        ((one.name, one.precision, one.recall, one.f1, one.support) for one in classes),
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [header, ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
