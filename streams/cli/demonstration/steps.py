"""What takes its time before the play, told as it goes and when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.markup import escape

from streams.cli import common


@dataclass
class Step:
    """Something that takes its time."""

    tell: Callable[[str], None]
    """Says what is being waited for."""
    done: str = ""
    """What is said in the end."""


@contextmanager
def step_of(doing: str) -> Iterator[Step]:
    """Show that something is being done, and say what was done and how long it took."""
    started = time.monotonic()
    with common.err.status(doing) as status:
        step = Step(lambda detail: status.update(f"{doing}: {escape(detail)}"))
        yield step
    tell_done(step.done, started)


def tell_done(text: str, started: float) -> None:
    """Say that something is done.

    Args:
        text: What.
        started: When it was begun, on the clock of ``time.monotonic``.
    """
    common.err.print(
        f"[green]\u2713[/] {escape(text)} [dim]({time.monotonic() - started:.1f} s)[/]", highlight=False, soft_wrap=True
    )
