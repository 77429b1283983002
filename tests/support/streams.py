"""A steady feed, running workers, and the ledger of what went in and what came out."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from support.messages import consume_all
from support.processes import run_tocsin, settings_env, wait_for

from exporters.lag import Clients, Scope, measure
from streams.brokers import client
from streams.contract.topics import dead_letters_topic, predictions_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kafka.consumer.fetcher import ConsumerRecord
    from support.processes import TocsinProcess

    from streams.contract.settings import Settings

READY_SECONDS = 60.0


class Worker:
    """A worker process and its probes."""

    def __init__(self, process: TocsinProcess) -> None:
        self.process = process

    @property
    def url(self) -> str:
        """Base address of its probes; it prints it when it starts."""
        line = wait_for(
            lambda: (
                next((line for line in self.process.stderr.splitlines() if line.startswith("metrics: ")), None)
                or (not self.process.running and "ended")
            ),
            READY_SECONDS,
            what="for the worker to tell its address",
        )
        assert line != "ended", self.process.stderr
        return line.removeprefix("metrics: ").removesuffix("/metrics")

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of one of its pages."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:  # noqa: S310  a loopback address
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, sample: str) -> float:
        """Value of a metric's sample, such as ``tocsin_assigned_partitions``; 0 where it is not shown."""
        _, text = self.get("/metrics")
        values = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(f"{sample} ")]
        return float(values[0]) if values else 0.0

    def wait_until_ready(self, partitions: int | None = None) -> Self:
        """Wait until /readyz is 200, and it has so many partitions where a number is given."""
        wait_for(
            lambda: self._is_ready(partitions) or (not self.process.running and "ended"),
            READY_SECONDS,
            every=0.2,
            what=f"for a ready worker with {partitions or 'any'} partitions",
        )
        assert self.process.running, self.process.stderr
        return self

    def _is_ready(self, partitions: int | None) -> bool:
        try:
            if self.get("/readyz")[0] != 200:
                return False
            return partitions in (None, int(self.metric("tocsin_assigned_partitions")))
        except OSError:
            # Refused or not answered in time: whether the process has ended is asked of itself.
            return False


def wait_until_done(settings: Settings, *topics: str) -> None:
    """Wait until the group has committed all that is in these topics, each before the next is looked at.

    A worker has partitions before it reads them, and what another one that was killed had published may look as if all
    were done: only what is committed tells. Topics are named in the order in which one is written from the other.
    """
    clients = Clients(partial(client.admin_client, settings.kafka), partial(client.consumer, settings.kafka))
    for topic in topics:
        scope = Scope([topic], settings.kafka.group_id, inputs=[topic])
        wait_for(
            lambda scope=scope: not any(lag.messages for lag in measure(clients, scope, READY_SECONDS).lags),
            READY_SECONDS,
            every=0.2,
            what=f"for {topic} to be done",
        )


@contextmanager
def worker(settings: Settings, module: str = "streams.cli.main", **env: str) -> Iterator[Worker]:
    """A worker process under these settings."""
    with run_tocsin(["worker"], {**settings_env(settings), **env}, module) as process:
        yield Worker(process)


def message(number: int, text: str = "Harbour Lane Bank cuts its outlook after a weak quarter") -> tuple[bytes, bytes]:
    """Key and value of a good message with its number as id."""
    return str(number).encode(), json.dumps({"id": str(number), "text": f"{text}, {number}"}).encode()


class Feed:
    """Sends numbered messages to a topic at a steady rate, from a thread, until stopped."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        per_second: float,
        make: Callable[[int], tuple[bytes, bytes]] = message,
    ) -> None:
        self._settings, self._topic, self._pause, self._make = settings, topic, 1.0 / per_second, make
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed")
        self.acknowledged: dict[str, float] = {}
        """Id of each message that the broker has, and when it was sent."""

    def _run(self) -> None:
        with client.producer(self._settings.kafka) as producer:
            number = 0
            while not self._stop.wait(self._pause):
                key, value = self._make(number)
                sent_at = time.time()
                producer.send(self._topic, key=key, value=value).get(timeout=30)
                self.acknowledged[str(number)] = sent_at
                number += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more; returns when the last message is acknowledged."""
        self._stop.set()
        self._thread.join()


class Ledger:
    """Outputs read so far, by the id of the message that they answer."""

    def __init__(self, predictions: Sequence[ConsumerRecord]) -> None:
        self.outputs: defaultdict[str, list[str]] = defaultdict(list)
        for record in predictions:
            headers = dict(record.headers)
            body: dict[str, Any] = json.loads(record.value)
            assert headers["ce_id"].decode() == body["id"]
            self.outputs[body["message_id"]].append(body["id"])

    @property
    def repeated(self) -> int:
        """Outputs beyond the first of each message."""
        return sum(len(ids) - 1 for ids in self.outputs.values())

    def assert_complete(self, inputs: Sequence[str]) -> None:
        """Every input is answered, repeats carry the id of the first, and no two messages share one."""
        missing = [message_id for message_id in inputs if message_id not in self.outputs]
        assert not missing, f"{len(missing)} of {len(inputs)} unanswered, the first {missing[:5]}"
        differing = {message_id: set(ids) for message_id, ids in self.outputs.items() if len(set(ids)) > 1}
        assert not differing
        shared = [output for output, times in Counter(ids[0] for ids in self.outputs.values()).items() if times > 1]
        assert not shared


def read_predictions(settings: Settings, inputs: int, timeout: float = 60.0) -> list[ConsumerRecord]:
    """All predictions, once so many distinct messages are answered."""
    return consume_all(
        settings,
        predictions_topic(settings.topics),
        lambda records: len({record.key for record in records}) >= inputs,
        timeout,
    )


def read_dead_letters(settings: Settings, count: int, timeout: float = 60.0) -> list[dict[str, Any]]:
    """All dead letters, once there are so many."""
    return [
        json.loads(record.value)
        for record in consume_all(settings, dead_letters_topic(settings.topics), count, timeout)
    ]
