"""Looks at a running stream from outside every few seconds, in a thread of its own; the workers are not asked."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

import psutil
from kafka import TopicPartition
from kafka.errors import KafkaError

from benchmarks.support.soak.folder import Sample
from streams.brokers.client import admin_client, consumer
from streams.contract.topics import signals_topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.support.soak.folder import SoakFolder
    from streams.contract.settings import Settings

SAMPLE_SECONDS = 5.0


class Watcher:
    """Samples memory and lag until left; a context manager.

    Args:
        settings: Of the stream.
        workers: Process ids by name.
        folder: Where samples go as they come.
    """

    def __init__(self, settings: Settings, workers: Mapping[str, int], folder: SoakFolder) -> None:
        self._settings = settings
        self._processes = {name: psutil.Process(pid) for name, pid in workers.items()}
        self._folder = folder
        self._stop = Event()
        self._latest: Sample | None = None
        self._admin = admin_client(settings.kafka)
        self._reader = consumer(settings.kafka)
        self._inputs = self._partitions_of(settings.topics.inputs)
        self._signals = self._partitions_of([signals_topic(settings.topics)])
        self._thread = Thread(target=self._run, name="watcher", daemon=True)

    def wait_for_lag(self, most: int, deadline: float) -> Sample | None:
        """Wait for a sample, taken from now on, by which no more than so many messages are not yet done.

        Args:
            most: Messages.
            deadline: By the monotonic clock.

        Returns:
            The sample; None where the time is over before.
        """
        begin = time.time()
        while time.monotonic() < deadline and not self._stop.wait(SAMPLE_SECONDS / 10):
            latest = self._latest
            if latest is not None and latest.time > begin and latest.lag is not None and latest.lag <= most:
                return latest
        return None

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + SAMPLE_SECONDS, time.monotonic())
            self._latest = self._look()
            self._folder.add(self._latest)

    def _look(self) -> Sample:
        rss: dict[str, int] = {}
        for name, process in self._processes.items():
            with suppress(psutil.Error):  # it has ended: whoever runs it will say so
                rss[name] = process.memory_info().rss
        sample = Sample(time.time(), rss)
        # A broker that is slow to answer costs a sample of the lag, not the run.
        with suppress(KafkaError):
            # What is committed first: asked the other way round, messages done in between would count as lag.
            group = self._settings.kafka.group_id
            places = self._admin.list_group_offsets(group).get(group, {})
            done = {where: max(0, place.offset) for where, place in places.items()}
            ends = self._reader.end_offsets([*self._inputs, *self._signals])
            sample.committed = sum(done.get(where, 0) for where in self._inputs)
            sample.end = sum(ends[where] for where in self._inputs)
            sample.signals_lag = sum(max(0, ends[where] - done.get(where, 0)) for where in self._signals)
        return sample

    def _partitions_of(self, topics: Iterable[str]) -> list[TopicPartition]:
        return [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(self._reader.partitions_for_topic(topic) or ())
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._reader.close()
        self._admin.close()
