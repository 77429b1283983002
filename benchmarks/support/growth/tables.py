"""The figures of growth as tables of Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.support.report import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_MICRO, _MILLI = 1e6, 1e3
_MANY = 1_000
"""Subjects from which on their memory is more than what the detector itself needs."""
_KIB, _MIB = float(1 << 10), float(1 << 20)


def tables(figures: Mapping[str, Any]) -> str:
    """One table for each part that was measured."""
    makers: dict[str, Callable[[Any], str]] = {
        "subjects": _subjects,
        "answers": _answers,
        "partitions": _partitions,
        "workers": _workers,
    }
    return "\n".join(make(figures[name]) for name, make in makers.items() if name in figures)


def _subjects(runs: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [
            f"{run['subjects']:,}",
            f"{_MICRO / run['signals_per_second']:.1f}",
            f"{_MICRO / run['signals_per_second_with_checkpoints']:.1f}",
            f"{run['subjects'] * run['memory_bytes_per_subject'] / _MIB:.0f}",
            f"{run['memory_bytes_per_subject'] / _KIB:.1f}" if run["subjects"] >= _MANY else "",
            f"{run['state_bytes_mean']:.0f}",
            f"{run['state_bytes_per_signal']:.0f}",
        ]
        for run in runs
    ]
    head = ["subjects", "µs a signal", "with checkpoints", "memory, MiB", "memory a subject, KiB"]
    return table([*head, "checkpoint a subject, bytes", "written a signal, bytes"], rows)


def _answers(runs: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [
            f"{run['answers']:,}",
            f"{run['build_seconds']:.2f}",
            f"{_MILLI * run['query_p50_seconds']:.2f}",
            f"{_MILLI * run['query_p99_seconds']:.2f}",
            f"{run['memory_bytes'] / _MIB:.0f}",
            f"{run['memory_bytes_per_answer'] / _KIB:.1f}",
            f"{run['found_share']:.0%}",
        ]
        for run in runs
    ]
    head = ["answers", "built in, s", "asked, p50, ms", "p99, ms", "memory, MiB", "memory an answer, KiB"]
    return table([*head, "wanted answer found"], rows)


def _partitions(runs: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [
            f"{run['partitions']}",
            f"{_MICRO * run['incremental_seconds']:.2f}",
            f"{_MICRO * run['one_by_one_seconds']:.2f}",
        ]
        for run in runs
    ]
    return table(["input partitions", "clock, µs a signal", "looking at each, µs a signal"], rows)


def _workers(figures: Mapping[str, Any]) -> str:
    first = figures["runs"][0]
    one = first["messages_per_second"] / first["workers"]
    rows = [
        [
            f"{run['workers']}",
            f"{run['messages_per_second']:.0f}",
            f"{run['messages_per_second'] / one:.2f}",
            f"{run['share_of_waits']:.0%}",
            f"{run['machine_busy']:.0%}",
        ]
        for run in figures["runs"]
    ]
    head = ["workers", "messages/s", "times one worker", "of what the waits allow", "processor use of the machine"]
    wait = _MILLI * figures["seconds_per_text"]
    return f"Each text waits {wait:.2f} ms in the place of being read.\n\n{table(head, rows)}"
