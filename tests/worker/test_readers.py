"""Readers beyond what memory may hold are on disk, and all of them come back from the topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from support.readings import TIME

from streams.contract.recommendations import InterestState
from streams.contract.service_settings import RecommendSettings
from streams.contract.settings import Settings, WorkerSettings
from streams.contract.topics import interests_topic, reader_events_topic
from streams.worker.interest_store import InterestStore
from streams.worker.readers import Readers, Restored, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from streams.contract.outgoing import Output

VECTOR = np.eye(1, 4, dtype=np.float32)[0]


@dataclass
class Written:
    """A record as kafka-python gives it, as far as it is looked at."""

    key: bytes
    value: bytes | None


def settings(folder: Path, max_users: int = 100) -> Settings:
    return Settings(recommend=RecommendSettings(max_users=max_users), worker=WorkerSettings(data_dir=folder))


def touch(readers: Readers, user: str, partition: int = 0, item: str = "a") -> None:
    reader = readers.of(partition, user)
    reader.interests.observe(item, 1.0, TIME.timestamp(), vector=VECTOR)
    reader.embedder, reader.width = "sha", 4
    readers.touched(partition, user)


def items_of(readers: Readers, user: str, partition: int = 0) -> list[str]:
    return list(readers.of(partition, user).interests.recent)


def written(outputs: Iterable[Output]) -> list[Written]:
    return [Written(output.key, output.value) for output in outputs]


def test_a_checkpoint_holds_those_who_changed_since_the_last_one(tmp_path: Path) -> None:
    own = settings(tmp_path)
    readers = Readers(own, lambda _: [])
    for user in ("ada", "ben", "ada"):
        touch(readers, user, partition=3)
    outputs = readers.states()
    assert [(output.topic, output.key, output.partition) for output in outputs] == [
        (interests_topic(own.topics), b"ada", 3),
        (interests_topic(own.topics), b"ben", 3),
    ]
    assert msgspec.json.decode(outputs[0].value or b"", type=InterestState).user == "ada"
    assert readers.states() == []


def test_readers_beyond_memory_are_on_disk_and_come_back(tmp_path: Path) -> None:
    readers = Readers(settings(tmp_path, max_users=2), lambda _: [])
    users = [f"reader {number}" for number in range(9)]
    for number, user in enumerate(users):
        touch(readers, user, item=f"item {number}")
    assert len(readers) == 9  # None is let go before it is written.
    readers.states()
    assert len(readers) == 2
    assert [items_of(readers, user) for user in users] == [[f"item {number}"] for number in range(9)]
    assert len(readers) == 2


def test_where_readers_are_found_is_counted(tmp_path: Path) -> None:
    readers = Readers(settings(tmp_path, max_users=1), lambda _: [])
    touch(readers, "ada")
    readers.states()
    touch(readers, "ben")
    touch(readers, "ben")
    readers.states()
    readers.of(0, "ada")
    assert readers.take_lookups() == {"nowhere": 2, "memory": 1, "disk": 1}
    assert readers.take_lookups() == {}


def test_another_worker_restores_all_from_the_topic(tmp_path: Path) -> None:
    first = Readers(settings(tmp_path), lambda _: [])
    touch(first, "ada")
    touch(first, "ben")
    first.of(0, "ben").unknown.append(Unknown("lost", "click", TIME, 1.5))
    states = written(first.states())
    touch(first, "ada", item="b")
    states += written(first.states())
    states += [Written(b"x", b"nothing"), Written(b"ben 2", states[0].value), Written(b"ben 2", None)]
    second = Readers(settings(tmp_path), lambda _: states)
    counted: list[int] = []
    second.on_restored = lambda restored: counted.append(len(list(restored.interests)))
    assert items_of(second, "ada") == ["a", "b"]
    assert list(second.of(0, "ben").unknown) == [Unknown("lost", "click", TIME, 1.5)]
    assert second.of(0, "ada").embedder == "sha"
    assert counted == [2]


def test_who_is_still_to_be_answered_comes_back_with_the_state(tmp_path: Path) -> None:
    first = Readers(settings(tmp_path), lambda _: [])
    events = {"ada": "event 1", "ben": "event 2", "cleo": "event 3"}
    for user in (*events, "dan"):
        touch(first, user)
    states = written(first.states(lambda _, user: events.get(user)))
    touch(first, "ben")
    states += written(first.states())
    states.append(Written(b"cleo", None))
    second = Readers(settings(tmp_path), lambda _: states)
    restored: list[Restored] = []
    second.on_restored = restored.append
    second.of(0, "ada")
    assert [(each.partition, each.owed) for each in restored] == [(0, {"ada": "event 1"})]


def test_state_of_another_form_is_left_out(tmp_path: Path) -> None:
    value = msgspec.json.encode(InterestState(user="ada", form=1, state=b"old"))
    readers = Readers(settings(tmp_path), lambda _: [Written(b"ada", value)])
    assert items_of(readers, "ada") == []


def test_state_of_the_form_before_is_read_and_written_in_the_new_one(tmp_path: Path) -> None:
    first = Readers(settings(tmp_path), lambda _: [])
    touch(first, "ada")
    kept = msgspec.msgpack.decode(first.of(0, "ada").dump())
    # What a worker wrote that knew no prints.
    kept[2] = msgspec.msgpack.encode(msgspec.msgpack.decode(kept[2])[:8])
    value = msgspec.json.encode(InterestState(user="ada", form=101, state=msgspec.msgpack.encode(kept)))
    second = Readers(settings(tmp_path), lambda _: [Written(b"ada", value)])
    assert items_of(second, "ada") == ["a"]
    touch(second, "ada", item="b")
    (output,) = second.states()
    assert msgspec.json.decode(output.value or b"", type=InterestState).form == 102
    assert items_of(Readers(settings(tmp_path), lambda _: written([output])), "ada") == ["a", "b"]


def test_partitions_that_are_given_up_are_forgotten_and_restored_anew(tmp_path: Path) -> None:
    own = settings(tmp_path)
    reads: list[int] = []

    def read_state(partition: int) -> list[Written]:
        reads.append(partition)
        return []

    readers = Readers(own, read_state)
    touch(readers, "ada", partition=0)
    touch(readers, "ben", partition=1)
    readers.states()
    readers.forget([(reader_events_topic(own.topics), 0), ("news", 1)])
    assert set(readers.partitions) == {1}
    assert items_of(readers, "ben", partition=1) == ["a"]
    assert items_of(readers, "ada", partition=0) == []
    assert reads == [0, 1, 0]


def test_a_partition_that_cannot_be_restored_is_not_taken_for_empty(tmp_path: Path) -> None:
    def read_state(_: int) -> list[Written]:
        raise RuntimeError("no broker")

    readers = Readers(settings(tmp_path), read_state)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            readers.of(0, "ada")


def test_a_store_leaves_no_file_behind(tmp_path: Path) -> None:
    store = InterestStore(tmp_path)
    store.put((str(number).encode(), b"state") for number in range(2500))
    store.put([(b"7", b"new"), (b"8", None)])
    assert (store.get(b"7"), store.get(b"8"), store.get(b"9")) == (b"new", None, b"state")
    assert len(store) == 2499
    assert list(tmp_path.iterdir()) == []
    store.close()
