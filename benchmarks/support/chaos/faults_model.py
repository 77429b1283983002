"""A model that fails: at one message, at all of them, and at all of them from a swap on."""

from __future__ import annotations

from pathlib import Path

from benchmarks.support.chaos.feed import Sent, plain
from benchmarks.support.chaos.trial import Bench, Fault, Found, Trial
from benchmarks.support.chaos.versions import BY, EVERYTHING, POISON
from retrain.promotion import promote

_MESSAGES = 200
_EVERY = 20
_BROKEN = "it is broken"
_LEFT = "a version is given up"


def poison(bench: Bench) -> Found:
    """One message in twenty holds a word at which the model raises."""
    registry = bench.versions.registry(fails_at=POISON)
    with Trial(bench, Path(registry.url)) as trial:
        trial.crew.add()
        trial.crew.wait_until_ready()
        with trial.feed(make=_poisoned) as feed:
            feed.wait_for_more(_MESSAGES)
        found = Found(trial.settle(feed))
    sent = len(feed.acknowledged) + feed.failed
    bad = len(range(0, sent, _EVERY))
    found.require(
        found.ledger.dead_letters == bad, f"{found.ledger.dead_letters} dead letters of {bad} poisoned messages"
    )
    found.require(not trial.crew.exits, f"a worker ended with {trial.crew.exits}")
    found.seen = f"{bad} poisoned messages, each a dead letter; their neighbours are answered"
    return found


def broken(bench: Bench) -> Found:
    """The model fails at everything, and there is no version before it; then a whole one is made the champion."""
    registry = bench.versions.registry(fails_at=EVERYTHING)
    whole = bench.versions.add(registry)
    with Trial(bench, Path(registry.url)) as trial:
        worker = trial.crew.add()
        with trial.feed(make=_ordinary) as feed:
            trial.crew.wait_for_log(_BROKEN)
            feed.wait_for_more(_MESSAGES)
            promote(trial.stream.settings, registry, whole, BY, "the one that serves is broken")
            trial.crew.wait_until_ready()
        found = Found(trial.settle(feed))
    found.require(not found.ledger.dead_letters, f"{found.ledger.dead_letters} messages were buried")
    found.require(bool(worker.exits) and set(worker.exits) == {1}, f"exit codes {worker.exits}")
    found.seen = f"the worker ended {len(worker.exits)} times with 1, until another version served"
    return found


def broken_in_a_swap(bench: Bench) -> Found:
    """A version that fails at everything is promoted over one that reads."""
    registry = bench.versions.registry()
    bad = bench.versions.add(registry, fails_at=EVERYTHING)
    with Trial(bench, Path(registry.url)) as trial:
        trial.crew.add()
        trial.crew.wait_until_ready()
        with trial.feed(make=_ordinary) as feed:
            feed.wait_for_more(_MESSAGES)
            promote(trial.stream.settings, registry, bad, BY, "to fail")
            trial.crew.wait_for_log(_LEFT, 180.0)
            feed.wait_for_more(_MESSAGES)
        found = Found(trial.settle(feed))
    found.require(not found.ledger.dead_letters, f"{found.ledger.dead_letters} messages were buried")
    found.require(not trial.crew.exits, f"a worker ended with {trial.crew.exits}")
    champion = registry.aliases(bench.versions.name).get("champion")
    found.require(champion == 1, f"the champion is {champion}")
    found.seen = "the version before came back, here and in the registry"
    return found


def _poisoned(number: int) -> Sent:
    sent = plain(number)
    return sent._replace(text=f"{sent.text} {POISON}") if number % _EVERY == 0 else sent


def _ordinary(number: int) -> Sent:
    sent = plain(number)
    return sent._replace(text=f"{sent.text}.")


FAULTS = (
    Fault(
        "poison-message",
        "a message at which the model raises is a dead letter; its neighbours are answered",
        "trial: a version whose graph fails at one word, in one message of twenty",
        poison,
    ),
    Fault(
        "model-broken",
        "a model that fails at everything buries nothing: the worker ends, and reads on once another version serves",
        "trial: a version whose graph fails at every message",
        broken,
    ),
    Fault(
        "model-broken-in-a-swap",
        "such a version is left for the one before, and taken back for everybody",
        "trial: promoted under a feed",
        broken_in_a_swap,
    ),
)
