"""What changing the model costs a running stream: two workers on Apache Kafka at half of their limit, and 30 swaps.

The versions differ in their label sets and in what they answer. Raw outputs are counted, before any are made one:
each input must have exactly one output, by its id. The 99th percentile of latency is that of the messages sent while
a swap was under way, over that of the messages sent in calm times: before the first, between any two, after the last.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks.support.machine import describe_machine
from benchmarks.support.real_messages import RealDataError, load_messages
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.rooms import RoomError
from benchmarks.support.served_version import served_version
from benchmarks.support.stream import UnansweredError, forget_own_settings
from benchmarks.support.swap.ledger import percentile
from benchmarks.support.swap.run import SwapBench, SwapError, measure_capacity
from benchmarks.support.swap.versions import register_variants
from benchmarks.support.worker_process import WorkerError
from models.manifest import VersionError
from models.registry import Registry
from models.runtime import Encoder
from streams.brokers.errors import BrokerError
from streams.brokers.jars import find_java, kafka_classpath
from streams.brokers.kafka import ApacheKafkaBroker
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.support.real_messages import RealMessage
    from benchmarks.support.swap.run import SwapRun

_JARS = ROOT / ".tocsin" / "kafka"
_VARIANTS = 3
"""Never the version before, which is still at hand and would be taken back without being loaded."""
_SWAPS = 30
_FIRST_AT_REST = 3
_BACKLOG = 6000
_CALM_SECONDS = 60.0
# As long as most swaps are: what else a machine does, and what the stream does every few minutes, meets both alike.
_REST_SECONDS = 10.0
_COMPARED_TEXTS = 200


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swaps", type=int, default=_SWAPS, help="How many; fewer write nothing.")
    parser.add_argument("--rate", type=float, help="Messages a second; half of what the workers manage where absent.")
    parser.add_argument(
        "--calm", type=float, default=_CALM_SECONDS, help="Seconds of calm before the first and after the last."
    )
    parser.add_argument("--registry", type=Path, default=ROOT / ".tocsin" / "registry", help="Of the model versions.")
    given = parser.parse_args()
    if given.swaps < _FIRST_AT_REST:
        parser.error(f"--swaps: at least {_FIRST_AT_REST}, since memory is compared with that after the third")
    try:
        _measure(given.registry.resolve(), given.swaps, given.rate, given.calm)
    except (RealDataError, VersionError, BrokerError, WorkerError, UnansweredError, RoomError, SwapError) as error:
        sys.exit(f"error: {error}")


def _measure(registry: Path, swaps: int, rate: float | None, calm_seconds: float) -> None:
    machine = describe_machine()
    find_java()
    kafka_classpath(_JARS, lambda name: _say(f"fetching Apache Kafka: {name}"))
    with tempfile.TemporaryDirectory(prefix="tocsin-swap-") as folder:
        workspace = Path(folder)
        forget_own_settings(workspace)
        messages = load_messages(_BACKLOG)
        variants = Registry(str(workspace / "registry"))
        numbers = register_variants(variants, served_version(registry), _VARIANTS, workspace)
        name = Settings().model.name
        variants.set_alias(name, "champion", numbers[0])
        changed = _answers_changed(variants, numbers, messages)
        with ApacheKafkaBroker(workspace / "kafka", jars=_JARS, on_progress=_say) as broker:
            if rate is None:
                _say("what two workers manage")
                rate = measure_capacity(broker, workspace / "registry", messages, workspace / "capacity") / 2
            _say(f"{swaps} swaps at {rate:.0f} messages/s")
            bench = SwapBench(broker, variants, numbers, rate, workspace / "swaps", _say)
            run = bench.run(swaps, calm_seconds, _REST_SECONDS, workspace / "registry")
    figures = _figures(run, rate, changed)
    _print(figures)
    if swaps >= _SWAPS:
        _say(f"written: {write_result('swap', figures, machine=machine)}")


def _answers_changed(registry: Registry, numbers: Sequence[int], messages: Sequence[RealMessage]) -> float:
    """Least share of texts that two versions which follow each other give different topics."""
    model = Settings().model
    texts = [message.text for message in messages[:_COMPARED_TEXTS]]
    topics = []
    for number in numbers:
        folder = registry.fetch(model.name, number, model.cache)
        encoder = Encoder.load(folder, threads=model.threads, sub_batch=model.sub_batch)
        topics.append([reading.topics for reading in encoder.read(texts)])
    pairs = [(topics[place], topics[(place + 1) % len(topics)]) for place in range(len(topics))]
    return min(sum(one != other for one, other in zip(*pair, strict=True)) / len(texts) for pair in pairs)


def _figures(run: SwapRun, rate: float, changed: float) -> dict[str, Any]:
    ledger = run.ledger
    calm, swapping = ledger.latencies(run.calm), ledger.latencies(run.swapping)
    p99_calm, p99_swapping = percentile(calm, 99), percentile(swapping, 99)
    return {
        "engine": "kafka",
        "workers": 2,
        "swaps": len(run.swapping),
        "missing": ledger.missing,
        "duplicates": ledger.duplicates,
        "p99_ratio": p99_swapping / p99_calm,
        "rss_ratio": run.rss_bytes[-1] / run.rss_bytes[_FIRST_AT_REST - 1],
        "messages": len(ledger.sent),
        "outputs": ledger.outputs,
        "dead_letters": ledger.buried,
        "offered_per_second": rate,
        "messages_while_swapping": len(swapping),
        "messages_while_calm": len(calm),
        "latency_p50_seconds": percentile(calm, 50),
        "latency_p99_seconds": p99_calm,
        "swapping_latency_p50_seconds": percentile(swapping, 50),
        "swapping_latency_p99_seconds": p99_swapping,
        "swap_seconds_median": median(run.seconds),
        "swap_seconds_max": max(run.seconds),
        "swapping_latency_p99_seconds_each": [percentile(ledger.latencies([one]), 99) for one in run.swapping],
        "rss_bytes": run.rss_bytes,
        "rss_bytes_calm": run.rss_bytes_calm,
        "answers_changed": changed,
        "label_sets": {model: sorted(map(len, sets)) for model, sets in sorted(ledger.labels_of_model.items())},
        "answers": dict(sorted(ledger.answers_of_model.items())),
    }


def _print(figures: dict[str, Any]) -> None:
    table = Table("what", "value", title=f"{figures['swaps']} swaps, two workers, Apache Kafka")
    for name, value in figures.items():
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    Console().print(table)


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
