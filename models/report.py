"""The report on a model that was made: for programs as JSON, for people as Markdown."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from msgspec import Struct

from models.evaluation import ClassScore, Evaluation, HeadScore, SpanScore
from models.markdown import table
from models.quantize import ALLOWED_HEAD_LOSS, ALLOWED_LOSS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class TrialReport(Struct, frozen=True, kw_only=True):
    """One way to quantise that was tried, and the F1 that each head lost by it on the validation part."""

    step: str
    accepted: bool
    losses: dict[str, float]


class Report(Struct, frozen=True, kw_only=True):
    """How a model was made and how well it reads what it was not trained on."""

    domain: str
    base: str
    seed: int
    training_examples: int
    validation_examples: int
    """Of the training ones: those on which the precision was chosen, by heads that were not fitted on them."""
    held_out_examples: int
    seconds: float
    precision: str
    served: Evaluation
    """Of the served graph, on the held-out part."""
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
    lines += table(
        ("head", "examples", "accuracy", "macro-F1", "majority accuracy", "majority macro-F1"),
        (
            (name, head.examples, head.accuracy, head.macro_f1, head.majority_accuracy, head.majority_macro_f1)
            for name, head in heads
        ),
    )
    lines += ["", _entities_line(served.entities), "", "## Precision", "", _torch_line(report.torch_difference)]
    lines += [_precision_line(report.validation_examples), ""]
    lines += table(
        ("points of F1 lost by", *report.quantization[0].losses, "mean", "accepted"),
        ((trial.step, *_points(trial.losses.values()), trial.accepted) for trial in report.quantization),
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


def _precision_line(examples: int) -> str:
    return (
        f"int8 is served where it costs the heads less than {100 * ALLOWED_LOSS:.1f} points of F1 in the mean, and no "
        f"head {100 * ALLOWED_HEAD_LOSS:.0f} or more. That was measured on {examples} of the training examples, with "
        "heads fitted on the others; those that are served were then fitted on all."
    )


def _points(losses: Collection[float]) -> list[str]:
    """Each loss in points, and their mean."""
    return [f"{100 * loss:+.1f}" for loss in (*losses, fmean(losses))]


def _torch_line(difference: float | None) -> str:
    if difference is None:
        return "The fp32 graph was not compared with torch, which is not installed."
    return f"The fp32 graph differs from torch by {difference:.1e} at most."


def _classes(classes: Sequence[ClassScore]) -> list[str]:
    return table(
        ("class", "precision", "recall", "F1", "examples"),
        ((one.name, one.precision, one.recall, one.f1, one.support) for one in classes),
    )
