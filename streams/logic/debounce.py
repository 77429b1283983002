"""Many events of one key, answered once: at the end of a window that the first of them opens, for the last. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

KeyT = TypeVar("KeyT", bound="Hashable")
EventT = TypeVar("EventT")


class _Window(NamedTuple, Generic[EventT]):
    due: float
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

    def tell(self, key: KeyT, event: EventT, now: float) -> None:
        """An event came.

        Args:
            key: Whose it is.
            event: Answered if it is the last of its window.
            now: Seconds on a clock that never goes back.
        """
        opened = self._windows.get(key)
        self._windows[key] = _Window(now + self._seconds if opened is None else opened.due, event)

    def closing(self, now: float) -> Iterator[tuple[KeyT, EventT]]:
        """Close the windows that are over, one at each step, and give the last event of each.

        Args:
            now: Seconds on the clock of ``tell``.
        """
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if window.due > now:
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

    def last(self, key: KeyT) -> EventT | None:
        """The last event of a key's window; None where none is open."""
        opened = self._windows.get(key)
        return None if opened is None else opened.last
