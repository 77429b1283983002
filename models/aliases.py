"""Which versions serve, as a row of states that are never changed: ``aliases/1.json``, ``aliases/2.json`` and so on.

The last one holds. A change is a new state under the next number, which only one process can create: so of two that
change at once, one is told that it came too late, and no lock is left behind by one that dies. Each state says who made
it and why, so that the row is also the history of what served.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from models.atomic import create
from models.fetching import read_whole
from models.manifest import VersionError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIASES = ("champion", "challenger", "previous")

_SUFFIX = ".json"
# Reasons are told in a few words.
_LARGEST_STATE = 1 << 20


class AliasConflictError(VersionError):
    """An alias was changed by another process meanwhile; the message says what it is now."""


class PinnedError(VersionError):
    """The champion is pinned, so that no other may take its place; the message says by whom and since when."""


class Remark(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who decided something, when, and why."""

    by: str
    time: Annotated[datetime, Meta(tz=True)]
    reason: str = ""

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"by {self.by} since {self.time:%Y-%m-%d %H:%M} UTC{why}"


class Aliases(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The version that each alias points at, where it is set; whether the champion is pinned; and who says so."""

    champion: int | None = None
    challenger: int | None = None
    previous: int | None = None
    pin: Remark | None = None
    """Set while the champion is to stay."""
    change: Remark | None = None
    """Who made this state out of the one before."""

    def __str__(self) -> str:
        return ", ".join(f"{alias} {version}" for alias, version in self.set_ones().items()) or "none set"

    def set_ones(self) -> dict[str, int]:
        """The aliases that are set, each with its version."""
        return {alias: version for alias in ALIASES if (version := getattr(self, alias)) is not None}


class State(NamedTuple):
    """The aliases at one time."""

    epoch: int
    """Its number; 0 before any was set."""
    aliases: Aliases


class AliasLog:
    """The states of one model's aliases.

    Args:
        fs: A file system of fsspec.
        folder: Where they are; made with the first of them.
        told: The same for people, without credentials.
    """

    def __init__(self, fs: Any, folder: str, told: str) -> None:  # noqa: ANN401  fsspec has no types
        self._fs = fs
        self._folder = folder
        self._told = told

    def last(self) -> State:
        """The state that holds.

        Raises:
            VersionError: Its file is corrupt.
        """
        self._fs.invalidate_cache()
        try:
            entries = self._fs.ls(self._folder, detail=False)
        except FileNotFoundError:
            return State(0, Aliases())
        names = (entry.rsplit("/", 1)[-1].removesuffix(_SUFFIX) for entry in entries if entry.endswith(_SUFFIX))
        epoch = max((int(name) for name in names if name.isascii() and name.isdigit()), default=0)
        return self.at(epoch)

    def at(self, epoch: int) -> State:
        """The state of one number.

        Raises:
            VersionError: Its file is missing or corrupt.
        """
        if epoch == 0:
            return State(0, Aliases())
        told = f"{self._told}/{epoch}{_SUFFIX}"
        try:
            content = read_whole(self._fs, self._path(epoch), _LARGEST_STATE, told)
        except FileNotFoundError:
            raise VersionError(f"{told} is missing") from None
        return State(epoch, decode(content, Aliases, told))

    def change(self, before: State, changes: Mapping[str, Any], remark: Remark | None = None) -> State:
        """Put a state after the one that was looked at.

        Args:
            before: From ``last``.
            changes: Fields of ``Aliases`` with their new values; the others stay.
            remark: Who changes it, and why.

        Returns:
            The new state.

        Raises:
            AliasConflictError: There is another state after it by now.
            PinnedError: It would set another champion while the one of ``before`` is pinned.
        """
        aliases = msgspec.structs.replace(before.aliases, **changes, change=remark)
        if aliases.champion != before.aliases.champion:
            require_unpinned(before.aliases, aliases.champion)
        after = State(before.epoch + 1, aliases)
        try:
            create(self._fs, self._path(after.epoch), encode(aliases))
        except FileExistsError:
            raise AliasConflictError(
                f"{self._told} was changed by another process at the same moment and says {self.last().aliases} now; "
                f"{aliases} was not set: look at `tocsin models list`, and decide again"
            ) from None
        return after

    def _path(self, epoch: int) -> str:
        return f"{self._folder}/{epoch}{_SUFFIX}"


def require_unpinned(aliases: Aliases, version: int | None) -> None:
    """Make sure that a version may take the champion's place.

    Raises:
        PinnedError: The champion is pinned.
    """
    if aliases.pin is not None:
        raise PinnedError(
            f"version {aliases.champion} is pinned {aliases.pin}, so version {version} does not take its place: "
            "`tocsin models unpin` lets it go"
        )
