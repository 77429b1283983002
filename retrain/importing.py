"""What an import changes: labels of a file against those that stand already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from retrain.formats.items import Said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.contract.labels import Label

_KEPT = ("topics", "sentiment", "intent", "reply", "reason", "model", "message_time")


@dataclass(slots=True)
class Plan:
    """What is to be sent of a file, and what became of the rest."""

    new: list[Said] = field(default_factory=list)
    """Of a labeller who had said nothing of the message."""
    changed: list[Said] = field(default_factory=list)
    """They replace what their labeller had said before, and hold what of it they say nothing of."""
    unchanged: int = 0
    """Say what stands already."""
    older: int = 0
    """Older than what their labeller has said since."""
    repeated: int = 0
    """Of one labeller on one message, taken together with another in the same file."""

    @property
    def to_send(self) -> list[Said]:
        """All that changes something."""
        return [*self.new, *self.changed]


def plan(standing: Iterable[Label], given: Iterable[Said], *, as_they_were: bool = False) -> Plan:
    """Compare a file with what stands, so that reading it twice changes nothing, and no old file undoes a later word.

    Of one labeller on one message the later word goes before the earlier one, and takes away nothing of which it is
    silent: a file of topics leaves the sentiments where they are.

    Args:
        standing: Labels on the topic.
        given: Labels of the file, in its order; of equal times the last is the later word.
        as_they_were: They are a backup: a later one replaces an earlier one whole.
    """
    join = _alone if as_they_were else _joined
    before = {(label.message_id, label.labeller): label for label in standing}
    result = Plan()
    latest: dict[tuple[str, str], Said] = {}
    for said in given:
        key = said.label.message_id, said.label.labeller
        if (other := latest.get(key)) is not None:
            result.repeated += 1
            later, earlier = (other, said) if other.label.time > said.label.time else (said, other)
            latest[key] = Said(later.place, join(later.label, earlier.label))
        else:
            latest[key] = said
    for key, said in latest.items():
        known = before.get(key)
        if known is None:
            result.new.append(said)
            continue
        is_older = said.label.time < known.time
        label = join(known, said.label) if is_older else join(said.label, known)
        if msgspec.structs.replace(label, time=known.time) != known:
            result.changed.append(Said(said.place, label))
        elif is_older and msgspec.structs.replace(said.label, time=known.time) != known:
            result.older += 1
        else:
            result.unchanged += 1
    return result


def _joined(later: Label, earlier: Label) -> Label:
    kept = {name: getattr(earlier, name) for name in _KEPT if getattr(later, name) is None}
    if not later.source:
        kept["source"] = earlier.source
    if later.entities is None and earlier.entities is not None:
        # Entities are places in a text: they stand with their own.
        kept |= {"entities": earlier.entities, "text": earlier.text}
    return msgspec.structs.replace(later, **kept)


def _alone(later: Label, _earlier: Label) -> Label:
    return later
