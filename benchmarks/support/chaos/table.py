"""The table of faults: for the terminal, and for docs/reliability.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from benchmarks.support.report import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SUMS = ("inputs", "outputs", "dead_letters", "missing", "duplicates_told_by_id", "duplicates_untold")
_HEAD = ("inputs", "outputs", "dead letters", "missing", "repeats, told by id", "untold")


def rows(tried: Sequence[Mapping[str, Any]]) -> Table:
    """For the terminal."""
    shown = Table(Column("fault", no_wrap=True), "held", *_HEAD, "seconds", title="Faults")
    for entry in tried:
        shown.add_row(entry["name"], _held(entry), *_sums(entry), f"{entry['seconds']:.0f}")
    return shown


def markdown(tried: Sequence[Mapping[str, Any]]) -> str:
    """For the page: what is promised and how it was tried, then the sums."""
    promises = table(
        ["fault", "promise", "how it is tried", "held"],
        [[f"`{entry['name']}`", entry["promise"], entry["tried"], _held(entry)] for entry in tried],
    )
    sums = table(
        ["fault", *_HEAD, "what else was seen"],
        [[f"`{entry['name']}`", *_sums(entry), entry["seen"]] for entry in tried],
    )
    return f"{promises}\n{sums}"


def _held(entry: Mapping[str, Any]) -> str:
    return "yes" if entry["held"] else "NO"


def _sums(entry: Mapping[str, Any]) -> Iterable[str]:
    return (str(entry[name]) for name in _SUMS)
