"""The report on a candidate: for programs as JSON, for people as Markdown."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from msgspec import Struct

from models.markdown import plain, table
from models.quantize import ALLOWED_HEAD_LOSS, ALLOWED_LOSS
from models.report import TrialReport
from models.temperature import Temperature
from retrain.evaluate import EntityReport, HeadReport, PartReport
from retrain.history import Epoch
from retrain.latency import Latency
from retrain.robustness import PerturbationReport
from retrain.rows import Head
from retrain.slices import MIN_SLICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.evaluation import ClassScore

TITLES = {
    "frozen": "The frozen part: never learnt by any version",
    "recent": "The latest messages that were labelled",
    "control": "Of the latest, those that were drawn by lot",
}

_PRECISION = (
    f"int8 is served where it costs the heads less than {100 * ALLOWED_LOSS:.1f} points of F1 in the mean, and no head "
    f"{100 * ALLOWED_HEAD_LOSS:.0f} or more, on the validation part."
)
_CALIBRATION = (
    "Each head's logits are divided by its temperature, fitted on the validation part and folded into the served "
    "weights; no answer changes by it."
)
_LATENCY = "Each text at its fastest of five passes, on the machine that made this version."


class CandidateReport(Struct, frozen=True, kw_only=True):
    """How a version was made and how well it reads what it was not trained on."""

    domain: str
    base: str
    method: str
    adversarial: str
    seed: int
    rows: dict[str, int]
    """Of each part of the data set."""
    precision: str
    quantization: list[TrialReport]
    temperatures: dict[Head, Temperature]
    history: list[Epoch]
    parts: dict[str, PartReport]
    """The frozen part, the recent one, and the control rows of that; those that hold rows. As exported."""
    robustness: list[PerturbationReport]
    """On the frozen part."""
    latency: Latency
    plots: dict[str, str]
    """Titles of the pictures beside it, by file name."""


def to_markdown(report: CandidateReport) -> str:
    """The report for people."""
    lines = [f"# The encoder for {plain(report.domain)}, retrained", "", _summary(report), ""]
    for name, part in report.parts.items():
        lines += [f"## {TITLES[name]}", "", *_part(part), ""]
    for file, title in report.plots.items():
        lines += [f"![{plain(title)}]({file})", ""]
    lines += ["## Robustness", "", *_robustness(report.robustness), ""]
    lines += ["## Calibration", "", _CALIBRATION, "", *_temperatures(report), ""]
    lines += ["## Latency", "", _LATENCY, "", *_latency(report.latency), ""]
    lines += ["## Precision", "", f"{_PRECISION} Served is {report.precision}.", "", *_trials(report.quantization), ""]
    if report.history:
        lines += ["## Training", "", *_history(report.history), ""]
    if "frozen" in report.parts:
        lines += list(_details(report.parts["frozen"]))
    return "\n".join(lines).rstrip() + "\n"


def _summary(report: CandidateReport) -> str:
    rows = ", ".join(f"{count} {part}" for part, count in report.rows.items())
    training = "the heads alone fitted" if report.method == "heads" else f"{report.method} fine-tuning"
    against = "" if report.method == "heads" or report.adversarial == "none" else f" with {report.adversarial}"
    return (
        f"Base {plain(report.base)}, {training}{against}, seed {report.seed}. Rows: {rows}. "
        f"Served as {report.precision}."
    )


def _part(part: PartReport) -> list[str]:
    heads = part.heads
    lines = [f"{part.rows} rows.", ""]
    lines += table(
        ("head", "answers", "accuracy", "macro-F1", "majority accuracy", "majority macro-F1", "calibration error"),
        (
            (
                name, one.answers, one.accuracy, one.macro_f1, one.majority_accuracy, one.majority_macro_f1,
                one.calibration.ece,
            )
            for name, one in heads.items()
        ),
    )  # fmt: skip
    if part.entities is not None:
        lines += ["", *_entities(part.entities)]
    if part.slices:
        lines += ["", f"Slices of at least {MIN_SLICE} answers:", ""]
        lines += table(
            ("slice", "head", "answers", "accuracy", "macro-F1"),
            ((one.slice, one.head, one.answers, one.accuracy, one.macro_f1) for one in part.slices),
        )
    return lines


def _entities(entities: EntityReport) -> list[str]:
    """Entities by word and by character."""
    words, exact = entities.words, entities.exact
    return table(
        ("entities", "labelled", "precision", "recall", "F1", "calibration error"),
        (
            ("by word (seqeval)", words.entities, words.precision, words.recall, words.f1, entities.calibration.ece),
            ("by character", exact.entities, exact.precision, exact.recall, exact.f1, ""),
        ),
    )


def _robustness(reports: Sequence[PerturbationReport]) -> list[str]:
    if not reports:
        return ["Nothing to perturb: the frozen part holds no row."]
    heads = list(dict.fromkeys(head for one in reports for head in one.before))
    rows = (
        (
            one.name,
            one.rows,
            one.same,
            *(f"{one.before[head]:.3f} → {one.after[head]:.3f}" if head in one.before else "" for head in heads),
        )
        for one in reports
    )
    return [
        "F1 before and after, on the same rows of the frozen part:",
        "",
        *table(("with", "rows", "same answer", *heads), rows),
    ]


def _temperatures(report: CandidateReport) -> list[str]:
    return table(
        ("head", "temperature", "labelled", "loss before", "loss after"),
        ((head, one.value, one.items, one.loss_before, one.loss_after) for head, one in report.temperatures.items()),
    )


def _latency(latency: Latency) -> list[str]:
    return table(
        ("texts", "median ms, alone", "95% ms, alone", "ms, in a batch"),
        [(latency.texts, latency.median_ms, latency.p95_ms, latency.batch_ms)],
    )


def _trials(trials: Sequence[TrialReport]) -> list[str]:
    return table(
        ("points of F1 lost by", *trials[0].losses, "mean", "accepted"),
        (
            (
                one.step,
                *(f"{100 * loss:+.1f}" for loss in (*one.losses.values(), fmean(one.losses.values()))),
                one.accepted,
            )
            for one in trials
        ),
    )


def _history(history: Sequence[Epoch]) -> list[str]:
    heads = list(history[0].scores)
    return table(
        ("epoch", "steps", "training loss", "validation loss", *heads),
        (
            (
                one.number,
                one.step,
                "" if one.training_loss is None else one.training_loss,
                one.validation_loss,
                *(one.scores[head] for head in heads),
            )
            for one in history
        ),
    )


def _details(part: PartReport) -> Iterator[str]:
    """Class by class, on the frozen part."""
    for name, head in part.heads.items():
        yield from (f"## Classes of {name}", "", *_classes(_by_support(head)), "")
    if part.entities is not None:
        tokens = part.entities.tokens
        yield from ("## Classes of entities, by word", "", *_classes(part.entities.words.classes), "")
        rows = [*tokens.tags, tokens.micro, tokens.macro, tokens.weighted]
        yield from ("## Tags, word by word", "", *_classes(rows), "")


def _by_support(head: HeadReport) -> list[ClassScore]:
    return sorted(head.classes, key=lambda one: (-one.support, one.name))


def _classes(classes: Sequence[ClassScore]) -> list[str]:
    return table(
        ("class", "precision", "recall", "F1", "labelled"),
        ((one.name, one.precision, one.recall, one.f1, one.support) for one in classes),
    )
