"""Makes a domain's first model from its seed examples, without torch, in a few minutes on two cores.

The trunk stays as it is: each text runs through it once, the heads are fitted on what comes out, and both become one
graph. Fine-tuning the trunk itself is retraining's work.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from models.base_files import WeightsError
from models.bert import load_trunk, open_tokenizer
from models.centre import centred
from models.domain_labels import domain_labels
from models.export import as_served, code_version, draft, parity_samples, settle, write_companions
from models.features import collect
from models.heads import plan_for
from models.manifest import Precision, encode
from models.reference import largest_difference
from models.report import Report, TrialReport, to_markdown
from models.runtime import MODEL
from models.sessions import open_session
from models.temperature import fold
from models.training_reference import REFERENCE, describe
from models.training_reference import encode as encode_reference
from models.weights import resolve
from models.workshop import Training, Workshop
from streams.contract.domain import Domain, DomainError
from streams.contract.examples import Example, load_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Progress = Callable[[str, int, int], None]

_REFERENCE_TEXTS = 32


@dataclass(frozen=True, slots=True)
class BootstrapResult:
    """What was made, beside the files."""

    metrics: dict[str, Any]
    lineage: dict[str, Any]
    precision: Precision
    width: int
    """Of the embedding."""
    report: Report


def bootstrap(
    *,
    base: str,
    domain: Domain,
    out: Path,
    cache: Path,
    max_tokens: int,
    seed: int = 13,
    on_progress: Progress | None = None,
) -> BootstrapResult:
    """Make a version's files, all but its manifest.

    Args:
        base: Base weights, as the settings name them.
        domain: The domain, with its seed examples.
        out: An empty folder for the files.
        cache: Folder in which fetched weights are kept.
        max_tokens: Longest text.
        seed: The same seed, data and machine give the same bytes.
        on_progress: Told of a stage's name, and how much of it is done, of how much.

    Raises:
        WeightsError: The base weights cannot be had or are no BERT-like encoder.
        DomainError: The seed examples cannot be read, or too few to hold any out.
    """
    return make(
        load_seed(domain),
        base=base,
        domain=domain,
        out=out,
        cache=cache,
        max_tokens=max_tokens,
        seed=seed,
        on_progress=on_progress,
    )


def make(
    examples: Sequence[Example],
    *,
    base: str,
    domain: Domain,
    out: Path,
    cache: Path,
    max_tokens: int,
    seed: int,
    on_progress: Progress | None = None,
) -> BootstrapResult:
    """Make a version's files from given examples of a domain; all else as in ``bootstrap``."""
    began = time.monotonic()
    tell = on_progress or _silent
    learnt = [example for example in examples if not example.held_out]
    held_out = [example for example in examples if example.held_out]
    if len(learnt) < 2 or not held_out:  # noqa: PLR2004  one to fit on, and one to validate on
        raise DomainError(
            f"{domain.folder / 'seed'}: {len(learnt)} examples to learn from and {len(held_out)} held out "
            "(a fifth, by a hash of the text); write more"
        )
    labels = domain_labels(domain)

    tell("base weights", 0, 1)
    weights = resolve(base, cache)
    trunk = load_trunk(weights.folder)
    if max_tokens > trunk.max_tokens:
        raise WeightsError(f"model.max_tokens = {max_tokens}, but {base} reads {trunk.max_tokens} at most")
    tokenizer = open_tokenizer(weights.folder, trunk, max_tokens)
    plan = plan_for(trunk.layers)
    tell("base weights", 1, 1)

    texts = [example.text for example in learnt]
    features = collect(trunk, plan, tokenizer, texts, lambda done, total: tell("features", done, total))
    workshop = Workshop(trunk, plan, tokenizer, labels, seed, tell)
    training = Training(learnt, features)

    # What int8 costs is measured on a part of its own: the held-out part is looked at once, when all is decided.
    fitted, validation = training.parted(seed)
    strengths = workshop.strengths(fitted)
    tried = workshop.fit(fitted, strengths, "heads on trial")
    trials = workshop.try_int8(tried, fitted, validation, out)
    # Strongly held heads are too modest: a probability is to mean what it says, since replies and alerts go by it.
    heads = fold(workshop.fit(training, strengths, "heads"), workshop.temperatures(tried, validation))
    trunk = centred(trunk, tokenizer, texts)
    difference = largest_difference(
        open_session(draft(trunk, heads, out)),
        weights.folder,
        heads,
        tokenizer,
        _of_many_lengths(texts, _REFERENCE_TEXTS),
        centre=trunk.centre,
    )
    precision = settle(trunk, out, trials[-1])
    served = workshop.judge(out / MODEL, held_out, training, "evaluation")
    report = Report(
        domain=domain.name,
        base=base,
        seed=seed,
        training_examples=len(learnt),
        validation_examples=len(validation.examples),
        held_out_examples=len(held_out),
        seconds=time.monotonic() - began,
        precision=precision,
        served=served,
        quantization=[TrialReport(step=one.step.name, accepted=one.accepted, losses=one.losses) for one in trials],
        torch_difference=difference,
    )
    parity = parity_samples(out / MODEL, tokenizer, labels, [example.text for example in held_out], precision)
    write_companions(out, weights, labels, parity)
    (out / "report.json").write_bytes(encode(report))
    (out / "report.md").write_text(to_markdown(report), encoding="utf-8")
    encoder = as_served(out, precision=precision, max_tokens=max_tokens, width=trunk.width)
    reference = describe(encoder, learnt, held_out, lambda done, total: tell("reference", done, total))
    (out / REFERENCE).write_bytes(encode_reference(reference))
    return BootstrapResult(
        metrics=_metrics(report),
        lineage={
            "base": base,
            "base_sha256": weights.sha256,
            "domain": domain.name,
            "seed": seed,
            "data_sha256": hashlib.sha256(msgspec.json.encode(list(examples))).hexdigest(),
            "code_version": code_version(),
            "parent": None,
        },
        precision=precision,
        width=trunk.width,
        report=report,
    )


def _of_many_lengths(texts: Sequence[str], count: int) -> list[str]:
    """Texts evenly spread over the lengths that there are."""
    by_length = sorted(texts, key=len)
    return by_length[:: max(1, len(by_length) // count)][:count]


def _metrics(report: Report) -> dict[str, Any]:
    served = report.served
    heads = {"topic": served.topic, "sentiment": served.sentiment, "intent": served.intent, "towards": served.towards}
    metrics: dict[str, Any] = {
        name: {"accuracy": head.accuracy, "macro_f1": head.macro_f1} for name, head in heads.items() if head is not None
    }
    metrics["entities"] = {
        "precision": served.entities.precision,
        "recall": served.entities.recall,
        "f1": served.entities.f1,
    }
    return metrics


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody wants to know."""
