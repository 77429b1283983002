from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.sources import seen
from streams.sources.seen import FeedMemory, load_memory, save_memory

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "feeds" / "one.json"
    save_memory(path, FeedMemory(etag='"v1"', last_modified="Mon", seen=["a", "b"]))
    assert load_memory(path) == FeedMemory(etag='"v1"', last_modified="Mon", seen=["a", "b"])
    assert [file.name for file in path.parent.iterdir()] == ["one.json"]


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"seen": 5}', b"\xff"])
def test_what_cannot_be_read_is_forgotten(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "one.json"
    if content is not None:
        path.write_bytes(content)
    assert load_memory(path) == FeedMemory()


def test_a_write_that_fails_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.json"
    save_memory(path, FeedMemory(seen=["a"]))

    def full(_descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(seen.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_memory(path, FeedMemory(seen=["a", "b"]))
    assert load_memory(path).seen == ["a"]
    assert [file.name for file in tmp_path.iterdir()] == ["one.json"]


def test_the_memory_is_bounded_but_never_below_the_feed() -> None:
    memory = FeedMemory(seen=[str(number) for number in range(10_000)])
    memory.add(["new"], in_feed=10)
    assert (len(memory.seen), memory.seen[0], memory.seen[-1]) == (10_000, "1", "new")
    memory.add([f"n{number}" for number in range(12_000)], in_feed=12_000)
    assert len(memory.seen) == 12_000
