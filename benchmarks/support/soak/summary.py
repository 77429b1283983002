"""From a soak's folder to the figures of its result. Pure."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.support.soak.statistics import latency_quantile, share_mean, slope, windows
from benchmarks.support.soak.timetable import WARM_UP_SHARE, swap_period

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.support.soak.folder import Done, Messages, Phase, Run, Sample

_MIB = float(1 << 20)
_WINDOW_SECONDS = 60.0
_TENTH, _QUARTER = 0.1, 0.25


def summarise(run: Run, samples: Sequence[Sample], acts: Sequence[Done], messages: Messages) -> dict[str, Any]:
    """The figures of a soak.

    Args:
        run: A run whose steady phase is over.
        samples: All of them.
        acts: What became of every act.
        messages: What became of every message.

    Raises:
        ValueError: The steady phase is not over.
    """
    steady = run.steady
    if steady is None or steady.end is None:
        raise ValueError("the steady phase is not over: there is nothing to tell")
    during = [sample for sample in samples if steady.begin <= sample.time < steady.end]
    return {
        "hours": (steady.end - steady.begin) / 3600,
        "messages": _sent(messages, steady),
        "missing": _missing(messages, steady),
        "rss_ratio": _rss_ratio(during, steady),
        "p99_ratio": _p99_ratio(messages, steady),
        **_accounts(messages, steady),
        "strangers": messages.strangers,
        "resent": messages.resent,
        "dead_letters": messages.buried,
        "engine": "kafka",
        "workers": len(during[0].rss) if during else 0,
        "model": run.model,
        "cores": run.cores,
        "messages_per_second": run.messages_per_second,
        "rate_share": run.rate_share,
        "offered_per_second": steady.rate,
        "sent_per_second": steady.sent_per_second,
        "latency_p50_seconds": latency_quantile(messages.sent, messages.answered, steady.begin, steady.end, 50),
        "latency_p99_seconds": latency_quantile(messages.sent, messages.answered, steady.begin, steady.end, 99),
        "latency_p99_seconds_of_minutes": minutes(messages, steady),
        "rss_mib_per_hour": _slopes(during, steady),
        "rss_max_bytes": _highest_rss(during),
        "lag": _lag(during, steady),
        "acts": _acts(acts),
        "overload": _overload(run, samples, messages, _highest_rss(during)),
    }


def minutes(messages: Messages, phase: Phase) -> list[float | None]:
    """99th percentile of the seconds that answers took, minute by minute of what was sent; None where nothing was."""
    told = (
        latency_quantile(messages.sent, messages.answered, begin, end, 99)
        for begin, end in windows(phase.begin, phase.end or phase.begin, _WINDOW_SECONDS)
    )
    return [None if np.isnan(seconds) else round(seconds, 4) for seconds in told]


def _sent(messages: Messages, phase: Phase) -> int:
    return int(np.isfinite(messages.sent[phase.place]).sum())


def _missing(messages: Messages, phase: Phase) -> int:
    """Messages that stand in a topic and have no output."""
    return int((np.isfinite(messages.sent[phase.place]) & (messages.outputs[phase.place] == 0)).sum())


def _accounts(messages: Messages, phase: Phase) -> dict[str, int]:
    """Outputs beyond one for each message, all of which have the id of the first; and what no topic took."""
    outputs = messages.outputs[phase.place]
    return {
        "duplicates": int(np.maximum(outputs - 1, 0).sum()),
        "unsent": phase.messages - _sent(messages, phase),
    }


def _part(phase: Phase, begin: float, end: float) -> tuple[float, float]:
    """Shares of a phase as moments."""
    seconds = (phase.end or phase.begin) - phase.begin
    return phase.begin + begin * seconds, phase.begin + end * seconds


def _total(samples: Iterable[Sample]) -> tuple[list[float], list[float]]:
    whole = [sample for sample in samples if sample.rss]
    most = max((len(sample.rss) for sample in whole), default=0)
    # A sample that lacks a worker would look like memory given back.
    whole = [sample for sample in whole if len(sample.rss) == most]
    return [sample.time for sample in whole], [float(sum(sample.rss.values())) for sample in whole]


def _rss_ratio(samples: Sequence[Sample], phase: Phase) -> float:
    times, sizes = _total(samples)
    last = share_mean(times, sizes, *_part(phase, 1 - _TENTH, 1))
    return last / share_mean(times, sizes, *_part(phase, _TENTH, 2 * _TENTH))


def _p99_ratio(messages: Messages, phase: Phase) -> float:
    quarter = (1 - WARM_UP_SHARE) * _QUARTER
    first, last = (WARM_UP_SHARE, WARM_UP_SHARE + quarter), (1 - quarter, 1.0)
    early, late = (
        latency_quantile(messages.sent, messages.answered, *_part(phase, *shares), 99) for shares in (first, last)
    )
    return late / early


def _slopes(samples: Sequence[Sample], phase: Phase) -> dict[str, dict[str, float]]:
    """MiB an hour after the warm-up, of each worker and of all together, with the 95% interval."""
    begin, end = _part(phase, WARM_UP_SHARE, 1)
    after = [sample for sample in samples if begin <= sample.time]
    period = swap_period(end - phase.begin)
    series = {"all": _total(after)}
    for name in sorted({name for sample in after for name in sample.rss}):
        own = [(sample.time, float(sample.rss[name])) for sample in after if name in sample.rss]
        series[name] = ([time for time, _ in own], [size for _, size in own])
    slopes = {name: slope(times, np.array(sizes) / _MIB, period=period) for name, (times, sizes) in series.items()}
    return {
        name: {"slope": found.per_hour, "low": found.low, "high": found.high}
        for name, found in slopes.items()
        if found is not None
    }


def _highest_rss(samples: Iterable[Sample]) -> int:
    """Of any one worker."""
    return max((size for sample in samples for size in sample.rss.values()), default=0)


def _lag(samples: Sequence[Sample], phase: Phase) -> dict[str, float | None]:
    lags = [sample.lag for sample in samples if sample.lag is not None]
    return {
        "median": median(lags) if lags else None,
        "max": max(lags, default=None),
        "at_end": lags[-1] if lags else None,
        "signals_max": max((sample.signals_lag for sample in samples if sample.signals_lag is not None), default=None),
        "seconds_to_none_after_end": None if phase.drained is None or phase.end is None else phase.drained - phase.end,
    }


def _acts(acts: Sequence[Done]) -> dict[str, Any]:
    swaps = [act.seconds for act in acts if act.kind == "swap" and act.seconds is not None]
    return {
        **{
            kind: dict(Counter(act.outcome for act in acts if act.kind == kind))
            for kind in ("swap", "retraining", "rebalance")
        },
        "killed": sum(act.is_kill and act.outcome == "done" for act in acts),
        "swap_seconds_median": median(swaps) if swaps else None,
        "swap_seconds_max": max(swaps, default=None),
        "retraining_seconds": [round(act.end - act.begin) for act in acts if act.kind == "retraining"],
        "details": [f"{act.kind}: {act.detail}" for act in acts if act.outcome == "failed" or act.kind == "retraining"],
    }


def _overload(run: Run, samples: Sequence[Sample], messages: Messages, steady_rss: int) -> dict[str, Any] | None:
    phase = run.overload
    if phase is None or phase.end is None:
        return None
    until = phase.drained if phase.drained is not None else samples[-1].time
    during = [sample for sample in samples if phase.begin <= sample.time <= until]
    lags = [sample.lag for sample in during if sample.lag is not None]
    fed = [sample.lag for sample in during if sample.lag is not None and sample.time <= phase.end]
    rss = _highest_rss(during)
    at_end = fed[-1] if fed else 0
    drain = None if phase.drained is None else phase.drained - phase.end
    return {
        "seconds": phase.end - phase.begin,
        "offered_per_second": phase.rate,
        "sent_per_second": phase.sent_per_second,
        "times_of_most": phase.sent_per_second / run.messages_per_second,
        "messages": _sent(messages, phase),
        "missing": _missing(messages, phase),
        **_accounts(messages, phase),
        "lag_max": max(lags, default=None),
        "lag_at_end": at_end,
        "signals_lag_max": max((one.signals_lag for one in during if one.signals_lag is not None), default=None),
        "drain_seconds": drain,
        "drain_per_second": at_end / drain if drain else None,
        "drain_seconds_expected": at_end / run.messages_per_second,
        "rss_max_bytes": rss,
        "rss_max_ratio": rss / steady_rss if steady_rss else None,
    }
