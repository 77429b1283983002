"""Turns a tuned network into a version's files: precision settled, calibrated, measured as it will serve."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.centre import centred
from models.export import as_served, code_version, draft, parity_samples, settle, write_companions
from models.manifest import encode
from models.quantize import try_steps
from models.report import TrialReport
from models.running import OpenGraph
from models.runtime import MODEL
from models.sessions import open_session
from models.temperature import fold
from models.training_reference import REFERENCE, describe
from models.training_reference import encode as encode_reference
from retrain.answers import answer
from retrain.calibration import fit_temperatures
from retrain.dataset import write as write_snapshot
from retrain.evaluate import evaluate, headline
from retrain.latency import measure
from retrain.page import to_page
from retrain.parts import ask
from retrain.plots import confusion_plot, reliability_plot
from retrain.report import CandidateReport, to_markdown
from retrain.robustness import robustness
from retrain.snapshot import PARTS
from streams.contract.domain import load_domain
from streams.contract.examples import load_seed
from streams.contract.masking import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from models.base_files import BaseWeights
    from models.heads import Heads
    from models.manifest import Precision
    from models.quantize import Trial
    from models.runtime import Encoder
    from models.temperature import Temperature
    from models.tokens import TextTokenizer
    from retrain.answers import RowAnswer
    from retrain.dataset import Dataset
    from retrain.evaluate import PartReport
    from retrain.robustness import PerturbationReport
    from retrain.rows import Head, Row
    from retrain.tuned import Tuned
    from streams.contract.settings import Settings

    Tell = Callable[[str, int, int], None]

_SCRATCH = "trial.onnx"
_RELIABILITY = "reliability.png"
_ENOUGH_BY_LOT = 300
"""Messages of a kind: fewer say less of the stream than more that were chosen."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What the registry is to be told of a candidate, beside its files.

    Attributes:
        precision: Of the served graph.
        max_tokens: Longest text.
        width: Of the embedding.
        metrics: Its evaluation, in short.
        lineage: What it was made from, as far as making it knows.
        report: Its evaluation, in full.
    """

    precision: Precision
    max_tokens: int
    width: int
    metrics: dict[str, Any]
    lineage: dict[str, Any]
    report: CandidateReport


def export(
    tuned: Tuned,
    dataset: Dataset,
    tokenizer: TextTokenizer,
    weights: BaseWeights,
    settings: Settings,
    out: Path,
    tell: Tell | None = None,
) -> Exported:
    """Write a candidate's files, all but its manifest.

    Precision and temperatures are chosen on the validation part; the frozen and the recent part are looked at once,
    when all is decided, and what is measured on them is what will be served.

    Args:
        tuned: What fine-tuning gave.
        dataset: What it was made from.
        tokenizer: The base's, cut to the longest text.
        weights: The base, whose tokenizer and licences go with the version.
        settings: The application's.
        out: An empty folder.
        tell: Told of a stage's name, and how much of it is done, of how much.

    Raises:
        OSError: The files cannot be written.
    """
    tell = tell or _silent
    labels = dataset.labels
    heads, trials, temperatures = _calibrated(tuned, dataset, tokenizer, out, tell)
    domain = load_domain(settings.domain)
    # Those that a first model was centred by: a trunk that did not change keeps its vectors.
    seed = [example.text for example in load_seed(domain) if not example.held_out]
    trunk = centred(tuned.trunk, tokenizer, seed or [row.text for row in dataset.train])
    draft(trunk, heads, out)
    precision = settle(trunk, out, trials[-1])
    texts = _fit_to_keep([*dataset.frozen, *dataset.validation])
    write_companions(out, weights, labels, parity_samples(out / MODEL, tokenizer, labels, texts, precision))
    write_snapshot(dataset, out)

    encoder = as_served(out, precision=precision, max_tokens=tokenizer.max_tokens, width=tuned.trunk.width)
    unseen = _unseen(dataset)
    reference = describe(encoder, dataset.train, unseen, lambda done, total: tell("reference", done, total))
    (out / REFERENCE).write_bytes(encode_reference(reference))

    parts, perturbed = _judged(encoder, dataset, tell)
    report = CandidateReport(
        domain=domain.name,
        base=weights.name,
        method=tuned.settings.method,
        adversarial=tuned.settings.adversarial,
        seed=tuned.settings.seed,
        rows={part: len(dataset.part(part)) for part in PARTS},
        precision=precision,
        quantization=[TrialReport(step=one.step.name, accepted=one.accepted, losses=one.losses) for one in trials],
        temperatures=temperatures,
        history=tuned.history,
        parts=parts,
        robustness=perturbed,
        latency=measure([encoder], [row.text for row in unseen])[0],
        plots=_plots(parts, out),
    )
    _write(report, out)
    return Exported(
        precision=precision,
        max_tokens=tokenizer.max_tokens,
        width=tuned.trunk.width,
        metrics=_metrics(report),
        lineage={
            "base": weights.name,
            "base_sha256": weights.sha256,
            "domain": report.domain,
            "seed": report.seed,
            "method": report.method,
            "data_sha256": dataset.sha256,
            "code_version": code_version(),
        },
        report=report,
    )


def _calibrated(
    tuned: Tuned, dataset: Dataset, tokenizer: TextTokenizer, out: Path, tell: Tell
) -> tuple[Heads, list[Trial], dict[Head, Temperature]]:
    """Choose the precision, then fit the temperatures to the graph in that precision.

    The heads stay in fp32 whatever the rest is, so that a temperature can be folded into them afterwards.
    """
    rows, labels = dataset.validation, dataset.labels
    asked: list[list[RowAnswer]] = []

    def figures(path: Path) -> dict[str, float]:
        stage = f"validation {len(asked) + 1}"
        graph = OpenGraph(open_session(path), tokenizer, labels)
        asked.append(answer(graph, rows, lambda done, total: tell(stage, done, total)))
        return headline(rows, asked[-1], labels)

    scratch = out / _SCRATCH
    try:
        trials = try_steps(draft(tuned.trunk, tuned.heads, out), scratch, figures)
    finally:
        scratch.unlink(missing_ok=True)
    # Of the fp32 graph are the first, of the last way to quantise the last.
    temperatures = fit_temperatures(rows, asked[-1 if trials[-1].accepted else 0], labels)
    return fold(tuned.heads, {str(head): one for head, one in temperatures.items()}), trials, temperatures


def _judged(encoder: Encoder, dataset: Dataset, tell: Tell) -> tuple[dict[str, PartReport], list[PerturbationReport]]:
    """Every test part that holds rows, and the frozen one perturbed."""
    asked = ask(encoder, dataset, lambda done, total: tell("evaluation", done, total))
    parts: dict[str, PartReport] = {
        name: evaluate(rows, answers, dataset.train, dataset.labels) for name, (rows, answers) in asked.items()
    }
    if "frozen" not in asked:
        return parts, []
    return parts, robustness(encoder, *asked["frozen"], lambda done, total: tell("robustness", done, total))


def _fit_to_keep(rows: Sequence[Row]) -> list[str]:
    """Texts that may go with a version to every worker: seed examples first, then messages without personal data."""
    return [mask(row.text, handles=True) for row in sorted(rows, key=lambda row: row.origin != "seed")]


def _unseen(dataset: Dataset) -> list[Row]:
    """What the stream is to be compared with: of each kind what was drawn by lot from it, where that is enough."""
    every = [*dataset.validation, *dataset.frozen, *dataset.recent]
    by_lot = Counter(row.kind for row in every if row.control)
    return [row for row in every if row.control or by_lot[row.kind] < _ENOUGH_BY_LOT]


def _plots(parts: Mapping[str, PartReport], out: Path) -> dict[str, str]:
    """Draw what the frozen part shows; titles by file name."""
    if "frozen" not in parts:
        return {}
    frozen = parts["frozen"]
    titles = {}
    for name, head in frozen.heads.items():
        if head.confusion is not None:
            file, titles[file] = f"confusion-{name}.png", f"Confusion of {name}, on the frozen part"
            confusion_plot(out / file, titles[file], head.confusion)
    heads = {name: head.calibration for name, head in frozen.heads.items()}
    if frozen.entities is not None:
        heads["entities"] = frozen.entities.calibration
    titles[_RELIABILITY] = "Reliability of the heads, on the frozen part"
    reliability_plot(out / _RELIABILITY, titles[_RELIABILITY], heads)
    return titles


def _write(report: CandidateReport, out: Path) -> None:
    markdown = to_markdown(report)
    (out / "report.json").write_bytes(encode(report))
    (out / "report.md").write_text(markdown, encoding="utf-8")
    (out / "report.html").write_text(to_page(markdown, [out / file for file in report.plots]), encoding="utf-8")


def _metrics(report: CandidateReport) -> dict[str, Any]:
    """Figures of the frozen part under the names that a first model's have, those of the others under their part's."""
    parts = {name: _figures(part) for name, part in report.parts.items()}
    return {
        **parts.pop("frozen", {}),
        **parts,
        "temperature": {head: one.value for head, one in report.temperatures.items()},
        "latency_ms": report.latency.median_ms,
    }


def _figures(part: PartReport) -> dict[str, dict[str, float]]:
    figures = {
        head: {"accuracy": one.accuracy, "macro_f1": one.macro_f1, "ece": one.calibration.ece}
        for head, one in part.heads.items()
    }
    if part.entities is not None:
        exact = part.entities.exact
        figures["entities"] = {"precision": exact.precision, "recall": exact.recall, "f1": exact.f1}
    return figures


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody wants to know."""
