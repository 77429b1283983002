"""How far a rate is from what the machine's arithmetic would allow."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any

from benchmarks.support.figures import padding_share
from benchmarks.support.multiply_adds import work_of_graph
from benchmarks.support.rooms import run_room
from benchmarks.support.runtime_alone import Plan, cut_into_runs
from models.batching import sub_batches
from models.tokens import TextTokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.support.served_version import ServedVersion
    from streams.contract.settings import Settings

# They choose kernels for another processor or cache than this one's, where somebody set them.
_BLAS_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_FLOPS_OF_MULTIPLY_ADD = 2


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit that matrix products set, on given texts."""

    tokens_per_text: float
    multiply_adds_per_text: float
    int8_share: float
    """Share of the multiply-adds that are int8."""
    texts_per_second: float
    """If products were all there is, at the machine's best rate for each precision, without padding."""
    padding_of_runtime: float
    """Share of padding among the tokens that the bare runtime computes."""
    padding_of_worker: float
    """Likewise of a worker that reads the same texts in order of arrival."""
    rates: dict[str, Any]
    """What was measured, 10^9 operations a second; a multiply-add is two."""


def measure_rates(width: int, tokens: int) -> dict[str, Any]:
    """The machine's rates of matrix products, measured in a process of its own."""
    rates: dict[str, Any] = run_room(
        "arithmetic", ["--width", str(width), "--tokens", str(tokens)], without=_BLAS_VARIABLES
    )
    return rates


def arithmetic_limit(
    version: ServedVersion, texts: Sequence[str], plan: Plan, settings: Settings, rates: Mapping[str, Any]
) -> Limit:
    """The limit of a model version on these texts.

    Args:
        version: The model version.
        texts: In order of arrival.
        plan: How the bare runtime runs them.
        settings: How a worker batches them.
        rates: As from ``measure_rates``.
    """
    lengths = [len(text.ids) for text in TextTokenizer(version.tokenizer, version.manifest.max_tokens).encode(texts)]
    work = work_of_graph(version.graph).of(lengths)
    fastest = {
        kind: max(rate for name, rate in rates.items() if name.endswith("gigaflops") and kind in name) * 1e9
        for kind in ("int8", "fp32")
    }
    seconds = _FLOPS_OF_MULTIPLY_ADD * (work.int8 / fastest["int8"] + work.fp32 / fastest["fp32"])
    size = settings.enrich.batch_max
    batches = [lengths[first : first + size] for first in range(0, len(lengths), size)]
    of_worker = [
        [batch[place] for place in run] for batch in batches for run in sub_batches(batch, settings.model.sub_batch)
    ]
    of_runtime = [
        [lengths[place] for place in run] for run in cut_into_runs(lengths, texts=plan.texts, tokens=plan.tokens)
    ]
    return Limit(
        tokens_per_text=mean(lengths),
        multiply_adds_per_text=(work.int8 + work.fp32) / len(lengths),
        int8_share=work.int8 / (work.int8 + work.fp32),
        texts_per_second=len(lengths) / seconds,
        padding_of_runtime=padding_share(of_runtime),
        padding_of_worker=padding_share(of_worker),
        rates=dict(rates),
    )
