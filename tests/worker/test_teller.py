"""What is told is told in order, and holds nobody up."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from streams.contract.outgoing import Output
from streams.worker import teller
from streams.worker.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


class Brokers:
    """Take what is published, and of some topics nothing for ever."""

    def __init__(self) -> None:
        self.told: defaultdict[str, list[bytes]] = defaultdict(list)
        self.away: set[str] = set()
        self.faults: list[Exception] = []

    async def publish(self, outputs: Sequence[Output]) -> list[Output]:
        await asyncio.sleep(0)
        if self.faults:
            raise self.faults.pop()
        for output in outputs:
            while output.topic in self.away:  # noqa: ASYNC110  what is awaited is no event
                await asyncio.sleep(0.001)
            self.told[output.topic].append(output.value)
        return []


def outputs(topic: str, *numbers: int) -> list[Output]:
    return [Output(topic, b"", str(number).encode()) for number in numbers]


def values(*numbers: int) -> list[bytes]:
    return [str(number).encode() for number in numbers]


def telling(brokers: Brokers) -> Teller:
    return Teller(cast("Any", brokers))


def test_what_comes_one_after_the_other_is_told_in_that_order() -> None:
    async def check() -> None:
        brokers = Brokers()
        told = telling(brokers)
        for number in range(5):
            told.tell(outputs("events", number, number + 10))
            await asyncio.sleep(0)
        await told.stop()
        assert brokers.told["events"] == values(0, 10, 1, 11, 2, 12, 3, 13, 4, 14)

    asyncio.run(check())


def test_a_topic_that_is_away_holds_up_neither_another_nor_whoever_tells() -> None:
    async def check() -> None:
        brokers = Brokers()
        brokers.away = {"events"}
        told = telling(brokers)
        told.tell(outputs("events", 1) + outputs("pointers", 2))
        await asyncio.sleep(0.02)
        assert brokers.told == {"pointers": values(2)}
        brokers.away.clear()
        await told.stop()
        assert brokers.told["events"] == values(1)

    asyncio.run(check())


def test_where_too_much_waits_the_oldest_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teller, "_MOST", 3)

    async def check() -> None:
        brokers = Brokers()
        brokers.away = {"events"}
        told = telling(brokers)
        told.tell(outputs("events", 0))
        await asyncio.sleep(0)  # and that one is on its way
        told.tell(outputs("events", 1, 2, 3, 4, 5))
        brokers.away.clear()
        await told.stop()
        assert brokers.told["events"] == values(0, 3, 4, 5)

    asyncio.run(check())


def test_after_what_cannot_be_told_comes_the_next() -> None:
    async def check() -> None:
        brokers = Brokers()
        brokers.faults = [RuntimeError("no such partition")]
        told = telling(brokers)
        told.tell(outputs("events", 1))
        await asyncio.sleep(0.01)
        told.tell(outputs("events", 2))
        await told.stop()
        assert brokers.told["events"] == values(2)

    asyncio.run(check())


def test_what_the_brokers_do_not_take_in_a_moment_keeps_no_worker_from_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(teller, "_LAST_SECONDS", 0.02)

    async def check() -> None:
        brokers = Brokers()
        brokers.away = {"events"}
        told = telling(brokers)
        told.tell(outputs("events", 1))
        async with asyncio.timeout(5):
            await told.stop()
        brokers.away.clear()
        await asyncio.sleep(0.01)
        assert not brokers.told

    asyncio.run(check())
