from __future__ import annotations

import math

from streams.logic.debounce import Debounce


def test_the_last_event_of_a_window_is_answered_at_its_end() -> None:
    windows: Debounce[str, str] = Debounce(2.0)
    windows.tell("a", "first", 10.0)
    windows.tell("b", "other", 11.0)
    windows.tell("a", "last", 11.9)
    assert (windows.due, windows.last("a"), windows.last("c")) == (12.0, "last", None)
    assert list(windows.closing(11.9)) == []
    assert list(windows.closing(12.0)) == [("a", "last")]
    assert (windows.due, windows.last("a")) == (13.0, None)
    windows.tell("a", "next", 12.0)
    assert list(windows.closing(math.inf)) == [("b", "other"), ("a", "next")]
    assert windows.due is None


def test_what_is_not_asked_for_stays_open() -> None:
    windows: Debounce[str, str] = Debounce(0.0)
    for key in "abc":
        windows.tell(key, key, 0.0)
    assert next(windows.closing(1.0)) == ("a", "a")
    windows.forget(lambda key: key == "b")
    assert list(windows.closing(1.0)) == [("c", "c")]
