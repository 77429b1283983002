"""The Faust application, with what Faust leaves to chance set on purpose.

Four things of Faust are adapted here and nowhere else: the time that a broker may hold an empty fetch, which Faust
fixes at 1.5 s and which would be the latency of a quiet stream; what happens when partitions are taken away, so that
what is in hand is finished and committed first, and a rolling restart repeats next to nothing; where reading begins
after a rebalance, so that nothing is passed over; and the second that each start waits for tables (there are none).
"""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import faust
from faust.tables.manager import TableManager
from faust.transport.drivers import aiokafka as driver

from streams.logic.stall import Position
from streams.worker.header_names import spell_out_header_names
from streams.worker.publisher import METADATA_AGE_MS
from streams.worker.security import faust_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextlib import AbstractAsyncContextManager

    from streams.contract.settings import Settings
    from streams.logic.stall import Place


_POLLED_RECORDS = 64
_FETCHED_BYTES = 128 * 1024
# Brokers that have not answered for so long, beyond what they may hold a fetch, are out of reach.
_SILENCE_SECONDS = 5.0


_faust_log = logging.getLogger("faust.tocsin")


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    logger = _faust_log

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:  # noqa: ANN401  aiokafka has no types
        consumer = super()._create_worker_consumer(transport)
        # Read by aiokafka when the consumer starts, which is after this. A test looks at the fetcher that comes of it.
        consumer._fetch_max_wait_ms = int(self.app.fetch_max_wait_seconds * 1000)  # noqa: SLF001  no public way
        consumer._fetch_min_bytes = self.app.fetch_min_bytes  # noqa: SLF001  no public way
        return consumer

    async def seek_to_committed(self) -> Any:  # noqa: ANN401  aiokafka has no types
        return await self.call_thread(self._seek_back)

    async def _seek_back(self) -> Any:  # noqa: ANN401  likewise
        # Faust drops what it fetches in a rebalance, and seeks back to read it again. aiokafka does not move where
        # nothing was ever committed, as where a worker died before its first commit: what was dropped would be lost.
        consumer = self._ensure_consumer()
        committed = await consumer.seek_to_committed()
        never = [tp for tp, offset in committed.items() if not offset and tp in consumer.assignment()]
        if never:
            await consumer.seek_to_beginning(*never)
        return committed


class _Consumer(driver.Consumer):
    logger = _faust_log

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        # Faust forgets the acknowledgements of revoked partitions first thing; what they stand for is committed before.
        async with self.app.hold_intake():
            await self.app.commit_acknowledged()
            self.app.on_revoked({(tp.topic, tp.partition) for tp in revoked})
            await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        await super().on_partitions_assigned(assigned, generation_id)
        self.app.on_assigned({(tp.topic, tp.partition) for tp in assigned})

    def is_member(self) -> bool:
        # aiokafka belongs to another thread, as below. Its generation is that of the group, and none (-1) until it has
        # joined and once it is thrown out; an assignment is there from the first one on, and may be empty.
        reader = self._thread._consumer  # noqa: SLF001  no public way; None while the thread starts
        if reader is None or reader._coordinator is None:  # noqa: SLF001  no public way
            return False
        subscription = reader._subscription.subscription  # noqa: SLF001  no public way
        is_assigned = subscription is not None and subscription.assignment is not None
        return is_assigned and reader._coordinator.generation >= 0  # noqa: SLF001  no public way

    def positions(self) -> dict[Place, Position]:
        # aiokafka belongs to another thread and may exchange its assignment at any moment: one snapshot is looked at.
        reader = self._thread._consumer  # noqa: SLF001  no public way; None while the thread starts
        subscription = reader and reader._subscription.subscription  # noqa: SLF001  no public way
        assignment = subscription and subscription.assignment
        if not assignment:
            return {}
        busy = {message.tp for message in self.unacked if not message.acked}
        return {
            (tp.topic, tp.partition): Position(
                committed=self._committed_offset.get(tp),
                highwater=(state := assignment.state_value(tp)).highwater,
                is_done=tp not in busy and not self._acked.get(tp) and _is_read(state),
                is_current=_is_current(state, self.app.fetch_max_wait_seconds),
            )
            for tp in assignment.tps
        }


def _is_read(state: Any) -> bool:  # noqa: ANN401  aiokafka has no types
    # Unlike a committed offset, aiokafka's position passes what is no message.
    return state.highwater is not None and state.has_valid_position and state.position >= state.highwater


def _is_current(state: Any, fetch_max_wait_seconds: float) -> bool:  # noqa: ANN401  likewise
    # Stamped by every answer to a fetch, an empty one too.
    if state.timestamp is None:
        return False
    # An answer from the future says nothing of now: the clock was set back since.
    age: float = abs(time.time() - state.timestamp / 1e3)
    return age < fetch_max_wait_seconds + _SILENCE_SECONDS


class _Transport(driver.Transport):
    Consumer = _Consumer


class _NoTables(TableManager):
    logger = _faust_log

    async def on_start(self) -> None:
        # As Faust has it, without its first line: a second's sleep, in which tables may still be added.
        await self._update_channels()
        await self.recovery.start()


class Application(faust.App):
    """A Faust application on Tocsin's transport.

    Args:
        fetch_max_wait_seconds: How long a broker may hold a fetch that it cannot fill.
        fetch_min_bytes: From how many on a fetch is full. Answered with each message, fetches take a fourteenth of the
            processor time of a stream at half of its limit (docs/performance.md).
        options: Faust's own.
    """

    logger = _faust_log

    def __init__(self, *args: Any, fetch_max_wait_seconds: float, fetch_min_bytes: int, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **options)
        self.fetch_max_wait_seconds = fetch_max_wait_seconds
        self.fetch_min_bytes = fetch_min_bytes
        self.hold_intake: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
        """Finishes what is in hand, and takes in nothing new until left."""
        self.on_revoked: Callable[[Collection[Place]], None] = lambda _: None
        """Told which partitions are given up, when all that was taken in of them is committed."""
        self.on_assigned: Callable[[Collection[Place]], None] = lambda _: None
        """Told which partitions this worker has, all of them, once whoever had them before has given them up."""

    def _new_transport(self) -> _Transport:
        return _Transport(self.conf.broker_consumer, self)

    async def commit_acknowledged(self) -> None:
        """Commit all that is acknowledged by now."""
        # Faust's commit() does nothing while another one, which may have begun too early for us, is under way.
        await self.consumer.maybe_wait_for_commit_to_finish()
        await self.consumer.commit()

    def hold_back(self, topic: str, *, back: bool) -> None:
        """Fetch no more of one topic, or go on with it; what is fetched by now still comes, and nothing is lost."""
        consumer = self._consumer
        if consumer is None or not consumer.started:
            return
        # As Faust does where a stream's buffer is full. Its pause_partitions() would drop what is fetched already.
        tell = consumer.on_buffer_full if back else consumer.on_buffer_drop
        for tp in consumer.assignment():
            if tp.topic == topic:
                tell(tp)

    def is_member(self) -> bool:
        """Whether the group counts this worker in, be it with partitions or, where others have all of them, without."""
        consumer = self._consumer
        return consumer is not None and consumer.started and consumer.is_member()

    def positions(self) -> dict[Place, Position]:
        """Where the worker stands in each of its partitions; empty before it has joined the group."""
        consumer = self._consumer
        return consumer.positions() if consumer is not None and consumer.started else {}


def build_application(settings: Settings) -> Application:
    """A Faust application for these settings, with no agents yet."""
    spell_out_header_names()
    kafka = settings.kafka
    brokers = [f"kafka://{address.strip()}" for address in kafka.bootstrap_servers.split(",")]
    return Application(
        kafka.group_id,
        fetch_max_wait_seconds=kafka.fetch_max_wait_seconds,
        fetch_min_bytes=kafka.fetch_min_bytes,
        broker=brokers,
        broker_credentials=faust_credentials(kafka),
        broker_client_id=kafka.client_id,
        broker_session_timeout=kafka.session_timeout_seconds,
        broker_heartbeat_interval=kafka.heartbeat_interval_seconds,
        broker_request_timeout=max(kafka.request_timeout_seconds, kafka.session_timeout_seconds + 1),
        broker_commit_interval=kafka.commit_interval_seconds,
        # Both small: aiokafka hands on one partition's fetch before it turns to the next, so what is fetched at once is
        # how far one input runs ahead of the others, and how long signals wait behind messages. A larger message is
        # fetched all the same, alone (KIP-74).
        broker_max_poll_records=_POLLED_RECORDS,
        consumer_max_fetch_size=_FETCHED_BYTES,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_AGE_MS,
        # Messages that Faust may hold ahead of the agent: two batches; more would only be read again after a kill.
        stream_buffer_maxsize=settings.enrich.batch_max * 2,
        stream_wait_empty=False,
        key_serializer="raw",
        value_serializer="raw",
        # No tables, and so nobody stands by for any. With Faust's default of one standby its assignor lets each worker
        # keep the mean rounded up: of 3 workers on 4 partitions two would have 2, and the third none.
        table_standby_replicas=0,
        TableManager=_NoTables,
        store="memory://",
        datadir=str(settings.worker.data_dir),
        # Topics are made by `tocsin topics create`; the worker depends on no auto-creation, and needs no leader topic.
        topic_allow_declare=False,
        topic_disable_leader=True,
        # Faust's own web server shows tables and listens on all addresses: probes and metrics are ours.
        web_enabled=False,
        processing_guarantee="at_least_once",
        logging_config=None,
    )
