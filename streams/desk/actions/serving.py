"""The model owner's actions: let another version serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from models.manifest import VersionError
from streams.desk.actions.office import CONFLICT, ActionError, Asked, Words, registry_at_hand

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.contract.model_records import ModelPointer
    from streams.desk.ports import Retraining

Number = Annotated[int, Meta(ge=1)]


class RollBack(Asked, frozen=True, kw_only=True):
    """Let the version before serve again."""

    champion: Number | None
    """The one that the page showed: where it is another by now, nothing is changed."""
    reason: Words = ""


class Promote(Asked, frozen=True, kw_only=True):
    """Let a version serve."""

    version: Number
    champion: Number | None
    """As in ``RollBack``."""
    reason: Words = ""


class ServingActions:
    """Moves the registry's aliases and tells the workers.

    Args:
        retraining: What does so.
    """

    def __init__(self, retraining: Retraining) -> None:
        self._retraining = retraining

    def roll_back(self, asked: RollBack) -> dict[str, Any]:
        """Let the version before serve again."""
        return _moved(lambda: self._retraining.roll_back(asked.by, asked.reason, asked.champion))

    def promote(self, asked: Promote) -> dict[str, Any]:
        """Let a version serve, once it has shown that it is whole."""
        return _moved(lambda: self._retraining.promote(asked.version, asked.by, asked.reason, asked.champion))


def _moved(move: Callable[[], ModelPointer]) -> dict[str, Any]:
    try:
        with registry_at_hand():
            pointer = move()
    except VersionError as error:
        raise ActionError(str(error), CONFLICT) from None
    return {"version": pointer.version, "epoch": pointer.epoch}
