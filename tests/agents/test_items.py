"""What the brokers refuse as too large comes again as a dead letter, and as a bare one at last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.agents import Event, NarrowPublisher, QuietApp

from exporters.metrics import WorkerMetrics
from exporters.recommend_metrics import RecommendMetrics
from streams.agents.enrich import UndeliverableError
from streams.agents.items import add_items
from streams.contract.outgoing import Output
from streams.contract.records import DeadLetter
from streams.contract.settings import Settings
from streams.contract.topics import dead_letters_topic, item_vectors_topic
from streams.logic.burying import Burier
from streams.logic.items import ItemEmbedder, ItemOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from streams.contract.incoming import Record

SETTINGS = Settings()
VECTORS, LETTERS = item_vectors_topic(SETTINGS.topics), dead_letters_topic(SETTINGS.topics)


class Embedder(ItemEmbedder):
    """Makes of each record a vector as large as its offset says."""

    def __init__(self) -> None:
        self._topic = VECTORS
        self._burier = Burier(SETTINGS)

    def embed(self, records: Sequence[Record]) -> list[ItemOutcome]:
        return [ItemOutcome(record, Output(VECTORS, b"key", b"v" * record.offset), "embedded") for record in records]


def run(
    publisher: NarrowPublisher, executor: Executor | None = None
) -> tuple[list[Event], list[BaseException], WorkerMetrics]:
    events, fatal, metrics = [Event("items", offset, b"x" * 100) for offset in (50, 500)], [], WorkerMetrics()

    async def story() -> None:
        line = add_items(
            QuietApp(),  # type: ignore[arg-type]
            Embedder(),
            publisher,  # type: ignore[arg-type]
            SETTINGS,
            RecommendMetrics(metrics.registry),
            metrics,
            fatal.append,
            executor=executor,  # type: ignore[arg-type]
        )
        line.start()
        for event in events:
            line.put(event, 0, 0.0)
        async with asyncio.timeout(10.0):
            while line.in_flight and not fatal:  # noqa: ASYNC110  no other sign
                await asyncio.sleep(0.001)
        await line.abort()

    asyncio.run(story())
    return events, fatal, metrics


def letters(publisher: NarrowPublisher) -> list[DeadLetter]:
    return [
        msgspec.json.decode(output.value or b"", type=DeadLetter)
        for output in publisher.taken
        if output.topic == LETTERS
    ]


def test_an_item_too_large_becomes_a_dead_letter_with_all_of_it() -> None:
    publisher = NarrowPublisher({VECTORS: 100})
    events, fatal, metrics = run(publisher)
    (letter,) = letters(publisher)
    assert (letter.offset, letter.stage, letter.reason, letter.value) == (500, "publish", "too_large", b"x" * 100)
    assert [event.acknowledged for event in events] == [True, True]
    assert fatal == []
    assert metrics.registry.get_sample_value("tocsin_items_total", {"outcome": "refused"}) == 1
    assert metrics.registry.get_sample_value("tocsin_dead_letters_total", {"reason": "too_large"}) == 1


def test_a_dead_letter_too_large_keeps_the_place_alone() -> None:
    publisher = NarrowPublisher({VECTORS: 100, LETTERS: 420})
    events, fatal, _ = run(publisher)
    (letter,) = letters(publisher)
    assert (letter.offset, letter.value) == (500, b"")
    assert [event.acknowledged for event in events] == [True, True]
    assert fatal == []


def test_where_not_even_that_is_taken_the_worker_ends_without_acknowledging() -> None:
    events, fatal, _ = run(NarrowPublisher({VECTORS: 100, LETTERS: 10}))
    assert not any(event.acknowledged for event in events)
    with pytest.raises(UndeliverableError, match=r"max\.message\.bytes"):
        raise fatal[0]
