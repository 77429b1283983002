"""Every reader's state of one partition, on disk: memory holds those who were active lately.

A private SQLite file, made anew from the topic of interests whenever the partition comes to this worker; the topic is
what counts, so nothing here is synced, and nothing is left when the process ends.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TOGETHER = 1000


class StoreError(RuntimeError):
    """Readers' interests cannot be kept on this machine; the message says where, and what to do."""


class InterestStore:
    """States by reader. One thread at a time.

    Args:
        folder: Where the file is kept while this is open.

    Raises:
        StoreError: The disk is full or broken; raised by ``get``, ``put`` and ``states`` likewise.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(prefix="interests-", suffix=".sqlite", dir=folder)
        os.close(handle)
        # Opened by the worker's threads in turn: the one that works, and the one that gives partitions up.
        self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with self._named():
            self._base.executescript(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                "CREATE TABLE readers (user BLOB PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;"
            )
        # Open, it goes on without a name: a worker that is killed leaves nothing behind. (Windows keeps the name.)
        with contextlib.suppress(PermissionError):
            os.unlink(path)  # noqa: PTH108  of a path that is text

    def __len__(self) -> int:
        """Readers in it."""
        count: int = self._base.execute("SELECT count(*) FROM readers").fetchone()[0]
        return count

    def get(self, user: bytes) -> bytes | None:
        """A reader's state; None where there is none."""
        with self._named():
            row = self._base.execute("SELECT state FROM readers WHERE user = ?", (user,)).fetchone()
        return None if row is None else row[0]

    def put(self, states: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Keep states, in order; without one a reader is forgotten."""
        batch: list[tuple[bytes, bytes | None]] = []
        for pair in states:
            batch.append(pair)
            if len(batch) >= _TOGETHER:
                self._write(batch)
                batch.clear()
        self._write(batch)

    def states(self) -> Iterator[bytes]:
        """Every reader's state, in no order; nothing may be put meanwhile."""
        with self._named():
            for (state,) in self._base.execute("SELECT state FROM readers"):
                yield state

    def close(self) -> None:
        """Let go of it."""
        self._base.close()

    def _write(self, batch: list[tuple[bytes, bytes | None]]) -> None:
        latest = dict(batch)
        kept = [pair for pair in latest.items() if pair[1] is not None]
        gone = [(user,) for user, state in latest.items() if state is None]
        with self._named():
            self._base.execute("BEGIN")
            self._base.executemany("REPLACE INTO readers VALUES (?, ?)", kept)
            self._base.executemany("DELETE FROM readers WHERE user = ?", gone)
            self._base.execute("COMMIT")

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        # SQLite says what is wrong, and not where: the file has no name any more.
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"readers' interests cannot be kept in {self._folder}: {error} (worker.data_dir says where that is)"
            ) from error
