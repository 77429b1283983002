"""A worker whose topics are gone ends, and says which; one whose broker is away does not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.messages import consume_all, produce
from support.streams import message, worker

from streams.brokers.errors import BrokerUnreachableError
from streams.brokers.tansu import TansuBroker
from streams.contract.settings import SurgeSettings
from streams.contract.topics import predictions_topic
from streams.worker.topic_watch import TopicsGoneError, TopicWatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.brokers.broker import Broker
    from streams.contract.settings import Settings

AWAY = BrokerUnreachableError("no broker")


def told(looks: list[list[str] | Exception]) -> list[TopicsGoneError]:
    """What is told of these looks, one after the other."""
    errors: list[TopicsGoneError] = []
    over = asyncio.Event()
    loop: asyncio.AbstractEventLoop

    def missing() -> list[str]:
        if not looks:
            loop.call_soon_threadsafe(over.set)
            return []
        look = looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look

    async def main() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        watch = TopicWatch(missing, "somewhere:9092", lambda error: (errors.append(error), over.set()), every=0.001)
        watch.start()
        await over.wait()
        await watch.stop()

    asyncio.run(main())
    return errors


def test_topics_that_are_missing_twice_are_told_by_name() -> None:
    (error,) = told([[], ["news"], ["news", "social"]])
    assert "no topic news, social at somewhere:9092" in str(error)
    assert "tocsin topics create" in str(error)


def test_what_is_there_again_is_no_loss() -> None:
    assert told([["news"], [], ["news"], []]) == []


def test_a_broker_that_does_not_answer_says_nothing_of_its_topics() -> None:
    assert told([["news"], AWAY, [], AWAY, AWAY]) == []
    assert len(told([["news"], AWAY, ["news"]])) == 1


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A broker of this test's own, since it is killed."""
    with TansuBroker() as own:
        yield own


@pytest.mark.integration
def test_a_worker_whose_broker_comes_back_empty_ends_and_says_so(broker: Broker, stream_settings: Settings) -> None:
    # What recovers state would notice too, in its own words.
    settings = stream_settings.model_copy(update={"surge": SurgeSettings(enabled=False)})
    topic = next(iter(settings.topics.inputs))
    with worker(settings) as running:
        running.wait_until_ready()
        produce(settings, topic, [(*message(number), []) for number in range(20)])
        consume_all(settings, predictions_topic(settings.topics), 20)
        broker.kill()
        broker.start()
        assert running.process.wait(timeout=60) == 1
        assert f"no topic {topic}" in running.process.stderr
