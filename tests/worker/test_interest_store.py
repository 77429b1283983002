"""Readers' states on disk, and a disk that is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.worker.interest_store import InterestStore, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[InterestStore]:
    opened = InterestStore(tmp_path / "interests")
    yield opened
    opened.close()


def test_the_last_state_of_a_reader_holds_and_without_one_a_reader_is_forgotten(store: InterestStore) -> None:
    store.put([(b"ann", b"1"), (b"ben", b"1"), (b"ann", b"2"), (b"ben", None)])
    assert (store.get(b"ann"), store.get(b"ben"), len(store)) == (b"2", None, 1)
    assert list(store.states()) == [b"2"]


def test_a_full_disk_is_told_with_the_folder_and_its_setting(store: InterestStore, tmp_path: Path) -> None:
    # As SQLite has it: no more pages.
    store._base.execute("PRAGMA max_page_count = 4")
    with pytest.raises(StoreError, match=r"database or disk is full .*worker\.data_dir") as full:
        store.put((b"%d" % number, bytes(2000)) for number in range(100))
    assert str(tmp_path / "interests") in str(full.value)
