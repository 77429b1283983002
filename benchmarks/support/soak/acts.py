"""What disturbs a soak: versions change, a worker comes and goes, a model is trained beside it all.

Whatever becomes of an act is written down, and the stream goes on: a rejected candidate is a usual outcome, and so is a
version that is taken back since the machine was busy.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from benchmarks.support.soak.folder import Done
from benchmarks.support.soak.training import Training
from benchmarks.support.worker_process import WorkerProcess
from retrain.promotion import promote
from streams.brokers.following import Follower
from streams.contract.model_records import ModelEvent
from streams.contract.topics import model_events_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.support.soak.folder import SoakFolder
    from benchmarks.support.soak.timetable import Act
    from benchmarks.support.stream import Stream
    from models.registry import Registry

_LONGEST_SWAP_SECONDS = 180.0


class ActError(Exception):
    """An act did not come about; the message says why."""


class Stage(NamedTuple):
    """Where acts take place."""

    stream: Stream
    registry: Registry
    versions: Sequence[int]
    """Those that are swapped, in turn; at least three, so that none is the one before, which is still at hand."""
    workers: int
    """How many there are for good."""
    guest_seconds: float
    """How long a further worker stays."""


class Acts:
    """Performs acts one after the other; a training run goes on beside the others.

    Args:
        stage: Where.
        folder: Where it is written down what became of them.
        logs: Folder for the logs of what is started.
        say: Told what is under way.
    """

    def __init__(self, stage: Stage, folder: SoakFolder, logs: Path, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._folder = folder
        self._logs = logs
        self._say = say
        self._guests = 0
        self._training = Training(stage.stream, logs)

    def perform(self, act: Act) -> None:
        """Do what is due, and return when it is over; a training run only begins."""
        begin = time.time()
        seconds = None
        try:
            if act.kind == "swap":
                seconds, detail = self._swap()
            elif act.kind == "rebalance":
                detail = self._rebalance(is_kill=act.is_kill)
            elif self._training.is_under_way:
                self._end(Done("retraining", begin, begin, "skipped", "the one before is still under way"))
                return
            else:
                self._say("retraining begins")
                self._training.begin()
                return
        except Exception as error:  # noqa: BLE001  whatever it is, the stream goes on, and it is written down
            why = f"{type(error).__name__}: {error}"
            self._end(Done(act.kind, begin, time.time(), "failed", why, is_kill=act.is_kill))
        else:
            self._end(Done(act.kind, begin, time.time(), "done", detail, seconds, act.is_kill))

    def leave_out(self, acts: Sequence[Act]) -> None:
        """Write down that the feed was over before these could be performed."""
        for act in acts:
            self._end(Done(act.kind, time.time(), time.time(), "skipped", "the feed was over", is_kill=act.is_kill))

    def look(self) -> None:
        """Write down what became of a training run, where it is over."""
        if (ended := self._training.ended()) is not None:
            self._end(ended)

    def close(self) -> None:
        """End a training run that is under way."""
        self.look()
        if (cut := self._training.cut_off()) is not None:
            self._end(cut)

    def _end(self, done: Done) -> None:
        self._folder.add(done)
        first_line = done.detail.partition("\n")[0]
        self._say(f"{done.kind}: {done.outcome} after {done.end - done.begin:.0f} s: {first_line}")

    def _swap(self) -> tuple[float, str]:
        """Another version, until every worker answers with it; seconds from the registry's change, and which."""
        stream, registry = self._stage.stream, self._stage.registry
        events_topic = model_events_topic(stream.settings.topics)
        with Follower(stream.settings.kafka, [events_topic], from_beginning=False) as events:
            events.poll(0.0)
            version = self._next_version()
            pointer = promote(stream.settings, registry, version, "soak", "to be measured")
            done: dict[str, float] = {}
            deadline = time.monotonic() + _LONGEST_SWAP_SECONDS
            while len(done) < self._stage.workers:
                if time.monotonic() > deadline:
                    raise ActError(
                        f"version {version}: {len(done)} workers took it up within {_LONGEST_SWAP_SECONDS:g} s"
                    )
                for record in events.poll(0.5):
                    event = msgspec.json.decode(record.value, type=ModelEvent)
                    if event.kind == "swapped" and event.epoch == pointer.epoch:
                        done[event.by] = event.time.timestamp()
                    elif event.kind in ("swap_failed", "rolled_back"):
                        raise ActError(f"version {event.version}: {event.kind}: {' '.join(event.reasons)}")
                    elif event.kind == "promoted" and (event.epoch or 0) > pointer.epoch:
                        raise ActError(
                            f"version {version}: version {event.version} was promoted meanwhile by {event.by}"
                        )
        return max(done.values()) - pointer.time.timestamp(), f"version {version}"

    def _next_version(self) -> int:
        """The next in turn that is neither the champion nor the one before it."""
        versions = self._stage.versions
        aliases = self._stage.registry.state(self._stage.stream.settings.model.name).aliases
        place = versions.index(aliases.champion) + 1 if aliases.champion in versions else 0
        in_turn = [*versions[place:], *versions[:place]]
        return next(version for version in in_turn if version not in (aliases.champion, aliases.previous))

    def _rebalance(self, *, is_kill: bool) -> str:
        """A further worker joins, stays for a while, and leaves: in order, or killed."""
        self._guests += 1
        own = self._logs / f"guest-{self._guests}"
        own.mkdir(parents=True, exist_ok=True)
        # What is not stopped before the block is left is killed.
        with WorkerProcess(self._stage.stream, own) as guest:
            guest.wait_until_ready()
            deadline = time.monotonic() + self._stage.guest_seconds
            while time.monotonic() < deadline:
                time.sleep(1.0)
                guest.require_alive()
            if not is_kill:
                guest.stop()
        return "killed" if is_kill else "stopped"
