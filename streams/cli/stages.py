"""Progress of what takes minutes: a bar a stage on standard error, with the time that is left."""

from __future__ import annotations

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from streams.cli import common


def bars() -> Progress:
    """A place for bars; a context manager."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
    )
    return Progress(*columns, console=common.err)


class Stages:
    """One bar a stage, in the order in which they begin.

    Args:
        progress: From ``bars``.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def move(self, stage: str, done: int, total: int) -> None:
        """Show how much of a stage is done."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
            if not self._progress.console.is_terminal:  # where a bar is drawn only at its end
                self._progress.console.print(f"{stage} ...", highlight=False)
        self._progress.update(self._tasks[stage], completed=done, total=total)
