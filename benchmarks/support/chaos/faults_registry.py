"""A registry that goes away under a running worker, before another version is told of."""

from __future__ import annotations

from pathlib import Path

from benchmarks.support.chaos.trial import Bench, Fault, Found, Trial
from benchmarks.support.chaos.versions import BY
from benchmarks.support.chaos.waiting import wait_for
from models import promoting
from models.promoting import Story
from streams.brokers.writing import Writer
from streams.contract.model_records import pointer_key
from streams.contract.topics import model_pointers_topic

_MESSAGES = 200
_NOT_TAKEN_UP = "a version was not taken up, and is tried again"
_LONGEST_SECONDS = 240.0


def unreachable(bench: Bench) -> Found:
    """The registry goes away, another version is told of meanwhile, and it comes back."""
    registry = bench.versions.registry()
    other = bench.versions.add(registry)
    folder = Path(registry.url)
    away = folder.with_name(f"{folder.name}-away")
    with Trial(bench, folder) as trial:
        worker = trial.crew.add()
        trial.crew.wait_until_ready()
        settings = trial.stream.settings
        with trial.feed() as feed:
            feed.wait_for_more(_MESSAGES)
            pointer = promoting.promote(registry, bench.versions.name, other, Story(by=BY)).pointer
            folder.rename(away)
            with Writer(settings.kafka) as writer:
                topic = model_pointers_topic(settings.topics)
                writer.put(topic, pointer_key(bench.versions.name, "champion"), pointer)
            trial.crew.wait_for_log(_NOT_TAKEN_UP)
            feed.wait_for_more(_MESSAGES)
            served_on = 'version="1"' in worker.page("/metrics")
            away.rename(folder)
            wait_for(lambda: 'version="2"' in worker.page("/metrics"), _LONGEST_SECONDS, "for the version", every=1.0)
            feed.wait_for_more(_MESSAGES)
        found = Found(trial.settle(feed))
    found.require(served_on, "the worker did not serve on")
    found.require(not trial.crew.exits, f"a worker ended with {trial.crew.exits}")
    champion = registry.aliases(bench.versions.name).get("champion")
    found.require(champion == other, f"the champion is {champion}: the version was taken back for the registry's fault")
    found.seen = "it said so, served on, and took the version up once the registry was back"
    return found


FAULTS = (
    Fault(
        "registry-unreachable",
        "the worker serves on with the version that it has, says so, and takes the new one up when it can",
        "trial: the registry's folder is moved away before a swap",
        unreachable,
    ),
)
