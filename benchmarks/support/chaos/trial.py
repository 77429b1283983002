"""What every trial is made of: a stream of its own, workers, a feed, a fault, recovery, and the ledger at the end."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from kafka.errors import KafkaError

from benchmarks.support.chaos.crew import Crew
from benchmarks.support.chaos.feed import Feed, plain
from benchmarks.support.chaos.ledger import EMPTY, Ledger, read_ledger
from benchmarks.support.chaos.waiting import TrialError
from benchmarks.support.stream import Stream
from streams.brokers.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from benchmarks.support.chaos.feed import Sent
    from benchmarks.support.chaos.versions import Versions
    from streams.brokers.broker import Broker

RATE = 40.0
"""Messages a second: enough that a batch is always in hand."""
_SETTLING_SECONDS = 120.0
_LOOK_SECONDS = 1.0

# Trials of the stream itself leave out what only takes processor time from it.
READING_ALONE: dict[str, str] = {
    "TOCSIN_SURGE__ENABLED": "false",
    "TOCSIN_DRIFT__ENABLED": "false",
    "TOCSIN_LABELS__REQUESTS_PER_HOUR": "0",
}


@dataclass
class Bench:
    """What all trials share."""

    broker: Broker
    """Apache Kafka, running."""
    versions: Versions
    folder: Path
    quick: bool
    say: Callable[[str], None]


@dataclass
class Found:
    """What came of a trial."""

    ledger: Ledger = EMPTY
    seen: str = ""
    """What was seen beside the sums, in a few words."""
    problems: list[str] = field(default_factory=list)
    """What of the promise was not kept, beside the sums."""

    @property
    def held(self) -> bool:
        """Whether the promise was kept."""
        return self.ledger.meets and not self.problems

    def require(self, kept: bool, problem: str) -> None:
        """Note a part of the promise that was not kept."""
        if not kept:
            self.problems.append(problem)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, and what is promised for it."""

    name: str
    promise: str
    tried: str
    """How, in a few words."""
    run: Callable[[Bench], Found]


class Trial(AbstractContextManager["Trial"]):
    """A stream that nobody else uses, in a room of its own.

    Args:
        bench: What all trials share.
        registry: Folder of the model versions.
        further: Settings of its workers over the defaults, as variables.
        broker: Another than the one that all share.
    """

    def __init__(
        self, bench: Bench, registry: Path, further: Mapping[str, str] = READING_ALONE, broker: Broker | None = None
    ) -> None:
        self._stack = ExitStack()
        self._say = bench.say
        self.broker = broker or bench.broker
        self.stream = self._stack.enter_context(Stream(self.broker, registry))
        self.folder = bench.folder / self.stream.settings.kafka.group_id
        self.folder.mkdir(parents=True)
        self.crew = self._stack.enter_context(Crew(self.stream, self.folder, further))

    def feed(self, rate: float = RATE, make: Callable[[int], Sent] = plain) -> Feed:
        """A feed of its inputs; a context manager."""
        return Feed(self.stream, rate, make)

    def settle(self, feed: Feed | None) -> Ledger:
        """Wait until every input has come out, stop the workers, and count all.

        Workers that do not end well are told as missing nothing: the ledger alone decides. What is still missing
        after two minutes stays missing.
        """
        acknowledged = feed.acknowledged if feed is not None else []
        deadline = time.monotonic() + _SETTLING_SECONDS
        while True:
            try:
                ledger = read_ledger(self.stream.settings, acknowledged)
            except (BrokerError, KafkaError) as error:
                self._say(f"  the ledger waits for the broker: {error}")
                ledger = None
            if (ledger is not None and not ledger.missing) or time.monotonic() > deadline:
                break
            time.sleep(_LOOK_SECONDS)
        try:
            self.crew.stop()
        except TrialError as error:
            self._say(f"  {error}")
        return read_ledger(self.stream.settings, acknowledged)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
