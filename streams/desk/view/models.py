"""Which version serves, and what became of each: as the topics tell it; the versions themselves are in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.contract.model_records import ModelEvent, ModelPointer
from streams.desk.view.shown import Heard, Kept, Place, keyed, places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Struct

    from streams.desk.view.shown import Doc

_POINTERS, _EVENTS = "pointers", "events"


class ModelsView:
    """Pointers and events of the served model.

    Args:
        model: Its name.
        keep: Most events.
    """

    kinds: tuple[type[Struct], ...] = (ModelPointer, ModelEvent)

    def __init__(self, model: str, keep: int) -> None:
        self._model = model
        self._pointers: dict[str, ModelPointer] = {}
        self._events: Kept[ModelEvent] = Kept(keep)

    def hear(self, heard: Heard) -> set[Place]:
        """Take in a pointer or an event; those of other models are none of ours."""
        match heard.record:
            case ModelPointer(model=self._model) as pointer:
                known = self._pointers.get(pointer.alias)
                # The epoch decides, in whichever order they come.
                if known is not None and known.epoch > pointer.epoch:
                    return set()
                self._pointers[pointer.alias] = pointer
                return places(_POINTERS, pointer.alias)
            case ModelEvent(model=self._model) as event:
                return places(_EVENTS, event.id, *self._events.put(event.id, event))
            case None if heard.kind is ModelPointer:
                model, _, alias = keyed(heard).rpartition("/")
                if model == self._model and self._pointers.pop(alias, None) is not None:
                    return places(_POINTERS, alias)
        return set()

    def docs(self) -> Mapping[str, Mapping[str, Doc]]:
        """All pointers and events."""
        return {
            _POINTERS: {alias: msgspec.to_builtins(pointer) for alias, pointer in self._pointers.items()},
            _EVENTS: {key: _event(event) for key, event in self._events.items()},
        }

    def doc(self, place: Place) -> Doc | None:
        """One pointer or event."""
        if place.section == _POINTERS:
            pointer = self._pointers.get(place.key)
            return None if pointer is None else msgspec.to_builtins(pointer)
        event = self._events.get(place.key)
        return None if event is None else _event(event)


def _event(event: ModelEvent) -> Doc:
    # Its figures and lineage are asked for when a version is looked at.
    return {
        "id": event.id,
        "kind": event.kind,
        "time": event.time,
        "by": event.by,
        "version": event.version,
        "previous": event.previous,
        "reasons": event.reasons,
        "request": event.request,
    }
