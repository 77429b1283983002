"""Every page gets a snapshot and then every change, in order."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from streams.desk.hub import Hub, Subscriber


def test_what_is_published_after_the_snapshot_comes_after_it_once() -> None:
    async def follow() -> list[tuple[str, bytes]]:
        hub, known = Hub(), []
        subscriber = Subscriber(asyncio.get_running_loop())
        hub.publish("changes", lambda: b"before")
        with hub.subscribed(subscriber, lambda: b"snapshot"):
            assert hub.pages == 1
            await asyncio.to_thread(hub.publish, "changes", lambda: b"after")
            hub.close()
            while (event := await subscriber.next()) is not None:
                known.append((event.id.partition("-")[2], event.data))
        assert hub.pages == 0
        hub.publish("changes", lambda: b"nobody hears")
        return known

    assert asyncio.run(follow()) == [("1", b"snapshot"), ("2", b"after")]


def test_each_page_gets_everything() -> None:
    async def follow() -> list[list[bytes]]:
        hub, loop = Hub(), asyncio.get_running_loop()
        pages = [Subscriber(loop) for _ in range(3)]
        with ExitStack() as stack:
            for page in pages:
                stack.enter_context(hub.subscribed(page, lambda: b"0"))
            for number in range(1, 4):
                hub.publish("changes", lambda number=number: b"%d" % number)
            return [[event.data for _ in range(4) if (event := await page.next())] for page in pages]

    assert asyncio.run(follow()) == [[b"0", b"1", b"2", b"3"]] * 3


def test_a_page_that_is_far_behind_is_sent_off_to_begin_anew() -> None:
    async def follow() -> int:
        hub = Hub()
        slow = Subscriber(asyncio.get_running_loop())
        with hub.subscribed(slow, lambda: b""):
            for _ in range(3000):
                hub.publish("changes", lambda: b"")
            await asyncio.sleep(0)
            heard = 0
            while await slow.next() is not None:
                heard += 1
        assert slow.is_behind
        return heard

    assert asyncio.run(follow()) == 1000


def test_for_a_page_that_listens_no_more_nothing_piles_up() -> None:
    async def follow() -> None:
        hub = Hub()
        asleep = Subscriber(asyncio.get_running_loop())
        with hub.subscribed(asleep, lambda: b""):
            for _ in range(3000):
                hub.publish("changes", lambda: b"")
            hub.close()
            await asyncio.sleep(0)
            while await asleep.next() is not None:
                pass
            await asyncio.wait_for(asleep.next(), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(follow())


def test_a_page_that_comes_when_the_desk_ends_ends_too() -> None:
    async def follow() -> list[bytes]:
        hub = Hub()
        hub.close()
        late = Subscriber(asyncio.get_running_loop())
        with hub.subscribed(late, lambda: b"snapshot"):
            first, second = await late.next(), await late.next()
        assert second is None
        return [first.data] if first else []

    assert asyncio.run(follow()) == [b"snapshot"]
