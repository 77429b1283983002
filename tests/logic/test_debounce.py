from __future__ import annotations

from streams.logic.debounce import Debounce


def test_the_last_event_of_a_window_is_answered_at_its_end() -> None:
    windows: Debounce[str, str] = Debounce(2.0)
    windows.tell("a", "first", 1, 10.0)
    windows.tell("b", "other", 2, 11.0)
    windows.tell("a", "last", 3, 11.9)
    assert (windows.due, windows.first) == (12.0, 1)
    assert list(windows.closing(11.9)) == []
    assert list(windows.closing(12.0)) == [("a", "last")]
    assert (windows.due, windows.first) == (13.0, 2)
    windows.tell("a", "next", 4, 12.0)
    assert list(windows.closing(None)) == [("b", "other"), ("a", "next")]
    assert (windows.due, windows.first) == (None, None)


def test_what_is_not_asked_for_stays_open() -> None:
    windows: Debounce[str, str] = Debounce(0.0)
    for number, key in enumerate("abc"):
        windows.tell(key, key, number, 0.0)
    assert next(windows.closing(1.0)) == ("a", "a")
    windows.forget(lambda key: key == "b")
    assert list(windows.closing(1.0)) == [("c", "c")]
