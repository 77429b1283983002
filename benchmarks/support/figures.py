"""From times to figures: rates between quantiles, latencies, medians. Pure."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FEWEST = 10


class Latency(NamedTuple):
    """Quantiles of latencies, in seconds."""

    p50: float
    p99: float
    highest: float
    messages: int


def rate_between(times: Sequence[float], low: float = 0.1, high: float = 0.9) -> float:
    """Events per second between two quantiles of their times, so that start and end of a run do not count.

    Args:
        times: When each event was, in seconds; in any order.
        low: Where measuring begins, as a share of the events.
        high: Where it ends.

    Raises:
        ValueError: There are too few events, or no time passes between the two.
    """
    if len(times) < _FEWEST:
        raise ValueError(f"{len(times)} events are too few for a rate: at least {_FEWEST} are needed")
    ordered = sorted(times)
    first, last = (round(share * (len(ordered) - 1)) for share in (low, high))
    seconds = ordered[last] - ordered[first]
    if seconds <= 0:
        raise ValueError(f"no time passes between the quantiles {low} and {high}: send more messages")
    return (last - first) / seconds


def latency(sent: Mapping[str, float], answered: Mapping[str, float], *, skip_seconds: float = 0.0) -> Latency:
    """How long answers took, by the ids of the messages.

    Args:
        sent: When each message was sent, seconds since the epoch.
        answered: When each was answered.
        skip_seconds: Messages sent so soon after the first are left out: the stream was not yet in its pace.

    Raises:
        ValueError: A message was not answered, or none is left.
    """
    missing = sent.keys() - answered.keys()
    if missing:
        raise ValueError(f"{len(missing)} of {len(sent)} messages were not answered")
    begin = min(sent.values(), default=0.0) + skip_seconds
    seconds = [answered[name] - time for name, time in sent.items() if time >= begin]
    if not seconds:
        raise ValueError("no message is left to measure: send for longer")
    p50, p99 = np.percentile(seconds, (50, 99))
    return Latency(float(p50), float(p99), max(seconds), len(seconds))


def ratio_of_medians(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of one series over the median of another."""
    return median(above) / median(below)


def padding_share(runs: Sequence[Sequence[int]]) -> float:
    """Share of the tokens computed that are padding, where each run is padded to its longest text.

    Args:
        runs: Lengths in tokens of the texts of each run.
    """
    computed = sum(len(run) * max(run) for run in runs)
    return 1.0 - sum(map(sum, runs)) / computed
