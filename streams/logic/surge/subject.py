"""What a desk keeps of one subject: what was counted already, what is still open, and what can stand as evidence."""

from __future__ import annotations

import msgspec

from streams.contract.alerts import Alert, SurgeKind
from streams.contract.records import Sentiment
from streams.logic.surge.seen import Seen


class Mention(msgspec.Struct, array_like=True):
    """A message that can stand as evidence."""

    id: str
    time: float
    """Seconds since the epoch."""
    source: str
    text: str
    sentiment: Sentiment
    score: float
    print: bytes
    """``short_print`` of its fingerprint."""
    copies: int = 1


class Gathered(msgspec.Struct, array_like=True):
    """Evidence for one kind of surge."""

    sources: dict[str, float] = {}
    """Messages by source; of an open window alone, those of closed ones stand in ``Latest``."""
    entities: dict[str, float] = {}
    """Messages by other entity in them, likewise."""
    mentions: list[Mention] = []
    """The most telling, best first."""


class Latest(msgspec.Struct, array_like=True):
    """Who was heard in each of the latest closed windows, for one kind of surge."""

    sources: dict[str, list[int]] = {}
    """Messages by source, window by window; ``Subject.recent_bucket`` is the last."""
    entities: dict[str, list[int]] = {}
    """Messages by other entity in them, likewise."""


class Open(msgspec.Struct, array_like=True):
    """One window that is not closed yet."""

    total: int = 0
    negative: int = 0
    positive: int = 0
    copies: dict[bytes, int] = {}
    """Syndicated copies that were left out, by print."""
    gathered: dict[SurgeKind, Gathered] = {}
    model: str = ""
    negative_copies: int = 0
    """Of the copies; those of neutral texts stand in ``copies`` alone."""
    positive_copies: int = 0


class Subject(msgspec.Struct):
    """One subject."""

    places: dict[tuple[str, int], int] = {}
    """Latest offset that was counted of each input partition."""
    last: int = 0
    """Latest window in which it was heard of."""
    seen: Seen = msgspec.field(default_factory=Seen)
    open: dict[int, Open] = {}
    recent: dict[SurgeKind, Gathered] = {}
    """The most telling messages of the latest closed windows."""
    recent_bucket: int = 0
    """Latest window that was closed with the subject in it, or while it fired."""
    left_out: dict[int, int] = {}
    """Syndicated copies by closed window, within the scan's horizon."""
    model: str = ""
    alerts: dict[SurgeKind, Alert] = {}
    """What fires, as it was told last."""
    latest: dict[SurgeKind, Latest] = {}
    """Sources and entities of the closed windows within the scan's horizon."""
