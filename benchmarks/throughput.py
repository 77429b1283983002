"""How fast Tocsin reads a stream, beside what a user would write and beside the bare runtime; how late, how large, why.

One run on one machine: (a) a consumer loop around the same model in torch, (b) the bare runtime on the same texts
without Kafka, (c) Tocsin end to end through a broker, (c') the same with nothing done to what is read but to publish
it, (c'') a replay of the messages by their own times, in which years pass. (b) and all (c) take turns, since machines
are noisy; what is told are medians. docs/performance.md tells the method; ``--quick`` only shows that everything runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.support.arithmetic_limit import arithmetic_limit, measure_rates
from benchmarks.support.end_to_end import run_backlog, run_paced
from benchmarks.support.machine import describe_machine
from benchmarks.support.profiling import ProfileError, profile_backlog
from benchmarks.support.real_messages import RealDataError, load_messages
from benchmarks.support.report import tables, update_page
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.rooms import RoomError, run_room
from benchmarks.support.runtime_alone import Plan, Timing
from benchmarks.support.served_version import served_version
from benchmarks.support.stream import Stream, UnansweredError, forget_own_settings
from benchmarks.support.summary import EngineRuns, summarise
from benchmarks.support.worker_process import WorkerError
from models.manifest import VersionError
from streams.brokers.errors import BrokerError
from streams.brokers.jars import find_java, kafka_classpath
from streams.brokers.kafka import ApacheKafkaBroker
from streams.brokers.tansu import TansuBroker
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from benchmarks.support.profiling import ThreadTime
    from benchmarks.support.real_messages import RealMessage
    from streams.brokers.broker import Broker

_ENGINES = ("tansu", "kafka")
_JARS = ROOT / ".tocsin" / "kafka"
_PAGE = ROOT / "docs" / "performance.md"
_BATCH = 32
# A layer's product is measured on as many rows as a usual run has tokens: 16 texts of about 20.
_LAYER_TOKENS = 320
_PROFILE_SECONDS = 10.0
_QUIET_TORCH = {"TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    messages: int = 6_000
    rounds: int = 3
    pipeline_messages: int = 150
    batched_messages: int = 10 * _BATCH
    paced_seconds: float = 30.0


_QUICK = Sizes(messages=600, rounds=1, pipeline_messages=12, batched_messages=_BATCH, paced_seconds=5.0)


class Benchmark:
    """Measures on one broker after the other.

    Args:
        registry: Folder of the model versions.
        sizes: How much is measured.
        workspace: A folder that goes away.
    """

    def __init__(self, registry: Path, sizes: Sizes, workspace: Path) -> None:
        self.version = served_version(registry)
        self._dated: list[RealMessage] = load_messages(sizes.messages)
        self.messages = [message.of_now() for message in self._dated]
        self._registry = registry
        self._sizes = sizes
        self._workspace = workspace

    def search_plan(self, *, quick: bool) -> tuple[Plan, list[dict[str, Any]]]:
        """The bare runtime's fastest plan, and all that were tried."""
        _say("(b) bare runtime: searching for its fastest plan")
        found = self._bare_runtime(["--quick"] if quick else [])
        return Plan(**found["plan"]), found["tried"]

    def run_on(self, broker: Broker, plan: Plan) -> EngineRuns:
        """Everything that is measured on one broker, which runs meanwhile and idles while it is not asked."""
        name = broker.engine
        _say(f"{name}: warming up")
        run_backlog(broker, self._registry, self.messages[: max(100, len(self.messages) // 6)], self._workspace)
        runtime, backlogs, plain_backlogs, replays = [], [], [], []
        for number in range(1, self._sizes.rounds + 1):
            runtime.append(Timing(**self._bare_runtime(["--plan", json.dumps(asdict(plan))])))
            _say(f"{name}, round {number}: (b) bare runtime {runtime[-1].texts_per_second:.0f} texts/s")
            backlogs.append(run_backlog(broker, self._registry, self.messages, self._workspace))
            _say(f"{name}, round {number}: (c) Tocsin {backlogs[-1].messages_per_second:.0f} messages/s")
            plain_backlogs.append(
                run_backlog(broker, self._registry, self.messages, self._workspace, reading_alone=True)
            )
            _say(f"{name}, round {number}: (c') reading alone {plain_backlogs[-1].messages_per_second:.0f} messages/s")
            replays.append(run_backlog(broker, self._registry, self._dated, self._workspace))
            _say(f"{name}, round {number}: (c'') replay {replays[-1].messages_per_second:.0f} messages/s")
        single, batched = [], []
        for number in range(1, self._sizes.rounds + 1):
            single.append(self._torch_loop(broker, self._sizes.pipeline_messages, 1))
            batched.append(self._torch_loop(broker, self._sizes.batched_messages, _BATCH))
            rates = [runs[-1]["messages_per_second"] for runs in (single, batched)]
            _say(f"{name}, round {number}: (a) torch loop {rates[0]:.1f} messages/s, (a') {rates[1]:.1f}")
        rate = median(run.messages_per_second for run in backlogs)
        _say(f"{name}: latency at {rate / 2:.0f} messages/s")
        paced = run_paced(broker, self._registry, rate / 2, self._sizes.paced_seconds, self._workspace)
        return EngineRuns(
            pipeline=[run["messages_per_second"] for run in single],
            batched_pipeline=[run["messages_per_second"] for run in batched],
            agreement=batched[-1]["agreement"],
            runtime=runtime,
            backlogs=backlogs,
            plain_backlogs=plain_backlogs,
            replays=replays,
            paced=paced,
            profile=self._profile(broker, rate),
        )

    def _bare_runtime(self, arguments: list[str]) -> Any:  # noqa: ANN401  any JSON
        texts = str(len(self.messages))
        return run_room("runtime_alone", ["--registry", str(self._registry), "--texts", texts, *arguments])

    def _torch_loop(self, broker: Broker, count: int, batch: int) -> Any:  # noqa: ANN401  any JSON
        arguments = ["--registry", str(self._registry), "--count", str(count), "--batch", str(batch)]
        with Stream(broker, self._registry, load_messages(count)) as stream:
            return run_room("torch_loop", arguments, variables=stream.environment | _QUIET_TORCH)

    def _profile(self, broker: Broker, rate: float) -> dict[str, ThreadTime]:
        """Where the time goes; nothing where this machine allows no look into a process."""
        seconds = min(_PROFILE_SECONDS, max(1.0, len(self.messages) / rate / 2))
        _say(f"{broker.engine}: profiling for {seconds:.0f} s")
        try:
            return profile_backlog(broker, self._registry, self.messages, seconds, self._workspace)
        except ProfileError as error:
            _say(f"no profile: {error}")
            return {}


def _broker(engine: str, workspace: Path) -> Broker:
    if engine == "tansu":
        return TansuBroker()
    return ApacheKafkaBroker(workspace / "kafka", jars=_JARS, on_progress=_say)


def _say(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


def run(registry: Path, engines: list[str], *, quick: bool) -> None:
    """Measure, print the tables, and keep the figures where all was measured in full."""
    machine = describe_machine()
    if "kafka" in engines:
        # What is missing is told before anything is measured, and what is to be fetched disturbs nothing.
        find_java()
        kafka_classpath(_JARS, lambda name: _say(f"fetching Apache Kafka: {name}"))
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        workspace = Path(folder)
        forget_own_settings(workspace)
        benchmark = Benchmark(registry, _QUICK if quick else Sizes(), workspace)
        _say("the machine's arithmetic")
        rates = measure_rates(benchmark.version.manifest.width, _LAYER_TOKENS)
        plan, tried = benchmark.search_plan(quick=quick)
        of_engines: dict[str, EngineRuns] = {}
        for engine in engines:
            with _broker(engine, workspace) as broker:
                of_engines[engine] = benchmark.run_on(broker, plan)
        texts = [message.text for message in benchmark.messages]
        limit = arithmetic_limit(benchmark.version, texts, plan, Settings(), rates)
    figures = summarise(of_engines, texts=len(texts), plan=plan, tried=tried, limit=limit)
    content = tables(figures)
    print(content)
    if not quick and set(engines) == set(_ENGINES):
        _say(f"written: {write_result('throughput', figures, machine=machine)}")
        update_page(_PAGE, content)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="A smoke run of a minute or two; writes nothing.")
    parser.add_argument("--engine", choices=_ENGINES, help="One broker only; writes nothing.")
    parser.add_argument("--registry", type=Path, default=ROOT / ".tocsin" / "registry", help="Of the model versions.")
    given = parser.parse_args()
    engines = [given.engine] if given.engine else list(_ENGINES)
    try:
        run(given.registry.resolve(), engines, quick=given.quick)
    except (RealDataError, VersionError, BrokerError, WorkerError, UnansweredError, RoomError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
