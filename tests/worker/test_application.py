"""Faust as Tocsin runs it: what is read, held back, committed and told of as lag, over rebalances too."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from faust.tables.manager import TableManager
from kafka import KafkaProducer, TopicPartition
from mode import Service
from support.messages import BytesName, feed, first_input, produce

from streams.brokers import client
from streams.brokers.client import admin_client
from streams.contract.settings import Settings
from streams.logic.batcher import Batcher
from streams.logic.stall import Position
from streams.worker.application import Application, build_application
from streams.worker.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

_kafka = pytest.param("kafka_broker", marks=[pytest.mark.integration, pytest.mark.kafka], id="kafka")
on_kafka = pytest.mark.parametrize("broker", [_kafka], indirect=True)
# Faust leaves the event loop of its consumer's thread, and tasks in it, to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collected"),
]
Place = tuple[str, int, int]


def application(settings: Settings, handle: Callable[[Any], Awaitable[None]]) -> Application:
    """An application that hands each event of the inputs to ``handle``, which acknowledges it in its own time."""
    app = build_application(settings)

    @app.agent(app.topic(*settings.topics.inputs, key_type=bytes, value_type=bytes))
    async def agent(stream: Any) -> None:  # noqa: ANN401  Faust has no types
        async for event in stream.noack().events():
            await handle(event)

    return app


@asynccontextmanager
async def running(settings: Settings, handle: Callable[[Any], Awaitable[None]]) -> AsyncIterator[Application]:
    """Such an application from its start to its stop."""
    app = application(settings, handle)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  any condition, not only one that tells
            await asyncio.sleep(0.02)


async def acknowledge(event: Any) -> None:  # noqa: ANN401  Faust has no types
    event.ack()


def changed(settings: Settings, **kafka: object) -> Settings:
    return settings.model_copy(update={"kafka": settings.kafka.model_copy(update=kafka)})


def test_the_wait_for_a_full_fetch_reaches_the_fetcher(stream_settings: Settings) -> None:
    async def main() -> None:
        async with running(
            changed(stream_settings, fetch_max_wait_seconds=0.037, fetch_min_bytes=77), acknowledge
        ) as app:
            await until(app.positions)
            fetcher = app.consumer._thread._consumer._fetcher
            assert (fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes) == (37, 77)

    asyncio.run(main())


def test_a_quiet_stream_is_read_at_once(stream_settings: Settings) -> None:
    # With Faust's own wait of 1.5 s, half of these would take longer than 0.75 s.
    delays: list[float] = []

    async def handle(event: Any) -> None:  # noqa: ANN401  Faust has no types
        delays.append(time.time() - event.message.timestamp)
        event.ack()

    async def main() -> None:
        async with running(stream_settings, handle) as app:
            await until(app.positions)
            for count in range(1, 6):
                await asyncio.to_thread(feed, stream_settings, 1)
                await until(lambda count=count: len(delays) == count)

    asyncio.run(main())
    assert sorted(delays[1:])[1] < 0.5


def committed(settings: Settings) -> int:
    """Sum of the first input's committed offsets, as the broker knows them."""
    topic = first_input(settings)
    with client.consumer(settings.kafka, group_id=settings.kafka.group_id) as reader:
        return sum(reader.committed(TopicPartition(topic, number)) or 0 for number in range(settings.topics.partitions))


def test_what_was_dropped_comes_again_where_nothing_was_ever_committed(stream_settings: Settings) -> None:
    # Faust drops what it fetches in a rebalance, and seeks back, as here.
    settings = changed(stream_settings, commit_interval_seconds=3600.0)
    feed(settings, 50)
    seen: Counter[Place] = Counter()

    async def handle(event: Any) -> None:  # noqa: ANN401  Faust has no types
        seen[event.message.topic, event.message.partition, event.message.offset] += 1

    async def main() -> None:
        async with running(settings, handle) as app:
            await until(lambda: len(seen) == 50)
            await app.consumer.perform_seek()
            await until(lambda: set(seen.values()) == {2})
            # And what comes after it is read once.
            await asyncio.to_thread(feed, settings, 10)
            await until(lambda: len(seen) == 60)

    asyncio.run(main())
    assert Counter(seen.values()) == {2: 50, 1: 10}


def test_what_is_acknowledged_is_committed_on_demand(stream_settings: Settings) -> None:
    settings = changed(stream_settings, commit_interval_seconds=3600.0)
    feed(settings, 50)
    held: list[Any] = []

    async def handle(event: Any) -> None:  # noqa: ANN401  Faust has no types
        held.append(event)

    async def main() -> None:
        async with running(settings, handle) as app:
            await until(lambda: len(held) == 50)
            for event in held[:30]:
                event.ack()
            await app.commit_acknowledged()
            assert await asyncio.to_thread(committed, settings) == 30
            # One that is under way began too early for what is acknowledged after it.
            for event in held[30:40]:
                event.ack()
            under_way = asyncio.create_task(app.consumer.commit())
            await asyncio.sleep(0)
            assert app.consumer._commit_fut is not None
            for event in held[40:]:
                event.ack()
            await app.commit_acknowledged()
            await under_way
            assert await asyncio.to_thread(committed, settings) == 50

    asyncio.run(main())


def test_a_topic_that_is_held_back_waits_alone_and_loses_nothing(stream_settings: Settings) -> None:
    held_back, other, _ = stream_settings.topics.inputs
    seen: Counter[str] = Counter()
    offsets: set[tuple[int, int]] = set()

    async def handle(event: Any) -> None:  # noqa: ANN401  Faust has no types
        message = event.message
        seen[message.topic] += 1
        if message.topic == held_back:
            offsets.add((message.partition, message.offset))
            if len(offsets) == 10:  # in the midst of what is fetched
                app.hold_back(held_back, back=True)
        event.ack()

    async def main() -> None:
        nonlocal app
        async with running(stream_settings, handle) as app:
            await until(app.positions)
            await asyncio.to_thread(feed, stream_settings, 2000)
            await until(lambda: len(offsets) >= 10)
            value = b'{"text": "x"}'
            await asyncio.to_thread(produce, stream_settings, other, [(b"k", value, [])] * 5)
            await until(lambda: seen[other] == 5)
            waiting = len(offsets)
            await asyncio.sleep(0.3)
            assert len(offsets) == waiting < 2000
            app.hold_back(held_back, back=False)
            await until(lambda: len(offsets) == 2000)

    app: Application
    asyncio.run(main())
    assert seen[held_back] == 2000


def test_positions_are_empty_until_it_has_joined(stream_settings: Settings) -> None:
    async def main() -> None:
        app = application(stream_settings, acknowledge)
        assert app.positions() == {}
        starting = asyncio.create_task(app.start())
        while not starting.done():  # at any moment of the start, they may be asked for
            app.positions()
            await asyncio.sleep(0)
        await starting
        await app.stop()

    asyncio.run(main())


def test_what_is_not_acknowledged_is_lag(stream_settings: Settings) -> None:
    feed(stream_settings, 5)
    held: list[Any] = []

    async def handle(event: Any) -> None:  # noqa: ANN401  Faust has no types
        held.append(event)

    async def main() -> None:
        async with running(changed(stream_settings, commit_interval_seconds=0.1), handle) as app:
            await until(lambda: len(held) == 5)
            assert sum(position.lag for position in app.positions().values()) == 5
            for event in held:
                event.ack()
            await until(lambda: not any(position.lag for position in app.positions().values()))

    asyncio.run(main())


@on_kafka  # for Tansu knows neither transactions nor the deletion of records
def test_offsets_that_are_no_messages_are_no_lag(stream_settings: Settings) -> None:
    # Such a worker has nothing to do; counted as lag, it would be ended as stuck again and again.
    settings = changed(stream_settings, commit_interval_seconds=0.1)
    transactional, expired, _ = settings.topics.inputs
    servers = settings.kafka.bootstrap_servers
    with KafkaProducer(bootstrap_servers=servers, transactional_id=transactional) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(transactional, b"x", partition=0)
        producer.commit_transaction()
    with KafkaProducer(bootstrap_servers=servers) as producer:
        for _ in range(7):
            producer.send(expired, b"x", partition=0)
    with admin_client(settings.kafka) as admin:
        admin.delete_records({TopicPartition(expired, 0): 7})
    read: list[str] = []

    async def handle(event: Any) -> None:  # noqa: ANN401  Faust has no types
        read.append(event.message.topic)
        event.ack()

    async def main() -> None:
        async with running(settings, handle) as app:
            await until(lambda: app.positions().get((transactional, 0)) == Position(1, 2, is_done=True))
            await until(lambda: app.positions().get((expired, 0)) == Position(None, 7, is_done=True))
            assert not any(position.lag for position in app.positions().values())

    asyncio.run(main())
    assert read == [transactional]


def test_partitions_that_move_to_another_worker_leave_nothing_in_hand(stream_settings: Settings) -> None:
    # A rolling restart under a backlog: what is in hand is finished and committed before the partitions go.
    total = 1500
    feed(stream_settings, total)
    seen: Counter[Place] = Counter()

    def acknowledge_all(events: Sequence[Any], _: None) -> None:
        for event in events:
            seen[event.message.topic, event.message.partition, event.message.offset] += 1
            event.ack()

    async def deliver(_: None) -> None:
        await asyncio.sleep(0.01)

    @asynccontextmanager
    async def member() -> AsyncIterator[Application]:
        pipeline: Pipeline[Any, None] = Pipeline(
            lambda events: time.sleep(0.002 * len(events)), deliver, acknowledge_all, failures.append,
            Batcher(32, 0.002),
        )  # fmt: skip
        pipeline.start()
        async with running(stream_settings, pipeline.put) as app:
            app.hold_intake = pipeline.held
            yield app
            await pipeline.close()
            await app.commit_acknowledged()

    failures: list[BaseException] = []

    async def main() -> None:
        async with member() as first:
            await until(lambda: sum(seen.values()) > 100)
            async with member() as second:
                await until(second.positions)
                assert len(seen) < total, "the backlog was too short for this test"
                await until(lambda: len(seen) == total)
                assert set(first.positions()).isdisjoint(second.positions())

    asyncio.run(main())
    assert failures == []
    # One event may be in the agent's own hands when the partitions go.
    assert sum(seen.values()) - total <= 2


async def _begun(tables: type[TableManager]) -> list[str]:
    """What a manager of tables does when it starts, in order."""
    done: list[str] = []

    async def note(name: str) -> None:
        done.append(name)

    stand_in = SimpleNamespace(
        sleep=lambda _: note("sleep"),
        should_stop=False,
        _update_channels=lambda: note("channels"),
        recovery=SimpleNamespace(start=lambda: note("recovery")),
    )
    await tables.on_start(stand_in)
    return done


def test_no_start_waits_for_tables_and_all_else_is_as_faust_has_it() -> None:
    app = build_application(Settings())
    faust, ours = (asyncio.run(_begun(tables)) for tables in (TableManager, app.conf.TableManager))
    assert faust == ["sleep", *ours]
    assert ours == ["channels", "recovery"]


def test_what_faust_says_of_itself_goes_by_fausts_name() -> None:
    def kinds(service: type) -> Iterator[type]:
        for kind in service.__subclasses__():
            yield kind
            yield from kinds(kind)

    ours = {kind.__name__: kind.logger.name for kind in kinds(Service) if kind.__module__.startswith("streams.")}
    assert "Application" in ours
    assert {name for name, logger in ours.items() if not logger.startswith("faust.")} == set()


def test_a_header_of_any_name_is_read(stream_settings: Settings) -> None:
    odd = [(BytesName("odd"), b"v")]
    produce(stream_settings, first_input(stream_settings), [(b"k", b"1", odd), (b"k", b"2", [])])
    read: list[bytes] = []

    async def handle(event: Any) -> None:  # noqa: ANN401  Faust has no types
        read.append(event.message.value)
        event.ack()

    async def main() -> None:
        async with running(stream_settings, handle):
            await until(lambda: len(read) == 2)

    asyncio.run(main())
    assert read == [b"1", b"2"]
