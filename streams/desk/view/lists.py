"""What the desk has muted, and what it watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.contract.alerts import Silence, Watch
from streams.contract.masking import mask
from streams.desk.view.alerts import told_subject
from streams.desk.view.shown import Heard, Kept, Place, keyed, places
from streams.logic.naming import matcher_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Struct

    from streams.desk.view.shown import Doc

_SILENCES, _WATCHLIST = "silences", "watchlist"


class ListsView:
    """Silences, over or not, and watched subjects.

    Args:
        keep: Most of each.
    """

    kinds: tuple[type[Struct], ...] = (Silence, Watch)

    def __init__(self, keep: int) -> None:
        self._silences: Kept[Silence] = Kept(keep)
        self._watchlist: Kept[Watch] = Kept(keep)

    def hear(self, heard: Heard) -> set[Place]:
        """Take in a silence or a watch, or that it is gone."""
        key = keyed(heard)
        match heard.record:
            case Silence() as silence:
                return places(_SILENCES, key, *self._silences.put(key, silence))
            case Watch() as watch:
                return places(_WATCHLIST, key, *self._watchlist.put(key, watch))
        if heard.kind is Silence:
            self._silences.pop(key, None)
            return places(_SILENCES, key)
        self._watchlist.pop(key, None)
        return places(_WATCHLIST, key)

    def docs(self) -> Mapping[str, Mapping[str, Doc]]:
        """Both lists."""
        return {
            _SILENCES: {key: _silence(silence) for key, silence in self._silences.items()},
            _WATCHLIST: {key: _watch(watch) for key, watch in self._watchlist.items()},
        }

    def doc(self, place: Place) -> Doc | None:
        """One silence or watch."""
        if place.section == _SILENCES:
            return _silence(self._silences[place.key]) if place.key in self._silences else None
        return _watch(self._watchlist[place.key]) if place.key in self._watchlist else None

    def silence(self, key: str) -> Silence | None:
        """A silence by its id."""
        return self._silences.get(key)

    def is_watched(self, subject: str) -> bool:
        """Whether a subject is on the watchlist."""
        return subject in self._watchlist


def _silence(silence: Silence) -> Doc:
    return {
        "id": silence.id,
        "matchers": [matcher_text(matcher) for matcher in silence.matchers],
        "starts": silence.startsAt,
        "ends": silence.endsAt,
        "by": silence.createdBy,
        "comment": mask(silence.comment),
    }


def _watch(watch: Watch) -> Doc:
    return {
        "subject": watch.subject,
        "told": told_subject(watch.subject),
        "added": watch.added,
        "by": watch.by,
        "note": mask(watch.note),
    }
