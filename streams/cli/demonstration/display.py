"""Showing a play as it goes: a live screen in a terminal, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from streams.cli.demonstration.ringing import alert_line
from streams.cli.demonstration.screen import Screen, figures
from streams.cli.demonstration.tally import Tally

_REFRESH_SECONDS = 0.2
_LINE_SECONDS = 5.0


@contextmanager
def live_screen(console: Console, screen: Screen, *, last_look: float) -> Iterator[Callable[[], None]]:
    """The whole terminal; what was there before comes back at the end.

    Args:
        console: A terminal.
        screen: What is drawn.
        last_look: Seconds for which the last picture stands, where nothing went wrong.

    Yields:
        To be called often; draws some times a second.
    """
    with Live(screen, console=console, screen=True, auto_refresh=False) as live:
        yield _every(_REFRESH_SECONDS, live.refresh)
        live.refresh()
        time.sleep(last_look)


@contextmanager
def plain_lines(console: Console, tally: Tally) -> Iterator[Callable[[], None]]:
    """A line every few seconds, and one for each change of an alert when it comes.

    Args:
        console: Where to.
        tally: What is told.

    Yields:
        To be called often.
    """

    def tell() -> None:
        console.print(figures(tally, time.monotonic()), highlight=False, markup=False, soft_wrap=True)

    tell_now_and_then = _every(_LINE_SECONDS, tell)
    told = 0

    def turn() -> None:
        nonlocal told
        for alert in tally.changes[told:]:
            console.print(alert_line(alert), highlight=False, soft_wrap=True)
        told = len(tally.changes)
        tell_now_and_then()

    yield turn
    tell()


def _every(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    last = time.monotonic()

    def turn() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            act()
            last = time.monotonic()

    return turn
