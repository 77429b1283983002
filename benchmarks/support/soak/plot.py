"""A soak as a picture: memory, lag and latency over time, with what disturbed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.support.soak.statistics import latency_quantile, windows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.support.soak.folder import Done, Messages, Run, Sample

_DOTS = 110
_COLORS = ("#7a9cc6", "#c0504d", "#6b8e5a")
_ACT_COLORS = {"swap": "#999999", "rebalance": "#d98c3f", "retraining": "#8064a2"}
_MIB = 1 << 20
_MINUTE = 60.0


def plot(path: Path, run: Run, samples: Sequence[Sample], acts: Sequence[Done], messages: Messages) -> None:
    """Draw a soak as PNG, three panels over one time in minutes.

    Args:
        path: Where to.
        run: A run whose steady phase has begun.
        samples: All of them.
        acts: What became of every act.
        messages: What became of every message.
    """
    begin = samples[0].time if run.steady is None else run.steady.begin
    figure = Figure(figsize=(9, 7), layout="constrained")
    memory, lag, latency = figure.subplots(3, 1, sharex=True)
    for color, name in zip(_COLORS, sorted({name for sample in samples for name in sample.rss}), strict=False):
        own = [(sample.time - begin, sample.rss[name]) for sample in samples if name in sample.rss]
        memory.plot([at / _MINUTE for at, _ in own], [size / _MIB for _, size in own], color=color, lw=1, label=name)
    memory.set_ylim(bottom=0)
    memory.set_ylabel("resident memory, MiB")
    told = [(sample.time - begin, sample.lag) for sample in samples if sample.lag is not None]
    lag.plot([at / _MINUTE for at, _ in told], [1 + count for _, count in told], color=_COLORS[0], lw=1)
    lag.set_yscale("log")
    lag.set_ylabel("1 + lag, messages")
    spans = [
        latency_quantile(messages.sent, messages.answered, since, until, 99)
        for since, until in windows(begin, samples[-1].time, _MINUTE)
    ]
    latency.step(np.arange(len(spans)), spans, where="post", color=_COLORS[1], lw=1.2)
    latency.set_yscale("log")
    latency.set_ylabel("p99 of a minute, s")
    latency.set_xlabel("minutes since the feed began")
    for axes in (memory, lag, latency):
        _mark(axes, acts, begin)
        axes.grid(alpha=0.25)
        if run.overload is not None:
            until = run.overload.end or samples[-1].time
            axes.axvspan((run.overload.begin - begin) / _MINUTE, (until - begin) / _MINUTE, color="#f3d9d7", lw=0)
    marks = [Line2D([], [], color=color, lw=1, ls=":", label=kind) for kind, color in _ACT_COLORS.items()]
    handles, _ = memory.get_legend_handles_labels()
    memory.legend(handles=[*handles, *marks], fontsize=7, loc="lower right", ncols=len(handles) + len(marks))
    # Without the library's version, so that equal figures are equal bytes.
    figure.savefig(path, format="png", dpi=_DOTS, metadata={"Software": None})


def _mark(axes: Axes, acts: Sequence[Done], begin: float) -> None:
    for act in acts:
        axes.axvline((act.begin - begin) / _MINUTE, color=_ACT_COLORS[act.kind], lw=0.8, ls=":")
