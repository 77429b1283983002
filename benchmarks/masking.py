"""What masking costs a message, against asking the phone library about every text in every country.

    python benchmarks/masking.py

The texts are the finance domain's seed examples, which hold hardly any personal data, as a stream does; and the same
texts each with one piece of it, which no stream does. Prints a table and writes ``benchmarks/results/masking.json``.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING

from phonenumbers import PhoneNumberMatcher
from rich.console import Console
from rich.table import Table

from benchmarks.support.machine import describe_machine
from benchmarks.support.results import write_result
from streams.contract.domain import load_domain
from streams.contract.examples import load_seed
from streams.contract.masking import find, mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROUNDS = 7
_RIVAL_TEXTS = 300
_COUNTRIES = (None, "US", "GB", "DE", "FR", "IN", "CN", "JP", "AU")
_PIECES = (
    "jane.doe@example.com",
    "+44 20 7946 0958",
    "4111 1111 1111 1111",
    "GB82 WEST 1234 5698 7654 32",
    "536-90-4399",
    "11010519491231002X",
    "13800138000",
    "020 7946 0958",
)


def main() -> None:
    """Measure, print and write."""
    machine = describe_machine()
    texts = [example.text for example in load_seed(load_domain("finance"))]
    personal = [f"{text} {piece}" for text, piece in zip(texts, cycle(_PIECES), strict=False)]
    few = texts[:_RIVAL_TEXTS]
    rows = {
        "mask": _microseconds(mask, texts),
        "mask_personal": _microseconds(mask, personal),
        "phone_matcher_one_country": _microseconds(_match_one, few),
        "phone_matcher_every_country": _microseconds(_match_every, few),
    }
    masked = sum(map(bool, map(find, texts)))
    table = Table("approach", "microseconds a message", title=f"{len(texts)} finance texts, {masked} of them masked")
    for name, cost in rows.items():
        table.add_row(name, f"{cost:.1f}")
    Console().print(table)
    figures = {
        **{f"{name}_microseconds": round(cost, 2) for name, cost in rows.items()},
        "ratio_to_phone_matcher": round(rows["phone_matcher_every_country"] / rows["mask"], 1),
        "texts": len(texts),
        "texts_masked": masked,
        "characters_mean": round(sum(map(len, texts)) / len(texts), 1),
        "rounds": _ROUNDS,
        "libraries": {name: version(name) for name in ("phonenumberslite", "python-stdnum")},
    }
    Console().print(f"written: {write_result('masking', figures, machine=machine).name}")


def _match_one(text: str) -> object:
    return list(PhoneNumberMatcher(text, "US"))


def _match_every(text: str) -> object:
    return [match for country in _COUNTRIES for match in PhoneNumberMatcher(text, country)]


def _microseconds(do: Callable[[str], object], texts: Sequence[str]) -> float:
    """Processor time a text: the median of several passes after one to warm up, whatever else the machine does."""
    passes = []
    for _ in range(_ROUNDS + 1):
        started = time.process_time()
        for text in texts:
            do(text)
        passes.append((time.process_time() - started) / len(texts) * 1e6)
    return median(passes[1:])


if __name__ == "__main__":
    main()
