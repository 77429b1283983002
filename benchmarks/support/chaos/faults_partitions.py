"""Topics that have more partitions than yesterday: inputs, and those in which state is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.support.chaos.trial import READING_ALONE, Bench, Fault, Found, Trial
from benchmarks.support.chaos.waiting import wait_for
from streams.brokers.admin import describe_topics
from streams.brokers.client import admin_client
from streams.brokers.reading import read_all
from streams.contract.topics import kept_in_place

if TYPE_CHECKING:
    from streams.contract.settings import Settings

_MESSAGES = 400
_BEFORE, _AFTER = 4, 8
_LONGEST_SECONDS = 120.0
_SURGE = {
    "TOCSIN_SURGE__ENABLED": "true",
    "TOCSIN_SURGE__CHECKPOINT_SECONDS": "0.5",
    "TOCSIN_SURGE__IDLE_SECONDS": "3",
}


def inputs_grow(bench: Bench) -> Found:
    """Every input gets partitions while it is read."""
    with Trial(bench, bench.versions.served) as trial:
        settings = trial.stream.settings
        worker = trial.crew.add()
        trial.crew.wait_until_ready()
        with trial.feed() as feed:
            feed.wait_for_more(_MESSAGES)
            _grow(settings, list(settings.topics.inputs))
            before = worker.metric("tocsin_assigned_partitions")
            wait_for(
                lambda: worker.metric("tocsin_assigned_partitions") > before, _LONGEST_SECONDS, "for them to be found"
            )
        # A producer that starts now knows of them.
        with trial.feed() as later:
            later.wait_for_more(_MESSAGES)
        reached = {place[1] for place in later.acknowledged}
        later_places = later.acknowledged
        found = Found(trial.settle(feed))
    found.require(reached == set(range(_AFTER)), f"only the partitions {sorted(reached)} were written to")
    found.require(not trial.crew.exits, f"a worker ended with {trial.crew.exits}")
    found.seen = f"{len(later_places)} of the inputs came after the change, over all {_AFTER} partitions of each topic"
    return found


def state_grows(bench: Bench) -> Found:
    """Every topic in which state is kept gets partitions under a running worker, which is then killed."""
    with Trial(bench, bench.versions.served, READING_ALONE | _SURGE) as trial:
        settings = trial.stream.settings
        worker = trial.crew.add()
        trial.crew.wait_until_ready()
        kept = [topic for topic, spread in kept_in_place(settings).items() if spread == _BEFORE]
        with trial.feed() as feed:
            feed.wait_for_more(_MESSAGES)
            _grow(settings, kept)
            trial.crew.wait_for_log("partitions were added where state is kept", _LONGEST_SECONDS * 4)
            feed.wait_for_more(_MESSAGES)
            lives = len(worker.exits)
            worker.kill()
            wait_for(lambda: len(worker.exits) > lives, _LONGEST_SECONDS, "for its end")
            trial.crew.wait_until_ready()
            trial.crew.wait_for_log("further partitions stay empty")
            feed.wait_for_more(_MESSAGES)
        found = Found(trial.settle(feed))
        strays = sum(record.partition >= _BEFORE for topic in kept for record in read_all(settings, topic))
    found.require(not strays, f"{strays} records went to partitions that were added")
    found.require(worker.exits == [-9], f"exit codes {worker.exits}")
    found.seen = "the running worker and the next one keep to the partitions that there were, and say so"
    return found


def _grow(settings: Settings, topics: list[str]) -> None:
    with admin_client(settings.kafka) as admin:
        admin.create_partitions(dict.fromkeys(topics, _AFTER))
        wait_for(
            lambda: all(len(topic.partitions) == _AFTER for topic in describe_topics(admin, topics, config=False)),
            _LONGEST_SECONDS,
            "for the partitions",
        )


FAULTS = (
    Fault(
        "inputs-get-partitions",
        "partitions added to an input are found within a minute and read from their beginning",
        "trial: 4 to 8 while they are read",
        inputs_grow,
    ),
    Fault(
        "state-gets-partitions",
        "partitions added where state is kept move no key: they stay empty, and the worker says so",
        "trial: all such topics 4 to 8 under a running worker, which is then killed; tests/brokers/test_placing.py",
        state_grows,
    ),
)
