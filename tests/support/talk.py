"""Desks as the worker runs them, fed by the clocks of enrich, without a broker, and a week of talk for them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from streams.contract.alerts import Alert, Trend, Verdict, Watch
from streams.contract.incoming import Record
from streams.contract.records import encode
from streams.contract.signals import Heartbeat, Signal, Signals, SurgeState
from streams.logic.inputs import InputClocks
from streams.logic.stall import Position
from streams.worker.desks import Desks, Findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.contract.settings import Settings

HOUR = 3600.0
DAY = 24 * HOUR
MONDAY = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
PARTITIONS = (("news", 0), ("news", 1), ("social", 0))
SUBJECTS = [f"entity/company {number}" for number in range(6)]


@dataclass
class Desk:
    """What people say, which here is mostly nothing."""

    watched: dict[str, Watch] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    silences: list[str] = field(default_factory=list)

    def silenced_by(self, labels: dict[str, str]) -> list[str]:
        assert labels["subject"].startswith("entity/")
        return self.silences


@dataclass(frozen=True, order=True)
class Said:
    time: float
    place: tuple[str, int]
    subject: str
    sentiment: str


class Stream:
    """enrich and surge of one worker, with one signals partition and times in the test's hand.

    Args:
        settings: Of surge detection.
        states: What a worker before it left.
        together: Signals in one record, at most.
    """

    def __init__(self, settings: Settings, states: Iterable[SurgeState] = (), *, together: int = 1) -> None:
        self.settings = settings
        self._together = together
        self.steering: Any = Desk()
        self.clocks = InputClocks(settings)
        self.desks = Desks(
            settings,
            upstream=PARTITIONS,
            partitions=1,
            steering=self.steering,
            read_state=lambda _: list(states),
            clock=lambda: self.now,
        )
        self.now = MONDAY
        self.found: list[Alert | Trend] = []
        self.states: dict[str, SurgeState | None] = {}
        self.findings: list[Findings] = []
        self._offset = 0
        self._offsets = dict.fromkeys(PARTITIONS, 0)
        self._waiting: list[Signal] = []
        self._batch: list[Record] = []
        self.history: list[Record] = []

    def read(self, said: Said, kafka_time: float) -> None:
        """Enrich reads a message and tells its signal."""
        topic, partition = said.place
        offset = self._offsets[said.place]
        self._offsets[said.place] += 1
        message = Record(topic, partition, offset, kafka_time, b"", b"", ())
        reached = self.clocks.observe(message, said.time, self.now)
        self.clocks.delivered({said.place: reached}, self.now)
        name = f"{topic} {partition} {offset}"
        self._waiting.append(
            Signal(
                id=name,
                subject=said.subject,
                message_id=name,
                time=datetime.fromtimestamp(said.time, UTC),
                sentiment="negative" if said.sentiment == "negative" else "neutral",
                score=0.9,
                source="wire",
                kind="news",
                topic=topic,
                partition=partition,
                offset=offset,
                watermark=reached.watermark,
                model="encoder:1",
                fingerprint=name,
                text="What was said",
            )
        )
        if len(self._waiting) >= self._together:
            self._send_signals()

    def beat(self, lag: dict[tuple[str, int], int]) -> None:
        """The worker's heartbeat."""
        self._send_signals()
        positions = {
            place: Position(committed=at, highwater=at + lag.get(place, 0)) for place, at in self._offsets.items()
        }
        upstream = self.clocks.report(positions, self.now)
        self._tell(Heartbeat(worker="test", time=datetime.fromtimestamp(self.now, UTC), partitions=upstream))

    def take_in(self) -> None:
        """Surge takes in what was told since, as one batch."""
        self._send_signals()
        findings = self.desks.apply(self._batch)
        self._batch = []
        self.findings.append(findings)
        for output in findings.outputs:
            kind: type[Alert | Trend] = Alert if output.topic.endswith("alerts") else Trend
            self.found.append(msgspec.json.decode(output.value or b"", type=kind))
        for output in findings.states:
            key = output.key.decode()
            self.states[key] = output.value and msgspec.json.decode(output.value, type=SurgeState)

    def _send_signals(self) -> None:
        if self._waiting:
            self._tell(Signals(signals=self._waiting))
            self._waiting = []

    def _tell(self, told: Signals | Heartbeat) -> None:
        self._batch.append(Record("tocsin.signals", 0, self._offset, self.now, b"", encode(told), ()))
        self.history.append(self._batch[-1])
        self._offset += 1


def week() -> list[Said]:
    """A week of talk in three partitions; on Saturday one company is cursed for an hour."""
    noise = random.Random(5)
    said = []
    for hour in range(7 * 24):
        for subject in SUBJECTS:
            surges = subject == SUBJECTS[2] and hour == 5 * 24 + 10
            for _ in range(60 if surges else 6):
                bad = noise.random() < (0.9 if surges else 0.25)
                said.append(
                    Said(
                        MONDAY + (hour + noise.random()) * HOUR,
                        noise.choice(PARTITIONS),
                        subject,
                        "negative" if bad else "neutral",
                    )
                )
    return sorted(said)


def live(stream: Stream, said: Sequence[Said], batch: int = 40) -> Stream:
    """Talk as it is lived: each message comes a little after it was said, heartbeats every minute."""
    beat = stream.now
    for number, each in enumerate(said):
        while beat < each.time:
            stream.now = beat
            stream.beat({})
            beat += 60.0
        stream.now = each.time + 0.5
        stream.read(each, stream.now)
        if number % batch == 0:
            stream.take_in()
    stream.take_in()
    return stream


def rest(stream: Stream) -> Stream:
    """Two hours in which nothing is said."""
    for _ in range(120):
        stream.now += 60.0
        stream.beat({})
    stream.take_in()
    return stream


def replay(settings: Settings, said: Sequence[Said], chunk: int, together: int, batch: int = 1000) -> Stream:
    """The week at full speed, a month later: written at once, and read a chunk of one partition after the other."""
    stream = Stream(settings, together=together)
    stream.now = MONDAY + 37 * DAY
    written = stream.now
    waiting = {place: [each for each in said if each.place == place] for place in PARTITIONS}
    count = 0
    while any(waiting.values()):
        for place in PARTITIONS:
            for each in waiting[place][:chunk]:
                stream.now += 0.002
                stream.read(each, written)
                count += 1
                if count % batch == 0:
                    stream.beat({other: len(rest) for other, rest in waiting.items()})
                    stream.take_in()
            del waiting[place][:chunk]
    return rest(stream)
