"""From what was measured to the figures of the result, under the names by which its readers know them. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.support.figures import ratio_of_medians

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.support.arithmetic_limit import Limit
    from benchmarks.support.end_to_end import BacklogRun, PacedRun
    from benchmarks.support.profiling import ThreadTime
    from benchmarks.support.runtime_alone import Plan, Timing


@dataclass(frozen=True, slots=True)
class EngineRuns:
    """What was measured on one broker, run by run."""

    pipeline: Sequence[float]
    """(a), messages a second."""
    batched_pipeline: Sequence[float]
    """(a'), likewise."""
    agreement: Mapping[str, float]
    """Share of the texts to which (a) and the served graph give one label, by task."""
    runtime: Sequence[Timing]
    """(b)."""
    backlogs: Sequence[BacklogRun]
    """(c)."""
    plain_backlogs: Sequence[BacklogRun]
    """(c'), which does nothing with what it reads but to publish it."""
    replays: Sequence[BacklogRun]
    """(c''), by the messages' own times."""
    paced: PacedRun
    profile: Mapping[str, ThreadTime]
    """By thread; empty where this machine allows no look into a process."""

    @property
    def tocsin_rates(self) -> list[float]:
        """(c), messages a second."""
        return [run.messages_per_second for run in self.backlogs]

    @property
    def plain_rates(self) -> list[float]:
        """(c'), messages a second."""
        return [run.messages_per_second for run in self.plain_backlogs]

    @property
    def runtime_rates(self) -> list[float]:
        """(b), texts a second."""
        return [run.texts_per_second for run in self.runtime]


def summarise(
    engines: Mapping[str, EngineRuns], *, texts: int, plan: Plan, tried: Sequence[Mapping[str, Any]], limit: Limit
) -> dict[str, Any]:
    """The figures; what differs between brokers is an object with a key for each.

    Args:
        engines: What was measured on each broker.
        texts: How many texts (b) and (c) read.
        plan: How (b) ran them.
        tried: The plans that were tried.
        limit: What the machine's arithmetic would allow.
    """

    def each(figure: Callable[[EngineRuns], Any]) -> dict[str, Any]:
        return {name: figure(runs) for name, runs in engines.items()}

    def middle(attribute: str) -> dict[str, Any]:
        return each(lambda runs: median(getattr(run, attribute) for run in runs.backlogs))

    return {
        "ratio_to_runtime": each(lambda runs: ratio_of_medians(runs.tocsin_rates, runs.runtime_rates)),
        "ratio_to_runtime_reading_alone": each(lambda runs: ratio_of_medians(runs.plain_rates, runs.runtime_rates)),
        "ratio_to_pipeline": each(lambda runs: ratio_of_medians(runs.tocsin_rates, runs.pipeline)),
        "ratio_to_batched_pipeline": each(lambda runs: ratio_of_medians(runs.tocsin_rates, runs.batched_pipeline)),
        "messages_per_second": middle("messages_per_second"),
        "latency_p50_seconds": each(lambda runs: runs.paced.latency.p50),
        "latency_p99_seconds": each(lambda runs: runs.paced.latency.p99),
        "latency_load_per_second": each(lambda runs: runs.paced.offered_per_second),
        "rss_bytes": each(lambda runs: max(run.rss_peak_bytes for run in runs.backlogs)),
        "rss_steady_bytes": middle("rss_steady_bytes"),
        "worker_cores": middle("worker_cores"),
        "broker_cores": middle("broker_cores"),
        "texts": texts,
        "runs": each(
            lambda runs: {
                "pipeline": runs.pipeline,
                "batched_pipeline": runs.batched_pipeline,
                "agreement_of_torch": runs.agreement,
                "runtime": runs.runtime_rates,
                "tocsin": [asdict(run) for run in runs.backlogs],
                "tocsin_reading_alone": [asdict(run) for run in runs.plain_backlogs],
                "tocsin_replaying": [asdict(run) for run in runs.replays],
                "paced": {"latency": runs.paced.latency._asdict(), "worker_cores": runs.paced.worker_cores},
            }
        ),
        "runtime_alone": {
            "plan": asdict(plan),
            "tokenising_share": median(run.tokenising_share for runs in engines.values() for run in runs.runtime),
            "tried": tried,
        },
        "arithmetic": asdict(limit),
        "profile": each(lambda runs: {thread: time._asdict() for thread, time in runs.profile.items()}),
    }
