"""What two workers manage is measured on a live stream, as it is fed afterwards, and not on a replay of years."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.support.real_messages import RealMessage
from benchmarks.support.swap import run

if TYPE_CHECKING:
    from collections.abc import Sequence


class SeenError(Exception):
    """Enough was seen."""


def test_the_backlog_is_dated_when_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[RealMessage] = []

    def stream(_broker: object, _registry: Path, messages: Sequence[RealMessage]) -> None:
        sent.extend(messages)
        raise SeenError

    monkeypatch.setattr(run, "Stream", stream)
    broker: Any = None
    dated = [RealMessage(str(number), "news", "Daily Quay", "Rates held", "2012-03-01T08:00:00Z") for number in (1, 2)]
    with pytest.raises(SeenError):
        run.measure_capacity(broker, Path(), dated, Path())
    assert [message.id for message in sent] == ["1", "2"]
    assert {message.time for message in sent} == {None}


@pytest.mark.parametrize("now", [0.0, 10.0, 239.0, 241.0, 299.0])
def test_before_the_first_swap_a_window_closes_that_all_subjects_were_heard_in(now: float) -> None:
    begins = now + run.until_first_close(now, 300, 120.0)
    end = 300 if now + 60 <= 300 else 600
    assert begins == end + 120 + 30
