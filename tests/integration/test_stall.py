"""A worker that has lag and does not move ends itself, to be started again."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest
from support.messages import consume_all, produce
from support.streams import message, worker

from streams.brokers.tansu import TansuBroker
from streams.contract.topics import predictions_topic
from streams.worker.health import EXIT_STUCK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.brokers.broker import Broker
    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A broker of this test's own, since it is frozen."""
    with TansuBroker() as own:
        yield own


def test_a_worker_whose_broker_freezes_under_lag_exits_to_be_restarted(
    broker: Broker, stream_settings: Settings
) -> None:
    settings = stream_settings
    topic = next(iter(settings.topics.inputs))
    produce(settings, topic, [(*message(number), []) for number in range(5000)])
    assert broker.pid is not None
    root = psutil.Process(broker.pid)
    processes = [root, *root.children(recursive=True)]
    # So seldom a checkpoint as by default would be a standstill of its own.
    limits = {"TOCSIN_WORKER__STALL_TIMEOUT_SECONDS": "4", "TOCSIN_SURGE__CHECKPOINT_SECONDS": "0.5"}
    with worker(settings, **limits) as running:
        consume_all(settings, predictions_topic(settings.topics), 100)
        for process in processes:
            os.kill(process.pid, signal.SIGSTOP)
        try:
            assert running.process.wait(timeout=40) == EXIT_STUCK
        finally:
            for process in processes:
                os.kill(process.pid, signal.SIGCONT)
        assert "does not move" in running.process.stderr
