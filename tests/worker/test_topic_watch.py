"""A worker whose topics are gone ends, and says which; one whose broker is away does not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.messages import consume_all, produce
from support.streams import message, worker

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.errors import BrokerUnreachableError
from streams.brokers.tansu import TansuBroker
from streams.contract.settings import SettingsError, SurgeSettings
from streams.contract.topics import all_topics, predictions_topic
from streams.worker.topic_watch import TopicsGoneError, TopicWatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.brokers.broker import Broker
    from streams.contract.settings import Settings

AWAY = BrokerUnreachableError("no broker")
NAMES = ("news", "social")
ALL: dict[str, str | None] = {"news": "id-1", "social": "id-2"}
ANEW: dict[str, str | None] = {"news": "id-3", "social": "id-2"}
NO_IDS: dict[str, str | None] = {"news": None, "social": None}
Look = dict[str, "str | None"] | Exception


def told(looks: list[Look]) -> list[TopicsGoneError]:
    """What is told of these looks, one after the other."""
    errors: list[TopicsGoneError] = []
    over = asyncio.Event()
    loop: asyncio.AbstractEventLoop
    last = next((look for look in reversed(looks) if not isinstance(look, Exception)), ALL)

    def ids() -> dict[str, str | None]:
        if not looks:
            loop.call_soon_threadsafe(over.set)
            return last
        look = looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look

    async def main() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        watch = TopicWatch(NAMES, ids, "somewhere:9092", lambda error: (errors.append(error), over.set()), every=0.001)
        watch.start()
        await over.wait()
        await watch.stop()

    asyncio.run(main())
    return errors


def test_topics_that_are_missing_twice_are_told_by_name() -> None:
    (error,) = told([ALL, {"social": "id-2"}, {}])
    assert "topics news, social at somewhere:9092 are gone" in str(error)
    assert "tocsin topics create" in str(error)


def test_what_is_there_again_is_no_loss() -> None:
    assert told([ALL, {}, ALL, {}, ALL]) == []


def test_a_broker_that_does_not_answer_says_nothing_of_its_topics() -> None:
    assert told([AWAY, ALL, {}, AWAY, ALL, AWAY, AWAY]) == []
    assert len(told([ALL, {}, AWAY, {}])) == 1


def test_a_look_that_fails_otherwise_does_not_end_the_watch() -> None:
    # As while a certificate's file is being exchanged.
    assert len(told([ALL, SettingsError("kafka.ssl_cafile is not a file"), RuntimeError("?"), {}, {}])) == 1


def test_another_topic_under_the_name_of_one_is_a_loss() -> None:
    # As a broker that makes topics by itself does, for the worker that reads on after it came back empty.
    (error,) = told([ALL, {}, ANEW, ANEW])
    assert "topics news at" in str(error)


def test_a_topic_that_is_made_after_the_first_look_is_known_from_then_on() -> None:
    assert told([{"news": "id-1"}, ALL, ALL]) == []
    assert len(told([{"news": "id-1"}, ALL, ANEW, ANEW])) == 1


def test_a_broker_that_gives_no_ids_is_believed_by_the_names() -> None:
    assert told([NO_IDS, ALL, NO_IDS, NO_IDS]) == []
    assert len(told([NO_IDS, {}, {}])) == 1


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A broker of this test's own, since it is killed."""
    with TansuBroker() as own:
        yield own


@pytest.mark.integration
def test_a_worker_whose_topics_were_made_anew_ends_and_says_so(broker: Broker, stream_settings: Settings) -> None:
    # What recovers state would notice too, in its own words.
    settings = stream_settings.model_copy(update={"surge": SurgeSettings(enabled=False)})
    topic = next(iter(settings.topics.inputs))
    with worker(settings) as running:
        running.wait_until_ready()
        produce(settings, topic, [(*message(number), []) for number in range(20)])
        consume_all(settings, predictions_topic(settings.topics), 20)
        broker.kill()
        broker.start()
        # As a client that asks for a topic does by chance, of all of them.
        with admin_client(settings.kafka) as admin:
            create_topics(admin, all_topics(settings))
        assert running.process.wait(timeout=60) == 1
        assert f"topics {topic}, " in running.process.stderr
