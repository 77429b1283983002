"""Which versions serve, as a row of states that are never changed: ``aliases/1.json``, ``aliases/2.json`` and so on.

The last one holds. A change is a new state under the next number, which only one process can create: so of two that
change at once, one is told that it came too late, and no lock is left behind by one that dies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Struct

from models.atomic import create
from models.manifest import VersionError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIASES = ("champion", "challenger", "previous")

_SUFFIX = ".json"


class AliasConflictError(VersionError):
    """An alias was changed by another process meanwhile; the message says what it is now."""


class Aliases(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The version that each alias points at, where it is set."""

    champion: int | None = None
    challenger: int | None = None
    previous: int | None = None

    def __str__(self) -> str:
        return ", ".join(f"{alias} {version}" for alias, version in self.set_ones().items()) or "none set"

    def set_ones(self) -> dict[str, int]:
        """The aliases that are set, each with its version."""
        given: dict[str, int] = msgspec.to_builtins(self)
        return given


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
    """

    def __init__(self, fs: Any, folder: str) -> None:  # noqa: ANN401  fsspec has no types
        self._fs = fs
        self._folder = folder

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
        if epoch == 0:
            return State(0, Aliases())
        path = self._path(epoch)
        return State(epoch, decode(self._fs.cat_file(path), Aliases, path))

    def change(self, before: State, changes: Mapping[str, int]) -> None:
        """Put a state after the one that was looked at.

        Args:
            before: From ``last``.
            changes: Versions by alias; the other aliases stay.

        Raises:
            AliasConflictError: There is another state after it by now.
        """
        content = encode(msgspec.structs.replace(before.aliases, **changes))
        try:
            create(self._fs, self._path(before.epoch + 1), content)
        except FileExistsError:
            wanted = ", ".join(f"{alias} {version}" for alias, version in changes.items())
            raise AliasConflictError(
                f"{self._folder} was changed by another process at the same moment and says {self.last().aliases} now; "
                f"{wanted} was not set: look at `tocsin models list`, and decide again"
            ) from None

    def _path(self, epoch: int) -> str:
        return f"{self._folder}/{epoch}{_SUFFIX}"
