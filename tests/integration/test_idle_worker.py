"""More workers than partitions: one that gets none is ready all the same, and takes over when another dies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.messages import produce
from support.processes import wait_for
from support.streams import Ledger, message, read_predictions, worker

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from support.streams import Worker

    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def assigned(running: Worker) -> int:
    return int(running.metric("tocsin_assigned_partitions"))


def state(running: Worker) -> str:
    return str(json.loads(running.get("/readyz")[1])["checks"]["state"])


def test_a_third_worker_on_two_partitions_is_ready_and_takes_over(unmade_settings: Settings) -> None:
    # One topic in the group: of several, each could leave another worker without.
    news = next(topic for topic, kind in unmade_settings.topics.inputs.items() if kind == "news")
    topics = unmade_settings.topics.model_copy(update={"partitions": 2, "inputs": {news: "news"}})
    surge = unmade_settings.surge.model_copy(update={"enabled": False})
    settings = unmade_settings.model_copy(update={"topics": topics, "surge": surge})
    with admin_client(settings.kafka) as admin:
        create_topics(admin, all_topics(settings))

    def feed(numbers: range) -> None:
        produce(settings, news, [(*message(number), []) for number in numbers])
        so_far = [str(number) for number in range(numbers.stop)]
        Ledger(read_predictions(settings, len(so_far))).assert_complete(so_far)

    with worker(settings) as first, worker(settings) as second, worker(settings) as third:
        workers = [first, second, third]
        for running in workers:
            running.wait_until_ready()
        wait_for(lambda: sorted(map(assigned, workers)) == [0, 1, 1], 60, every=0.2, what="for a rebalance")
        idle, doomed, other = sorted(workers, key=assigned)
        wait_for(lambda: state(idle).startswith("idle"), what="for the idle one to say so")
        assert idle.get("/readyz")[0] == 200
        assert "takes over where one goes" in idle.process.stderr
        assert {state(doomed), state(other)} == {"running"}
        feed(range(20))

        doomed.process.kill()
        idle.wait_until_ready(1)
        assert state(idle) == "running"
        assert "no longer idle" in idle.process.stderr
        feed(range(20, 40))
