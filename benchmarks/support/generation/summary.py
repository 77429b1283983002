"""What the runs of all engines come to."""

from __future__ import annotations

from itertools import chain
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OWN = "tocsin_int8"
_RIVAL = "llama_cpp_q8_0"


def summarise(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], texts: Sequence[Sequence[int]], tokens: int
) -> dict[str, Any]:
    """Medians over all runs, and ratios of them.

    Args:
        runs: What each engine told, a round each.
        texts: Torch's texts, through which each was led.
        tokens: That were written to each prompt.
    """
    written: dict[str, dict[str, float]] = {}
    replies: dict[str, dict[str, float]] = {}
    prompts: dict[str, dict[str, float]] = {}
    for name, told in runs.items():
        for batch in told[0]["timings"]:
            timings = list(chain.from_iterable(one["timings"][batch] for one in told))
            rows = int(batch)
            # The first token of each text comes out of its prompt.
            of_writing = [rows * (tokens - 1) / timing["write_seconds"] for timing in timings]
            of_all = [rows / (timing["prompt_seconds"] + timing["write_seconds"]) for timing in timings]
            written.setdefault(name, {})[batch] = round(median(of_writing), 1)
            replies.setdefault(name, {})[batch] = round(median(of_all), 3)
            prompts.setdefault(name, {})[batch] = round(median(timing["prompt_seconds"] for timing in timings), 3)
    return {
        "tokens_per_second": written,
        "replies_per_second": replies,
        "prompt_seconds": prompts,
        "top1_agreement": {name: _agreement(told[0]["chosen"], texts) for name, told in runs.items()},
        "peak_memory_bytes": {name: max(one["peak_memory_bytes"] for one in told) for name, told in runs.items()},
        **_ratios(written),
    }


def _agreement(chosen: Sequence[Sequence[int]], texts: Sequence[Sequence[int]]) -> float:
    """Share of the places at which an engine chooses the token that torch did."""
    pairs = [
        (one, other) for row, text in zip(chosen, texts, strict=True) for one, other in zip(row, text, strict=True)
    ]
    return round(sum(one == other for one, other in pairs) / len(pairs), 4)


def _ratios(written: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Ours to llama.cpp's single stream at equal bits; none where it was not measured."""
    if _RIVAL not in written:
        return {"ratio_to_llama_cpp_b1": None, "ratio_batched": None}
    alone, own = written[_RIVAL]["1"], written[_OWN]
    return {
        "ratio_to_llama_cpp_b1": round(own["1"] / alone, 3),
        "ratio_batched": round(max(own.values()) / alone, 3),
        "ratio_at_the_same_batch": {batch: round(own[batch] / written[_RIVAL][batch], 3) for batch in own},
    }
