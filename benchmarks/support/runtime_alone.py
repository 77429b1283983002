"""(b) The bare runtime: tokenise, run the served graph, nothing else. No Kafka, no readings, no JSON.

It may do what a stream cannot: see all texts at once, sort them all by length, and run them in the order, sizes and
threads that prove fastest on this machine. So it is the most that any stream around this graph can reach.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime

from benchmarks.support.machine import physical_cores
from benchmarks.support.real_messages import load_messages
from benchmarks.support.rooms import tell
from benchmarks.support.served_version import ServedVersion, served_version
from models.sessions import open_session
from models.tokens import TextTokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TOKENISED_AT_ONCE = 1024
_WARM_UP_TEXTS = 256
_SEARCHED_TEXTS = 1024
_FINALISTS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How the texts are run."""

    texts: int
    """Most texts in a run."""
    tokens: int | None
    """Most tokens in a run, padding included; None is no limit."""
    threads: int
    """Threads of one run; 0 is one a physical core."""
    lanes: int
    """Runs at the same time."""
    spinning: bool
    """Whether the runtime's threads spin between operators."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One measured pass over all texts."""

    texts_per_second: float
    tokenising_share: float
    """Share of the time in which texts became tokens."""


def cut_into_runs(lengths: Sequence[int], *, texts: int, tokens: int | None) -> list[list[int]]:
    """Part texts into runs, longest first, so that memory is laid out once and the last runs are short.

    Args:
        lengths: Tokens of each text.
        texts: Most texts in a run.
        tokens: Most tokens in a run, padding included; a longer text runs alone. None is no limit.

    Returns:
        Places of the texts of each run.
    """
    runs: list[list[int]] = []
    room = 0
    for place in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if room == 0:
            runs.append([])
            room = texts if tokens is None else max(1, min(texts, tokens // lengths[place]))
        runs[-1].append(place)
        room -= 1
    return runs


def candidates(cores: int, *, quick: bool) -> list[Plan]:
    """Every plan that is tried.

    Args:
        cores: Physical cores.
        quick: Try a few only.
    """
    sizes: list[tuple[int, int | None]] = [(size, None) for size in ((16,) if quick else (8, 16, 24, 32))]
    budgets = [] if quick else [(256, budget) for budget in (512, 1024, 2048)]
    # Spinning means nothing to a run of one thread.
    modes = {(0, 1, False), (0, 1, True), (1, cores, False)}
    return [
        Plan(texts, tokens, threads, lanes, spinning)
        for (texts, tokens), (threads, lanes, spinning) in product([*sizes, *budgets], sorted(modes))
    ]


class BareRuntime:
    """The served graph and its tokeniser under one plan, warmed up.

    Args:
        version: The model version.
        plan: How texts are run.
        texts: Texts to warm up on.
    """

    def __init__(self, version: ServedVersion, plan: Plan, texts: Sequence[str]) -> None:
        self._plan = plan
        self._outputs = version.reading_outputs
        self._tokenizer = TextTokenizer(version.tokenizer, version.manifest.max_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = plan.threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False
        self._session = open_session(version.graph, options, spinning=plan.spinning)
        self.measure(texts[:_WARM_UP_TEXTS])

    def measure(self, texts: Sequence[str]) -> Timing:
        """Run all texts once, and tell how fast."""
        started = time.perf_counter()
        encoded = [
            text
            for first in range(0, len(texts), _TOKENISED_AT_ONCE)
            for text in self._tokenizer.encode(texts[first : first + _TOKENISED_AT_ONCE])
        ]
        tokenised = time.perf_counter()
        runs = cut_into_runs([len(text.ids) for text in encoded], texts=self._plan.texts, tokens=self._plan.tokens)

        def run(places: Iterable[int]) -> None:
            tokens = self._tokenizer.pad([encoded[place] for place in places])
            self._session.run(self._outputs, tokens._asdict())

        if self._plan.lanes == 1:
            for places in runs:
                run(places)
        else:
            with ThreadPoolExecutor(self._plan.lanes) as lanes:
                list(lanes.map(run, runs))  # so that what a run raises is raised here
        seconds = time.perf_counter() - started
        return Timing(len(texts) / seconds, (tokenised - started) / seconds)


def find_fastest(version: ServedVersion, texts: Sequence[str], *, quick: bool) -> tuple[Plan, list[dict[str, Any]]]:
    """Try every plan on some of the texts, the best few again on all.

    Returns:
        The fastest plan, and what each plan reached on some, best first.
    """
    some = texts[:: max(1, len(texts) // _SEARCHED_TEXTS)]
    tried = []
    for plan in candidates(physical_cores(), quick=quick):
        timing = BareRuntime(version, plan, some).measure(some)
        tried.append((timing.texts_per_second, plan))
        sys.stderr.write(f"  bare runtime, {plan}: {timing.texts_per_second:.0f} texts/s\n")
    tried.sort(key=lambda pair: pair[0], reverse=True)
    finals = [
        (BareRuntime(version, plan, texts).measure(texts).texts_per_second, plan) for _, plan in tried[:_FINALISTS]
    ]
    fastest = max(finals, key=lambda pair: pair[0])[1]
    return fastest, [asdict(plan) | {"texts_per_second": round(rate, 1)} for rate, plan in tried]


def main() -> None:
    """Search for the fastest plan, or measure the one given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registry", type=Path, required=True)
    parser.add_argument("--texts", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plan", type=json.loads, help="As JSON; searched for where absent.")
    given = parser.parse_args()
    version = served_version(given.registry)
    texts = [message.text for message in load_messages(given.texts)]
    if given.plan is None:
        plan, tried = find_fastest(version, texts, quick=given.quick)
        tell({"plan": asdict(plan), "tried": tried})
    else:
        tell(asdict(BareRuntime(version, Plan(**given.plan), texts).measure(texts)))


if __name__ == "__main__":
    main()
