"""A generator that is given up is taken back for everybody, whatever is away at that moment."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import AsyncMock, Mock, call

import pytest

from streams.worker.replying import Replying

if TYPE_CHECKING:
    from unittest.mock import _Call

REASON = "it is too slow"
BACK = call.roll_back(2, REASON, {}, since=5)


@pytest.mark.parametrize(
    ("state", "done"),
    [
        (
            SimpleNamespace(epoch=5),
            [call.state(), call.tell("swap_failed", 2, 5, previous=1, reasons=[REASON]), BACK],
        ),
        (OSError("the registry is away"), [call.state(), call.roll_back(2, REASON, {}, since=None)]),
    ],
)
def test_it_is_told_and_taken_back(state: object, done: list[_Call]) -> None:
    registrar = AsyncMock()
    registrar.attach_mock(Mock(), "tell")
    registrar.state.side_effect = [state]
    replying = object.__new__(Replying)
    replying._registrar = registrar
    asyncio.run(replying._taken_back(2, 1, REASON))
    assert registrar.mock_calls == done
