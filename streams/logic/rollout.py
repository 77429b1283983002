"""When a worker takes up a version that the registry points at. Pure: knows neither registry, nor Kafka, nor a clock.

A pointer tells when to look; what the registry then says is what holds, so that pointers may come late, twice, or in
any order. Workers take a version up one after the other, each at a moment of its own; what failed for a reason that may
pass is tried again, ever later.
"""

from __future__ import annotations

from hashlib import blake2b

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
# Where nothing comes back for a day, the power would outgrow a float.
_MOST_DOUBLINGS = 30
_RANGE = 2**64


def pause_after(failures: int) -> float:
    """Seconds to wait after so many attempts in vain: 1, 2, 4 and so on, up to a minute."""
    doublings = min(failures - 1, _MOST_DOUBLINGS)
    return min(_FIRST_PAUSE_SECONDS * 2.0**doublings, _LONGEST_PAUSE_SECONDS)


class Rollout:
    """What one worker knows of where an alias points.

    Args:
        worker: Name of the worker, unlike that of any other.
        version: The version that it serves.
        epoch: Number of the registry's state by which it was chosen.
        within: Seconds over which the workers' moments are spread.
    """

    def __init__(self, worker: str, version: int, epoch: int, *, within: float) -> None:
        self._worker = worker
        self._within = within
        self._tried = epoch
        """Epoch that the failures are about."""
        self._not_before = 0.0
        self.failures = 0
        """Attempts in vain at the latest epoch that was tried."""
        self.refusals = 0
        """Those among them, the latest and in a row, in which the version itself was at fault."""
        self.version = version
        """What this worker serves."""
        self.epoch = epoch
        """Number of the latest state that it has looked at and dealt with."""

    def wants(self, version: int | None) -> bool:
        """Whether a version is to be taken up: one that is set, and is not served already."""
        return version is not None and version != self.version

    def delay(self, epoch: int) -> float:
        """Seconds that this worker waits before it takes up what came with an epoch: another moment for each worker.

        Uniform over ``within``, by the BLAKE2b hash (RFC 7693) of the worker and the epoch: nobody needs to know who
        else there is, and no worker is always the first.
        """
        digest = blake2b(f"{self._worker}\0{epoch}".encode(), digest_size=8).digest()
        return self._within * int.from_bytes(digest) / _RANGE

    def due_in(self, epoch: int, now: float) -> float:
        """Seconds until an epoch is to be dealt with: none, unless it was tried in vain just now."""
        return max(0.0, self._not_before - now) if epoch <= self._tried and self.failures else 0.0

    def failed(self, epoch: int, now: float, *, refused: bool = False) -> None:
        """It was tried in vain: it is tried again after a pause that doubles each time, up to a minute.

        Args:
            epoch: What was tried: the state that the registry showed, or what a pointer told of where it showed none.
            now: In seconds of any clock that ``due_in`` is told too.
            refused: The version itself was at fault.
        """
        if epoch > self._tried:
            self.failures = self.refusals = 0
            self._tried = epoch
        self.failures += 1
        self.refusals = self.refusals + 1 if refused else 0
        self._not_before = now + pause_after(self.failures)

    def took_up(self, version: int, epoch: int) -> None:
        """A version serves now."""
        self.version = version
        self.dealt_with(epoch)

    def dealt_with(self, epoch: int) -> None:
        """All up to this epoch is done, or cannot be."""
        self.epoch = max(self.epoch, epoch)
        self.failures = self.refusals = 0
