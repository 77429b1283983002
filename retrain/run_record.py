"""What is known of the latest run on this machine: kept on the disk, so that a run that is killed is not forgotten."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import structlog
from fsspec.implementations.local import LocalFileSystem
from msgspec import Meta, Struct

from models import atomic
from models.manifest import encode

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.settings import Settings

Step = Literal["data", "finetune", "export", "register", "judge", "promote"]
Outcome = Literal["promoted", "challenging", "rejected", "failed"]

_RECORD = "run.json"
# A run that was killed is gone on with so often: whatever killed it may well do so again.
_KILLS = 1

_log = structlog.get_logger(__name__)


class RunRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run, from its beginning on."""

    id: str
    by: str
    """Who asked: a person, cron, labels or drift."""
    began: Annotated[datetime, Meta(tz=True)]
    reason: str = ""
    request: str | None = None
    """Id of the request on the topic, where there was one."""
    attempt: int = 1
    """Above 1 where it goes on with a run that was killed, or stopped."""
    stops: int = 0
    """So many of the attempts before it were stopped with the schedule, and not killed."""
    step: Step = "data"
    """At which it is, or ended."""
    champion: int | None = None
    """That it is judged against."""
    version: int | None = None
    """Its candidate, once registered."""
    offsets: dict[int, int] = {}
    """By partition of the labels topic, the first offset that it did not read; empty before its data were read."""
    outcome: Outcome | None = None
    """None while it is under way, and where it was killed and nobody has seen that yet."""
    killed: bool = False
    """Its process ended without a word; what it left can be gone on with."""
    stopped: bool = False
    """The schedule ended it, since it was itself stopped."""
    why: str = ""
    """Why it broke off, where it was not to be learnt whether the registry had moved before; its outcome is open."""
    reasons: tuple[str, ...] = ()
    ended: Annotated[datetime, Meta(tz=True)] | None = None
    """When its outcome had been told; None before."""

    @property
    def can_go_on(self) -> bool:
        """Whether it was killed, and not too often, so that what it left is gone on with."""
        return self.killed and self.attempt - self.stops - self.stopped <= _KILLS


def runs_folder(settings: Settings) -> Path:
    """Where the runs of the served model are kept on this machine."""
    return settings.retrain.data_dir / settings.model.name


def read_record(folder: Path) -> RunRecord | None:
    """The latest run; None before the first, and where the file is no record."""
    path = folder / _RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunRecord)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # A run must not be held up by what is told of another one.
        _log.warning("the record of the latest run cannot be read", path=str(path), error=str(error))
        return None


def write_record(folder: Path, record: RunRecord) -> None:
    """Put a record in the place of the one before, all at once.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    atomic.write(LocalFileSystem(), str(folder / _RECORD), encode(record))
