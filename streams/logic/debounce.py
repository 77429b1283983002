"""Many events of one key, answered once: at the end of a window that the first of them opens, for the last. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

KeyT = TypeVar("KeyT", bound="Hashable")
EventT = TypeVar("EventT")


class _Window(NamedTuple, Generic[EventT]):
    due: float
    first: int
    last: EventT


class Debounce(Generic[KeyT, EventT]):
    """The windows that are open.

    Args:
        seconds: Length of a window.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._windows: dict[KeyT, _Window[EventT]] = {}
        """In the order in which they were opened, and so are due."""

    def tell(self, key: KeyT, event: EventT, number: int, now: float) -> None:
        """An event came.

        Args:
            key: Whose it is.
            event: Answered if it is the last of its window.
            number: Of the event; later ones have greater numbers.
            now: Seconds on a clock that never goes back.
        """
        opened = self._windows.get(key)
        self._windows[key] = (
            _Window(now + self._seconds, number, event) if opened is None else opened._replace(last=event)
        )

    def closing(self, now: float | None) -> Iterator[tuple[KeyT, EventT]]:
        """Close the windows that are over, one at each step, and give the last event of each.

        Args:
            now: Seconds on the clock of ``tell``; None closes all.
        """
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if now is not None and window.due > now:
                return
            del self._windows[key]
            yield key, window.last

    def forget(self, is_gone: Callable[[KeyT], bool]) -> None:
        """Close the windows of some keys unanswered."""
        self._windows = {key: window for key, window in self._windows.items() if not is_gone(key)}

    @property
    def due(self) -> float | None:
        """When the next window is over; None where none is open."""
        return next((window.due for window in self._windows.values()), None)

    @property
    def first(self) -> int | None:
        """Number of the earliest event that is not answered; None where all are."""
        return next((window.first for window in self._windows.values()), None)
