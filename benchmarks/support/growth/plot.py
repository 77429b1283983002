"""The figures of growth as one picture of four panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

_DOTS = 110
_BLUE, _RED, _GREY = "#7a9cc6", "#c0504d", "#999999"
_MICRO, _MILLI = 1e6, 1e3


def plot(path: Path, figures: Mapping[str, Any]) -> None:
    """Draw all four parts as PNG."""
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    (subjects, answers), (partitions, workers) = figure.subplots(2, 2)
    _subjects(subjects, figures["subjects"])
    _answers(answers, figures["answers"])
    _partitions(partitions, figures["partitions"])
    _workers(workers, figures["workers"]["runs"])
    for axes in (subjects, answers, partitions, workers):
        axes.grid(alpha=0.25)
        axes.legend(fontsize=7)
        axes.tick_params(labelsize=8)
    # Without the library's version, so that equal figures are equal bytes.
    figure.savefig(path, format="png", dpi=_DOTS, metadata={"Software": None})


def _subjects(axes: Axes, runs: list[dict[str, Any]]) -> None:
    counts = [run["subjects"] for run in runs]
    for name, label, color in (
        ("signals_per_second", "counted", _BLUE),
        ("signals_per_second_with_checkpoints", "and kept in checkpoints", _RED),
    ):
        axes.plot(counts, [_MICRO / run[name] for run in runs], "o-", ms=4, color=color, label=label)
    axes.set_xscale("log")
    _name(axes, "Surge detection", "subjects", "µs a signal")


def _answers(axes: Axes, runs: list[dict[str, Any]]) -> None:
    counts = [run["answers"] for run in runs]
    for name, label, color in (("query_p50_seconds", "p50", _BLUE), ("query_p99_seconds", "p99", _RED)):
        axes.plot(counts, [_MILLI * run[name] for run in runs], "o-", ms=4, color=color, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    _name(axes, "A search for answers", "answers", "ms")


def _partitions(axes: Axes, runs: list[dict[str, Any]]) -> None:
    counts = [run["partitions"] for run in runs]
    for name, label, color in (("incremental", "as it is", _BLUE), ("one_by_one", "looking at each", _GREY)):
        axes.plot(counts, [_MICRO * run[f"{name}_seconds"] for run in runs], "o-", ms=4, color=color, label=label)
    _name(axes, "Event time of all partitions", "input partitions", "µs a signal")


def _workers(axes: Axes, runs: list[dict[str, Any]]) -> None:
    counts = [run["workers"] for run in runs]
    axes.plot(counts, [run["messages_per_second"] for run in runs], "o-", ms=4, color=_BLUE, label="measured")
    one = runs[0]["messages_per_second"] / runs[0]["workers"]
    axes.plot(counts, [one * count for count in counts], "--", lw=1, color=_GREY, label="so many times one")
    _name(axes, "Workers that wait where they would compute", "workers", "messages/s")


def _name(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    # What grows is to be seen from nought.
    if axes.get_yscale() == "linear":
        axes.set_ylim(bottom=0)
