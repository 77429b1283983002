"""Turns a trunk and its heads into the files that a version serves from.

A first model and a retrained one leave here in the same form: the graph in the precision that was settled, the fp32
embedder beside an int8 one, the tokenizer, the labels, and samples by which a loader checks that it answers alike.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import onnx

from models.bert import embedder
from models.encoder_graph import encoder_model
from models.files import describe
from models.manifest import Manifest, Parity, encode
from models.parity import record
from models.quantize import quantize
from models.runtime import EMBEDDER, LABELS, MODEL, PARITY, TOKENIZER, Encoder
from models.sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.base_files import BaseWeights
    from models.bert import Trunk
    from models.heads import Heads
    from models.manifest import Labels, ParitySample, Precision
    from models.quantize import Trial
    from models.tokens import TextTokenizer

DRAFT = "fp32.onnx"
"""The graph in fp32, before its precision is settled; no version holds it."""

_SUB_BATCH = 16
_PARITY_CANDIDATES = 64
_PARITY_SAMPLES = 8
# int8 kernels of another processor round otherwise; fp32 ones differ by far less.
_PARITY_TOLERANCE = {"int8": 0.5, "fp32": 0.01}


def draft(trunk: Trunk, heads: Heads, out: Path) -> Path:
    """Write the trunk and its heads as one graph in fp32; the path of it."""
    path = out / DRAFT
    onnx.save(encoder_model(trunk, heads), path)
    return path


def settle(trunk: Trunk, out: Path, last: Trial) -> Precision:
    """Leave the graph that is served, made of the draft, and the embedder, which is needed beside an int8 one alone.

    Args:
        trunk: The encoder, of which the embedder is made.
        out: The folder that holds the draft.
        last: Of the ways to quantise that were tried, the last: it is taken where it was accepted.
    """
    if last.accepted:
        quantize(out / DRAFT, out / MODEL, last.step)
        onnx.save(embedder(trunk), out / EMBEDDER)
        (out / DRAFT).unlink()
        return "int8"
    (out / DRAFT).replace(out / MODEL)
    return "fp32"


def parity_samples(
    path: Path, tokenizer: TextTokenizer, labels: Labels, texts: Sequence[str], precision: Precision
) -> Parity:
    """Record the texts of which the model is surest: another processor's rounding must not change their labels.

    Args:
        path: The served graph.
        tokenizer: Its tokenizer.
        labels: Names of its outputs.
        texts: One at least, fit to be kept in the version; of many, the first are looked at.
        precision: Of the graph.
    """
    samples = record(open_session(path), tokenizer, texts[:_PARITY_CANDIDATES])
    surest = sorted(samples, key=lambda sample: _margin(sample, labels), reverse=True)[:_PARITY_SAMPLES]
    return Parity(tolerance=_PARITY_TOLERANCE[precision], samples=tuple(surest))


def write_companions(out: Path, weights: BaseWeights, labels: Labels, parity: Parity) -> None:
    """Write what a graph is served with: tokenizer, the base's licences, labels and parity samples."""
    shutil.copyfile(weights.folder / TOKENIZER, out / TOKENIZER)
    for notice in weights.notices:
        shutil.copyfile(notice, out / notice.name)
    (out / LABELS).write_bytes(encode(labels))
    (out / PARITY).write_bytes(encode(parity))


def as_served(out: Path, *, precision: Precision, max_tokens: int, width: int) -> Encoder:
    """The files of a version that nobody has registered yet, read as they will be.

    Args:
        out: The folder of the files.
        precision: Of the served graph.
        max_tokens: Longest text.
        width: Of the embedding.
    """
    manifest = Manifest(
        name="draft",
        version=1,
        created=datetime.now(UTC),
        files={path.name: describe(path) for path in out.iterdir()},
        precision=precision,
        max_tokens=max_tokens,
        width=width,
        metrics={},
        lineage={},
    )
    return Encoder(out, manifest, threads=0, sub_batch=_SUB_BATCH)


def code_version() -> str:
    """Of this application, for a version's lineage."""
    try:
        return version("tocsin")
    except PackageNotFoundError:
        return "unknown"


def _margin(sample: ParitySample, labels: Labels) -> float:
    """How far the answer is from another one, where that is least."""
    margins = [
        # Of several topics each is a question of its own, which zero parts.
        min(map(abs, sample.topic_logits)) if labels.topic_mode == "multi" else _lead(sample.topic_logits),
        _lead(sample.sentiment_logits),
    ]
    if len(sample.intent_logits) > 1:
        margins.append(_lead(sample.intent_logits))
    return min(margins)


def _lead(logits: Sequence[float]) -> float:
    """How far the likeliest label is ahead of the next."""
    *_, second, first = sorted(logits)
    return first - second
