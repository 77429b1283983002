"""The agent's order of work, on a publisher that remembers: recommendations, then state, then the acknowledgement."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from exporters.recommend_metrics import RecommendMetrics
from models.items.index import ItemIndex
from streams.agents.recommend import add_recommend
from streams.agents.surge import StateTooLargeError
from streams.contract.recommendations import (
    Behavior,
    InterestState,
    Item,
    ItemVector,
    ReaderEvent,
    Recommendation,
    RecommendationRequest,
)
from streams.contract.records import encode
from streams.contract.service_settings import RecommendSettings
from streams.contract.settings import Settings, WorkerSettings
from streams.contract.topics import interests_topic, reader_events_topic, recommendations_topic
from streams.logic.recommend.interests import Bounds, Interests
from streams.worker.application import build_application
from streams.worker.readers import Readers
from streams.worker.readership import Readership
from streams.worker.shelves import Shelves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streams.contract.outgoing import Output

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AHEAD = datetime(2099, 1, 1, tzinfo=UTC)
WIDTH = 8


class Publisher:
    """Takes all but what is too large, as the brokers do."""

    def __init__(self, log: list[str], refuses: Callable[[Output], bool]) -> None:
        self.log = log
        self.refuses = refuses
        self.published: list[Output] = []

    async def publish(self, outputs: Sequence[Output]) -> list[Output]:
        refused = [output for output in outputs if self.refuses(output)]
        taken = [output for output in outputs if output not in refused]
        self.log += [output.topic for output in taken]
        self.published += taken
        return refused


class Told:
    """A record of item vectors as kafka-python gives it, or of interests, as far as it is looked at."""

    def __init__(self, key: bytes, value: bytes | None, offset: int = 0) -> None:
        self.key, self.value, self.offset, self.partition = key, value, offset, 0


class Event:
    """One of Faust's."""

    def __init__(self, log: list[str], topic: str, event: ReaderEvent) -> None:
        self.log = log
        self.message = self
        self.topic, self.partition, self.offset, self.timestamp = topic, 0, event.offset, NOW.timestamp()
        self.key, self.value, self.headers = event.user.encode(), encode(event), None

    def ack(self) -> None:
        self.log.append("ack")


class Agent:
    """An agent without a broker, and a site with ten items: reader events are put into its line.

    Args:
        folder: Of the worker.
        refuses: Whether an output is too large for the brokers.
        kept: States that a worker before it left.
    """

    def __init__(
        self, folder: Path, refuses: Callable[[Output], bool] = lambda _: False, kept: Sequence[Told] = ()
    ) -> None:
        recommend = RecommendSettings(enabled=True, debounce_seconds=0.0, checkpoint_seconds=0.1)
        self.settings = Settings(recommend=recommend, worker=WorkerSettings(data_dir=folder))
        self.log: list[str] = []
        self.fatal: list[BaseException] = []
        self.publisher = Publisher(self.log, refuses)
        shelves = Shelves(lambda width: ItemIndex(width, 100, 48.0), "sha", ttl_hours=48.0, clock=NOW.timestamp)
        shelves.begin()
        shelves.caught_up()
        shelves.apply([_vector(number) for number in range(10)])  # type: ignore[list-item]
        readers = Readers(self.settings, lambda _: list(kept), clock=NOW.timestamp)  # type: ignore[arg-type,return-value]
        self.readership = Readership(
            self.settings, shelves, readers, lambda: None, lambda _: "model:1", clock=NOW.timestamp
        )
        readers.on_restored = self.readership.take_over
        self.line = add_recommend(
            build_application(self.settings),
            self.readership,
            self.publisher,  # type: ignore[arg-type]
            self.settings,
            RecommendMetrics(CollectorRegistry()),
            self.fatal.append,
            executor=ThreadPoolExecutor(1),
            is_ready=lambda: True,
        )
        self._offset = 0

    def tell(self, user: str, item: str = "", *, request: str = "", at: datetime = NOW) -> None:
        """A behavior with an item, or a request."""
        offset = self._offset
        self._offset += 1
        told = ReaderEvent(
            id=f"event-{offset}",
            user=user,
            topic="behaviors",
            partition=0,
            offset=offset,
            behavior=None if request else Behavior(user=user, item=item, action="click", time=at),
            request=RecommendationRequest(id=request, user=user, time=at, limit=3) if request else None,
        )
        event = Event(self.log, reader_events_topic(self.settings.topics), told)
        self.line.put(event, 0, time.time())

    def run(self) -> list[Recommendation]:
        """Start, settle all, and stop; the recommendations that were published."""

        async def main() -> None:
            self.line.start()
            async with asyncio.timeout(10):
                while self.line.in_flight and not self.fatal:  # noqa: ASYNC110  a figure does not tell
                    await asyncio.sleep(0.001)
            await self.line.close()

        asyncio.run(main())
        topic = recommendations_topic(self.settings.topics)
        return [
            msgspec.json.decode(output.value or b"", type=Recommendation)
            for output in self.publisher.published
            if output.topic == topic
        ]

    def states(self) -> dict[str, Interests]:
        """What is known of each reader, by the state that was published last."""
        topic, found = interests_topic(self.settings.topics), {}
        for output in self.publisher.published:
            if output.topic == topic:
                state = msgspec.json.decode(output.value or b"", type=InterestState)
                _, width, interests, _ = msgspec.msgpack.decode(state.state)
                found[state.user] = Interests.load(interests, Bounds.of(self.settings.recommend), width)
        return found


def _vector(number: int) -> Told:
    item = Item(
        id=f"i{number}",
        text=f"text {number}",
        title=f"Title of {number} " + "x" * 150_000,
        time=NOW - timedelta(hours=number),
        topics=["t"],
        sentiment=0.0,
    )
    vector = np.eye(WIDTH, dtype="<f4")[number % WIDTH]
    return Told(item.id.encode(), encode(ItemVector(item=item, embedder="sha", vector=vector.tobytes())), number)


def test_recommendations_are_published_then_the_state_and_then_events_are_acknowledged(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.tell("ada", "i0")
    agent.tell("ben", request="r-1")
    found = agent.run()
    assert {(each.user, each.cause) for each in found} == {("ada", "behavior"), ("ben", "request")}
    assert agent.log == ["tocsin.recommendations"] * 2 + ["tocsin.interests"] + ["ack"] * 2
    assert not agent.fatal


def test_whatever_an_items_title_is_a_recommendation_is_small(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.tell("ada", "i0")
    agent.run()
    assert max(len(output.value or b"") for output in agent.publisher.published) < 20_000
    assert not agent.fatal


def test_a_recommendation_that_the_brokers_refuse_as_too_large_is_told_without_titles(tmp_path: Path) -> None:
    agent = Agent(tmp_path, lambda output: b"Title of" in (output.value or b""))
    agent.tell("ada", "i0")
    agent.tell("ben", request="r-1")
    found = agent.run()
    assert {each.user for each in found} == {"ada", "ben"}
    assert all(each.items for each in found)
    assert {item.title for each in found for item in each.items} == {""}
    assert agent.log == ["tocsin.recommendations"] * 2 + ["tocsin.interests"] + ["ack"] * 2
    assert not agent.fatal


def test_one_that_is_too_large_without_titles_too_ends_nothing(tmp_path: Path) -> None:
    agent = Agent(tmp_path, lambda output: output.topic == "tocsin.recommendations" and output.key == b"ada")
    agent.tell("ada", "i0")
    agent.tell("ben", request="r-1")
    assert [each.user for each in agent.run()] == ["ben"]
    assert agent.log == ["tocsin.recommendations", "tocsin.interests", "ack", "ack"]
    assert not agent.fatal


def test_a_state_that_the_brokers_refuse_ends_the_worker_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    agent = Agent(tmp_path, lambda output: output.topic == "tocsin.interests")
    agent.tell("ada", "i0")
    agent.run()
    assert "ack" not in agent.log
    with pytest.raises(StateTooLargeError, match=r"records of tocsin\.interests"):
        raise agent.fatal[0]


def test_a_behavior_that_is_dated_ahead_is_of_now(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.tell("ada", "i0", at=AHEAD)
    agent.run()
    assert agent.states()["ada"].as_of == NOW.timestamp()


def test_a_reader_whose_state_is_dated_ahead_heals(tmp_path: Path) -> None:
    interests = Interests(Bounds.of(RecommendSettings()))
    interests.observe("i1", 0.5, AHEAD.timestamp(), vector=np.eye(WIDTH, dtype=np.float32)[1])
    state = msgspec.msgpack.encode(("sha", WIDTH, interests.dump(), []))
    kept = Told(b"ada", encode(InterestState(user="ada", form=102, state=state)))
    agent = Agent(tmp_path, kept=[kept])
    agent.tell("ada", "i0")
    agent.run()
    ada = agent.states()["ada"]
    assert ada.as_of == NOW.timestamp()
    assert [round(weight, 3) for weight in ada.vectors(ada.as_of)[1]] == [0.5, 1.0]
