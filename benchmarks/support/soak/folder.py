"""A soak's folder: what was seen, written down as it was seen, so that its report can be made anew at any time."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np

from benchmarks.support.soak.timetable import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_RUN, _SAMPLES, _ACTS, _MESSAGES = "run.json", "samples.jsonl", "acts.jsonl", "messages.npz"

Outcome = Literal["done", "failed", "skipped", "cut off"]
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class FolderError(Exception):
    """No report can be made of a folder; the message names the file."""


class Sample(msgspec.Struct):
    """The stream at one moment, looked at from outside."""

    time: float
    """Seconds since the epoch."""
    rss: dict[str, int]
    """Resident bytes of each worker."""
    end: int | None = None
    """High-water marks of the inputs, summed; None where the broker did not tell."""
    committed: int | None = None
    """Committed offsets of the inputs, summed."""
    signals_lag: int | None = None
    """What surge detection has not yet committed of its own topic."""

    @property
    def lag(self) -> int | None:
        """Messages not yet committed as done."""
        return None if self.end is None or self.committed is None else max(0, self.end - self.committed)


class Done(msgspec.Struct):
    """An act, and what became of it."""

    kind: Kind
    begin: float
    """Seconds since the epoch."""
    end: float
    outcome: Outcome
    detail: str = ""
    seconds: float | None = None
    """Of a swap: from the change of the registry to the last worker's exchange."""
    is_kill: bool = False


class Phase(msgspec.Struct):
    """A time in which messages were sent, and what it took to read them all."""

    first: int
    """Id of its first message; the others count on from it."""
    rate: float
    """Messages a second that were to be sent."""
    begin: float
    """Seconds since the epoch."""
    end: float | None = None
    messages: int = 0
    """How many the producer says it has sent."""
    sent_per_second: float = 0.0
    latest_seconds: float = 0.0
    """How late, at most, the producer sent one."""
    drained: float | None = None
    """When all was committed; None where it never was."""

    @property
    def place(self) -> slice:
        """Where its messages are in the arrays of ``Messages``."""
        return slice(self.first, self.first + self.messages)


class Run(msgspec.Struct):
    """How a soak was set up, and how far it came."""

    machine: dict[str, Any]
    hours: float
    rate_share: float
    cores: list[int] | None
    model: str
    messages_per_second: float = 0.0
    """The most that the two workers manage, by a backlog."""
    steady: Phase | None = None
    overload: Phase | None = None
    is_quick: bool = False


class Messages(NamedTuple):
    """Every message by its id, which is its place in the arrays, and every output."""

    sent: NDArray[np.float64]
    """When it was sent, seconds since the epoch; NaN where it never came to the topic."""
    answered: NDArray[np.float64]
    """When it was answered first; NaN where it was not."""
    outputs: NDArray[np.int32]
    """How many predictions there are of it, by the id that they must have."""
    resent: int
    """Inputs that stand in the topics once more, since a producer tried again; their outputs are strangers."""
    strangers: int
    """Predictions with an id that no input gives."""
    buried: int
    """Dead letters."""


class SoakFolder:
    """Writes and reads a soak's folder. Any thread may write.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()

    def keep_run(self, run: Run) -> None:
        """Write how far the run has come, whole or not at all."""
        made = self.path / f".{_RUN}"
        made.write_bytes(msgspec.json.format(msgspec.json.encode(run)))
        made.replace(self.path / _RUN)

    def add(self, what: Sample | Done) -> None:
        """Write down what was seen just now."""
        name = _SAMPLES if isinstance(what, Sample) else _ACTS
        with self._lock, (self.path / name).open("ab") as file:
            file.write(msgspec.json.encode(what) + b"\n")

    def keep_messages(self, messages: Messages) -> None:
        """Write what became of every message."""
        made = self.path / f".{_MESSAGES}"
        with made.open("wb") as file:
            np.savez_compressed(
                file,
                sent=messages.sent,
                answered=messages.answered,
                outputs=messages.outputs,
                counts=np.array([messages.resent, messages.strangers, messages.buried]),
            )
            os.fsync(file.fileno())
        made.replace(self.path / _MESSAGES)

    def run(self) -> Run:
        """How the run was set up, and how far it came.

        Raises:
            FolderError: It is not there.
        """
        return msgspec.json.decode(self._read(_RUN), type=Run)

    def samples(self) -> list[Sample]:
        """All, in order."""
        return self._lines(_SAMPLES, Sample)

    def acts(self) -> list[Done]:
        """All, in the order in which they ended."""
        return self._lines(_ACTS, Done) if (self.path / _ACTS).exists() else []

    def messages(self) -> Messages:
        """What became of every message.

        Raises:
            FolderError: The run did not come so far.
        """
        self._read(_MESSAGES)
        with np.load(self.path / _MESSAGES) as kept:
            return Messages(kept["sent"], kept["answered"], kept["outputs"], *map(int, kept["counts"]))

    def _lines(self, name: str, kind: type[_Struct]) -> list[_Struct]:
        return [msgspec.json.decode(line, type=kind) for line in self._read(name).splitlines()]

    def _read(self, name: str) -> bytes:
        path = self.path / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise FolderError(f"{path}: {error.strerror}: a soak writes it once it has come so far") from error
