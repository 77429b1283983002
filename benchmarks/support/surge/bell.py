"""Tocsin's own statistics, driven window by window."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from benchmarks.support.surge.alarms import Alarm
from streams.logic.surge.panel import Counts, Panel

if TYPE_CHECKING:
    from benchmarks.support.surge.traffic import Traffic
    from streams.contract.settings import SurgeSettings
    from streams.logic.surge.panel import Transition


class Bell:
    """One signals partition of a desk, and what of it fires.

    Args:
        settings: Of surge detection.
        partitions: Of the signals topic; each has its part of the budget.
    """

    def __init__(self, settings: SurgeSettings, partitions: int) -> None:
        self._panel = Panel(settings, partitions=partitions)
        self.firing: set[str] = set()

    def close(self, traffic: Traffic, row: int) -> list[Transition]:
        """Close one window.

        Returns:
            Those that begin to fire; a rise of the level or an end is none.
        """
        negative, volume = traffic.negative[row].tolist(), traffic.volume[row].tolist()
        if traffic.copies is None:
            counts = {
                name: Counts(negative=bad, total=every)
                for name, bad, every in zip(traffic.names, negative, volume, strict=True)
                if every
            }
        else:
            of = zip(
                negative,
                volume,
                traffic.copies.negative[row].tolist(),
                traffic.copies.volume[row].tolist(),
                strict=True,
            )
            counts = {
                name: Counts(negative=bad, total=every, negative_copies=bad_copies, copies=copies)
                for name, (bad, every, bad_copies, copies) in zip(traffic.names, of, strict=True)
                if every or copies
            }
        begun = []
        for transition in self._panel.close(traffic.first + row, counts):
            if transition.status == "resolved":
                self.firing.discard(transition.subject)
            elif transition.subject not in self.firing:
                self.firing.add(transition.subject)
                begun.append(transition)
        return begun

    def fork(self) -> Bell:
        """Another with the same past, to see what would happen if."""
        return copy.deepcopy(self)


def alarms_of(traffic: Traffic, settings: SurgeSettings, partitions: int) -> list[Alarm]:
    """Every alarm of one partition from the first window on."""
    bell = Bell(settings, partitions)
    place = {name: subject for subject, name in enumerate(traffic.names)}
    return [
        Alarm(row, place[transition.subject])
        for row in range(len(traffic.negative))
        for transition in bell.close(traffic, row)
    ]
