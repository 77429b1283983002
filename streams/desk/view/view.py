"""All that the page shows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from streams.desk.view.alerts import AlertsView
from streams.desk.view.conversations import ConversationsView
from streams.desk.view.labelling import LabellingView
from streams.desk.view.lists import ListsView
from streams.desk.view.models import ModelsView
from streams.desk.view.trends import TrendsView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from msgspec import Struct

    from streams.contract.labels import LabelRequest
    from streams.desk.view.shown import Doc, Heard, Place, Section


class View:
    """The state of the page, in sections of documents by key; of each kind at most so many are kept.

    Args:
        model: Name of the served model.
        keep: Most of each kind (``desk.keep``).
        in_turn: Puts requests for labels into the order in which people are asked, those that have labels left out.
    """

    def __init__(
        self, model: str, keep: int, in_turn: Callable[[Iterable[LabelRequest], Iterable[str]], Sequence[LabelRequest]]
    ) -> None:
        self.alerts = AlertsView(keep)
        self.trends = TrendsView(keep)
        self.lists = ListsView(keep)
        self.conversations = ConversationsView(keep)
        self.labelling = LabellingView(model, keep, in_turn)
        self.models = ModelsView(model, keep)
        self._sections: tuple[Section, ...] = (
            self.alerts,
            self.trends,
            self.lists,
            self.conversations,
            self.labelling,
            self.models,
        )
        self._listeners: dict[type[Struct], list[Section]] = defaultdict(list)
        for section in self._sections:
            for kind in section.kinds:
                self._listeners[kind].append(section)
        self._owner = {name: section for section in self._sections for name in section.docs()}

    @property
    def kinds(self) -> frozenset[type[Struct]]:
        """Records that it wants to hear."""
        return frozenset(self._listeners)

    def hear(self, heard: Heard) -> set[Place]:
        """Take in a record; which documents are different by it."""
        return {place for section in self._listeners[heard.kind] for place in section.hear(heard)}

    def doc(self, place: Place) -> Doc | None:
        """A document; None where there is none any more."""
        return self._owner[place.section].doc(place)

    def snapshot(self) -> dict[str, dict[str, Doc]]:
        """Every document, by section and key."""
        return {name: dict(docs) for section in self._sections for name, docs in section.docs().items()}
