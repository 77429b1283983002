"""A behavior that is none and too large for the dead letters' topic leaves its place there, and ends no worker."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from support.agents import Event, NarrowPublisher, QuietApp

from exporters.metrics import WorkerMetrics
from streams.agents.enrich import UndeliverableError
from streams.agents.readers import add_readers
from streams.contract.records import DeadLetter
from streams.contract.settings import Settings
from streams.contract.topics import dead_letters_topic, reader_events_topic
from streams.logic.reader_events import Rekeyer

SETTINGS = Settings()
EVENTS, LETTERS = reader_events_topic(SETTINGS.topics), dead_letters_topic(SETTINGS.topics)


def run(publisher: NarrowPublisher) -> tuple[list[Event], list[BaseException], WorkerMetrics]:
    good = b'{"user": "ada", "item": "guide", "action": "click"}'
    events, fatal, metrics = (
        [Event("behaviors", place, value) for place, value in enumerate((good, b"x" * 5000, good))],
        [],
        WorkerMetrics(),
    )

    async def story() -> None:
        pipeline = add_readers(
            QuietApp(),  # type: ignore[arg-type]
            Rekeyer(SETTINGS),
            publisher,  # type: ignore[arg-type]
            SETTINGS,
            metrics,
            fatal.append,
        )
        pipeline.start()
        for event in events:
            await pipeline.put(event)
        async with asyncio.timeout(10.0):
            while pipeline.in_flight and not fatal:  # noqa: ASYNC110  no other sign
                await asyncio.sleep(0.001)
        await pipeline.abort()

    asyncio.run(story())
    return events, fatal, metrics


def test_a_dead_letter_too_large_keeps_the_place_alone() -> None:
    publisher = NarrowPublisher({LETTERS: 1000})
    events, fatal, metrics = run(publisher)
    assert fatal == []
    assert [event.acknowledged for event in events] == [True, True, True]
    assert [output.topic for output in publisher.taken] == [EVENTS, EVENTS, LETTERS]
    letter = msgspec.json.decode(publisher.taken[-1].value or b"", type=DeadLetter)
    assert (letter.offset, letter.stage, letter.reason, letter.value) == (1, "publish", "malformed", b"")
    assert "max.message.bytes of tocsin.dead-letters" in letter.error
    assert metrics.registry.get_sample_value("tocsin_dead_letters_total", {"reason": "malformed"}) == 1


@pytest.mark.parametrize("limits", [{LETTERS: 10}, {EVENTS: 10}])
def test_where_not_even_that_is_taken_the_worker_ends_without_acknowledging(limits: dict[str, int]) -> None:
    events, fatal, _ = run(NarrowPublisher(limits))
    assert not any(event.acknowledged for event in events)
    with pytest.raises(UndeliverableError, match=r"max\.message\.bytes"):
        raise fatal[0]
