"""Whether the worker lives, is ready, and moves; and its end when it does not move."""

from __future__ import annotations

import asyncio
import math
import os
import threading
import time
from typing import TYPE_CHECKING

import structlog

from exporters.http import Probe
from streams.logic.stall import Place, Position, StallDetector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporters.metrics import WorkerMetrics

# Exit code of a worker that does not move: EX_TEMPFAIL, "try again", as supervisors understand it.
EXIT_STUCK = 75
_CHECK_SECONDS = 1.0
# Until the worker has partitions there is nothing to look through, and somebody may wait for it to be ready.
_JOINING_SECONDS = 0.1

log = structlog.get_logger(__name__)


class Health:
    """Watches the worker from a thread of its own, so that a stuck event loop is seen too.

    Args:
        positions: Where the worker stands in each of its partitions.
        metrics: Where positions are shown.
        stall_timeout: Seconds without movement, though there is lag, after which the process ends.
        end: Ends the process at once; given in tests.
        agent_of: Name of the agent that reads a partition; each must move by itself.
        is_member: Whether the consumer group counts the worker in: with no partition it then has nothing to do, and
            stands ready for those of a worker that goes.
        restored_at: When state was last read back, on the clock that never goes back. Nothing is committed until the
            state of a partition that has come is there, and that is movement: it has a time limit of its own, and a
            worker that ended for it would only hand the same to another.
    """

    def __init__(
        self,
        positions: Callable[[], Mapping[Place, Position]],
        metrics: WorkerMetrics,
        stall_timeout: float,
        end: Callable[[int], object] = os._exit,
        agent_of: Callable[[Place], str] = lambda _: "",
        is_member: Callable[[], bool] = lambda: False,
        restored_at: Callable[[], float] = lambda: -math.inf,
    ) -> None:
        self._read_positions = positions
        self._ask_member = is_member
        self._restored_at = restored_at
        self._metrics = metrics
        self._detector = StallDetector(stall_timeout, agent_of)
        self._timeout = stall_timeout
        self._end = end
        self._positions: dict[Place, Position] = {}
        self._is_idle = False
        self._beat = time.monotonic()
        self._still_for = 0.0
        self._model: str | None = None
        self._stop_by: float | None = None
        self._beating: asyncio.Task[None] | None = None
        self._stop = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def model_loaded(self, identity: str) -> None:
        """The model answers."""
        self._model = identity

    def stopping(self, within: float) -> None:
        """The worker is shutting down: no longer ready, and ended at once where it takes longer than so many seconds.

        A model that never returns holds a thread, for which the interpreter would wait for ever.
        """
        self._stop_by = time.monotonic() + within

    def start(self) -> None:
        """Begin to watch; needs a running event loop."""
        self._beating = asyncio.create_task(self._pulse(), name="health")
        self._beat = time.monotonic()
        self._watchdog.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stop.set()
        if self._beating is not None:
            self._beating.cancel()

    def health(self) -> Probe:
        """Whether the process works: its event loop turns, and it moves when there is something to do."""
        loop_still = time.monotonic() - self._beat
        loop_ok = loop_still < self._timeout
        moving = not self._detector.is_stuck(self._still_for)
        return Probe(
            loop_ok and moving,
            {
                "event_loop": f"turned {loop_still:.1f} s ago",
                "offsets": f"still for {self._still_for:.1f} s with lag"
                if self._still_for
                else "moving or nothing to do",
            },
        )

    def ready(self) -> Probe:
        """Whether it does its work, or would: a model answers, it is in the group, and all is healthy.

        A group with more workers than partitions has some without any. They are ready: who waits for them, as a rolling
        deployment does, would else wait for ever.
        """
        healthy, checks = self.health()
        positions, is_idle = self._positions, self._is_idle
        in_group = bool(positions) or is_idle
        ok = healthy and self._model is not None and in_group and self._stop_by is None
        lag = sum(position.lag for position in positions.values())
        return Probe(
            ok,
            checks
            | {
                "model": self._model or "not loaded",
                "partitions": f"{len(positions)} assigned, lag {lag}",
                "state": self._state(is_idle=is_idle),
            },
        )

    def _state(self, *, is_idle: bool) -> str:
        if self._stop_by is not None:
            return "stopping"
        return "idle: the other workers of the group have all partitions" if is_idle else "running"

    async def _pulse(self) -> None:
        while True:
            self._beat = time.monotonic()
            self._positions = dict(self._read_positions())
            self._note_idleness(is_idle=not self._positions and self._ask_member())
            self._metrics.show_positions(
                {
                    place: (position.committed, position.highwater, position.lag)
                    for place, position in self._positions.items()
                }
            )
            still_for = self._detector.observe(self._beat, self._positions)
            self._still_for = max(0.0, min(still_for, self._beat - self._restored_at()))
            await asyncio.sleep(_CHECK_SECONDS if self._positions or self._is_idle else _JOINING_SECONDS)

    def _note_idleness(self, *, is_idle: bool) -> None:
        if is_idle == self._is_idle:
            return
        self._is_idle = is_idle
        if is_idle:
            log.info("idle: the other workers of the group have all partitions; it takes over where one goes")
        elif self._positions:
            log.info("no longer idle", partitions=len(self._positions))

    def _watch(self) -> None:
        while not self._stop.wait(_CHECK_SECONDS):
            problem = self._problem()
            if problem is not None:
                log.critical("the worker ends at once, to be started again", exit_code=EXIT_STUCK, problem=problem)
                self._end(EXIT_STUCK)
                return

    def _problem(self) -> str | None:
        if self._stop_by is not None:
            return "it does not stop" if time.monotonic() >= self._stop_by else None
        ok, checks = self.health()
        return None if ok else "it does not move: " + ", ".join(f"{name} {state}" for name, state in checks.items())
