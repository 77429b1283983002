"""Whether brokers are heard of: told by when they last answered a fetch."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from streams.worker.application import _SILENCE_SECONDS, _is_current

FETCH_SECONDS = 0.1


@pytest.mark.parametrize(
    ("seconds_ago", "is_current"),
    [
        (0.0, True),
        (_SILENCE_SECONDS - 1.0, True),
        (_SILENCE_SECONDS + 1.0, False),
        # The clock was set back since.
        (-3600.0, False),
    ],
)
def test_brokers_are_heard_of_for_some_seconds_after_an_answer(seconds_ago: float, *, is_current: bool) -> None:
    state = SimpleNamespace(timestamp=(time.time() - seconds_ago) * 1e3)
    assert _is_current(state, FETCH_SECONDS) is is_current


def test_brokers_that_may_hold_a_fetch_for_long_may_be_silent_for_as_long() -> None:
    state = SimpleNamespace(timestamp=(time.time() - 2 * _SILENCE_SECONDS) * 1e3)
    assert _is_current(state, 2 * _SILENCE_SECONDS)


def test_brokers_that_never_answered_are_not_heard_of() -> None:
    assert not _is_current(SimpleNamespace(timestamp=None), FETCH_SECONDS)
