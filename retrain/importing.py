"""What an import changes: labels of a file against those that stand already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrain.formats.items import Said
    from streams.contract.labels import Label


@dataclass(slots=True)
class Plan:
    """What is to be sent of a file, and what became of the rest."""

    new: list[Said] = field(default_factory=list)
    """Of a labeller who had said nothing of the message."""
    changed: list[Said] = field(default_factory=list)
    """They replace what their labeller had said before."""
    unchanged: int = 0
    """Say what stands already."""
    older: int = 0
    """Older than what their labeller has said since."""
    repeated: int = 0
    """Of one labeller on one message, replaced by a later one in the same file."""

    @property
    def to_send(self) -> list[Said]:
        """All that changes something."""
        return [*self.new, *self.changed]


def plan(standing: Iterable[Label], given: Iterable[Said]) -> Plan:
    """Compare a file with what stands, so that reading it twice changes nothing, and no old file undoes a later word.

    Args:
        standing: Labels on the topic.
        given: Labels of the file, in its order; of one labeller on one message the latest counts, of equal times the
            last.
    """
    before = {(label.message_id, label.labeller): label for label in standing}
    result = Plan()
    latest: dict[tuple[str, str], Said] = {}
    for said in given:
        key = said.label.message_id, said.label.labeller
        if (other := latest.get(key)) is not None:
            result.repeated += 1
            if other.label.time > said.label.time:
                continue
        latest[key] = said
    for key, said in latest.items():
        known = before.get(key)
        if known is None:
            result.new.append(said)
        elif msgspec.structs.replace(said.label, time=known.time) == known:
            result.unchanged += 1
        elif said.label.time < known.time:
            result.older += 1
        else:
            result.changed.append(said)
    return result
