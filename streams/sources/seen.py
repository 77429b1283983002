"""What is remembered of a feed between polls and between runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from msgspec import Struct, field, json

_MOST_REMEMBERED = 10_000


class FeedMemory(Struct, kw_only=True):
    """Where a feed stood when all of it had been delivered."""

    etag: str | None = None
    last_modified: str | None = None
    seen: list[str] = field(default_factory=list)
    """Ids of entries that were delivered, oldest first."""

    def add(self, ids: list[str], *, in_feed: int) -> None:
        """Remember entries as delivered, and forget the oldest beyond a bound.

        Args:
            ids: Newly delivered.
            in_feed: Entries that the feed holds now; so many are kept at least, or the oldest would come again.
        """
        self.seen = [*self.seen, *ids][-max(_MOST_REMEMBERED, in_feed) :]


def load_memory(path: Path) -> FeedMemory:
    """Read a feed's memory; an empty one where there is none, or none that can be read.

    To forget is harmless: entries are sent again, with the same ids.
    """
    try:
        return json.decode(path.read_bytes(), type=FeedMemory)
    except (FileNotFoundError, ValueError):
        return FeedMemory()


def save_memory(path: Path, memory: FeedMemory) -> None:
    """Write a feed's memory: whole or not at all, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(json.encode(memory))
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
