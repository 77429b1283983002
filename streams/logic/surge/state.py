"""The form in which a desk's subjects are kept: compact, exact, MessagePack."""

from __future__ import annotations

import msgspec

from streams.contract.alerts import Alert, SurgeKind
from streams.logic.surge.seen import Seen
from streams.logic.surge.subject import Gathered, Latest, Open, Subject

FORM = 3
"""Version of the form in which states are written."""
READABLE = frozenset({2, FORM})
"""Versions that are read: one of form 2 has neither spans of hours nor copies, which begin anew; of others nothing."""


class Measure(msgspec.Struct, array_like=True, frozen=True):
    """What is counted: what was learned by another measure tells nothing of this one."""

    window_seconds: int
    kinds: tuple[SurgeKind, ...]


class OtherMeasureError(ValueError):
    """A state was counted by another measure."""

    def __init__(self, measure: Measure) -> None:
        super().__init__(f"counted in windows of {measure.window_seconds} s, for {', '.join(measure.kinds)}")


class Kept(msgspec.Struct, array_like=True):
    """A subject as it is kept; its parts are told of in ``Subject``."""

    panel: bytes
    """The statistics' own; empty while no window with the subject was closed."""
    places: list[tuple[str, int, int]]
    last: int
    seen: Seen
    open: dict[int, Open]
    recent: dict[SurgeKind, Gathered]
    recent_bucket: int
    left_out: dict[int, int]
    model: str
    alerts: dict[SurgeKind, Alert]
    latest: dict[SurgeKind, Latest] = {}
    """Absent in states of before, as what follows is: these are read, and a worker of before reads what has it."""
    measure: Measure | None = None


class Partition(msgspec.Struct, array_like=True):
    """What a desk keeps that belongs to no subject."""

    panel: bytes
    closed: int | None
    """Latest window that was closed."""
    history: bool
    """Whether it lay in the past by then."""
    measure: Measure | None = None
    """Absent in states of before."""


_encoder = msgspec.msgpack.Encoder()
_kept = msgspec.msgpack.Decoder(Kept)
_partition = msgspec.msgpack.Decoder(Partition)


def encode_subject(subject: Subject, panel: bytes, measure: Measure) -> bytes:
    """A subject's state, with that of the statistics."""
    return _encoder.encode(
        Kept(
            panel=panel,
            places=[(topic, partition, offset) for (topic, partition), offset in subject.places.items()],
            last=subject.last,
            seen=subject.seen,
            open=subject.open,
            recent=subject.recent,
            recent_bucket=subject.recent_bucket,
            left_out=subject.left_out,
            model=subject.model,
            alerts=subject.alerts,
            latest=subject.latest,
            measure=measure,
        )
    )


def decode_subject(state: bytes, measure: Measure) -> tuple[Subject, bytes]:
    """What ``encode_subject`` was given.

    Raises:
        msgspec.DecodeError: It is no such state.
        OtherMeasureError: It was counted by another measure.
    """
    kept = _kept.decode(state)
    _check(kept.measure, measure)
    for recent in kept.recent.values():
        # In a state of before, counts that tell no windows apart.
        recent.sources, recent.entities = {}, {}
    subject = Subject(
        places={(topic, partition): offset for topic, partition, offset in kept.places},
        last=kept.last,
        seen=kept.seen,
        open=kept.open,
        recent=kept.recent,
        recent_bucket=kept.recent_bucket,
        left_out=kept.left_out,
        model=kept.model,
        alerts=kept.alerts,
        latest=kept.latest,
    )
    return subject, kept.panel


def encode_partition(panel: bytes, closed: int | None, measure: Measure, *, history: bool) -> bytes:
    """The state that belongs to no subject."""
    return _encoder.encode(Partition(panel, closed, history, measure))


def decode_partition(state: bytes, measure: Measure) -> Partition:
    """What ``encode_partition`` was given.

    Raises:
        msgspec.DecodeError: It is no such state.
        OtherMeasureError: It was counted by another measure.
    """
    partition = _partition.decode(state)
    _check(partition.measure, measure)
    return partition


def _check(kept: Measure | None, measure: Measure) -> None:
    if kept is not None and kept != measure:
        raise OtherMeasureError(kept)
