"""Signals of one batch put together, so that few records carry many of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from streams.contract.outgoing import Output
from streams.contract.records import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streams.contract.signals import Signal

# Below what brokers take by default (1 MiB), and small enough to be read without a pause that anybody would notice.
_MOST_BYTES = 256 * 1024


def bundle(signals: Iterable[Signal], topic: str, partition_of: Callable[[bytes], int]) -> list[Output]:
    """Records of the signals topic that carry these signals, each for one partition.

    Within a partition signals stay in their order. A record grows to 256 KiB; one larger signal goes alone.

    Args:
        signals: In the order of their messages.
        topic: Full name of the signals topic.
        partition_of: The partition of a subject, by its key in UTF-8: always the same, since its state is there.
    """
    encoded: defaultdict[int, list[bytes]] = defaultdict(list)
    for signal in signals:
        partition = partition_of(signal.subject.encode("utf-8", "surrogatepass"))
        encoded[partition].append(encode(signal))
    return [
        Output(topic, b"", encode(_Encoded(signals=part)), partition=partition)
        for partition, members in encoded.items()
        for part in _parts(members)
    ]


def _parts(members: list[bytes]) -> Iterable[list[msgspec.Raw]]:
    part: list[msgspec.Raw] = []
    size = 0
    for member in members:
        if part and size + len(member) > _MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(msgspec.Raw(member))
        size += len(member)
    yield part


class _Encoded(msgspec.Struct, frozen=True, kw_only=True, tag="signals", tag_field="type"):
    """``Signals`` whose parts are encoded already, since their sizes had to be known."""

    signals: list[msgspec.Raw]
