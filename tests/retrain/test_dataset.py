"""From labels and seed examples to parts: whole, honest, the same each time, and kept in a file."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.labelled import NOW, TOPICS, days_ago, domain, label, texts
from support.small_dataset import MESSAGES, OFFSETS, SEED, made

from models.domain_labels import domain_labels
from retrain.dataset import Dataset, DatasetError, learnt_of, read, write
from retrain.label_sets import ENOUGH
from retrain.snapshot import PARTS, SNAPSHOT, SnapshotError

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.rows import Row

pytestmark = pytest.mark.train


def rows_of(dataset: Dataset) -> list[Row]:
    return [row for part in PARTS for row in dataset.part(part)]


def test_every_message_and_example_is_in_one_part() -> None:
    dataset = made()
    ids = [(row.origin, row.id) for row in rows_of(dataset)]
    assert len(ids) == len(set(ids)) == len(MESSAGES) + len(SEED)
    assert all(dataset.part(part) for part in PARTS)
    assert {row.origin for row in dataset.frozen} == {row.origin for row in dataset.train} == {"seed", "label"}
    assert dataset.control == [row for row in dataset.recent if row.control] != []
    assert (dataset.account.labels, dataset.account.messages, dataset.account.seed) == (150, 150, 120)
    assert dataset.labels == domain_labels(domain())
    assert dataset.class_weights.keys() == {"topic", "sentiment", "intent", "towards"}


def test_rows_hold_what_was_said() -> None:
    by_id = {row.id: row for row in rows_of(made())}
    one = by_id["m1"]
    assert (one.text, one.kind, one.topics, one.sentiment, one.intent) == (
        MESSAGES[1].text, "customer", ("harvest",), "negative", "praise",
    )  # fmt: skip
    assert (one.time, one.control, one.entities, one.says("towards")) == (days_ago(1), True, None, False)
    example = next(row for row in by_id.values() if row.origin == "seed")
    assert (example.source, example.time, example.intent, example.says("intent")) == ("seed", None, None, False)
    assert example.says("towards")


def test_opposite_texts_keep_their_labels_and_share_no_two_parts(tmp_path: Path) -> None:
    pairs = [
        label(f"{name}{number}", text=f"{text} {mark}", sentiment=sentiment)
        for number, text in enumerate(texts(40, seed=9))
        for name, mark, sentiment in (("rise", "+3.2%", "positive"), ("fall", "-3.2%", "negative"))
    ]
    dataset = made([*MESSAGES, *pairs])
    by_id = {row.id: row for row in rows_of(dataset)}
    assert all((by_id[one.message_id].text, by_id[one.message_id].sentiment) == (one.text, one.sentiment)
               for one in pairs)  # fmt: skip
    assert all(by_id[f"rise{number}"].group == by_id[f"fall{number}"].group for number in range(40))
    assert dataset.account.copies == 0
    assert read(write(dataset, tmp_path)) == dataset
    assert made([*MESSAGES, *pairs[::-1]]).encode() == dataset.encode()


def test_blank_texts_and_labels_of_replies_alone_are_left_out() -> None:
    silent = [label("reply", reply="We are sorry."), label("blank", text=" \n", sentiment="neutral")]
    dataset = made([*MESSAGES, *silent])
    assert dataset.account.silent == 2
    assert not {"reply", "blank"} & {row.id for row in rows_of(dataset)}


def test_a_new_topic_is_learnt_and_a_misspelt_one_is_not() -> None:
    new = texts(60, seed=8)
    words = [label(f"new{number}", text=text, topics=["slang"]) for number, text in enumerate(new)]
    words.append(label("odd", text="an odd one out", topics=["pricess"], sentiment="neutral"))
    words.append(label("odder", text="and another odd one", topics=["pricess"]))
    dataset = made([*MESSAGES, *words])
    assert dataset.labels.topics == (*TOPICS, "slang")
    assert sum(row.topics == ("slang",) for row in dataset.train) >= ENOUGH
    assert all("pricess" not in (row.topics or ()) for row in rows_of(dataset))
    assert dataset.account.too_few["topic"].keys() <= {"pricess"}
    assert "odder" not in {row.id for row in rows_of(dataset)}


def test_the_next_run_neither_forgets_nor_tests_what_the_champion_has_learnt() -> None:
    first = made()
    again = [label(f"again {one.message_id}", text=f"RT @x {one.text}", sentiment="neutral", message_time=NOW,
                   reason="random") for one in MESSAGES[::2]]  # fmt: skip
    second = made([*MESSAGES, *again], champion=first.labels, learnt=first.learnt)
    learnt = {(row.origin, row.id) for row in second.learnt}
    assert learnt >= {(row.origin, row.id) for row in first.learnt}
    assert second.control
    assert second.account.set_aside > 0


def test_too_little_is_told() -> None:
    with pytest.raises(DatasetError, match="of 0 seed examples and 0 labelled messages, none is left for train"):
        made([], [])
    with pytest.raises(DatasetError, match="of 1 seed examples"):
        made([], SEED[:1])


def test_the_order_of_reading_does_not_matter() -> None:
    shuffled = list(MESSAGES)
    random.Random(3).shuffle(shuffled)
    assert made(shuffled, SEED[::-1]).encode() == made().encode()


def test_another_process_makes_the_same_bytes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from support.small_dataset import made; print(made().sha256)"],
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == made().sha256


def test_reading_the_snapshot_back_gives_the_very_data_set(tmp_path: Path) -> None:
    dataset = made([*MESSAGES, label("odd", topics=["pricess"], sentiment="neutral")])
    path = write(dataset, tmp_path)
    assert path == tmp_path / SNAPSHOT
    assert hashlib.sha256(path.read_bytes()).hexdigest() == dataset.sha256
    assert read(path) == dataset
    assert read(path).encode() == path.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_equal_data_sets_have_equal_bytes() -> None:
    dataset = made()
    weights = {head: dict(reversed(of_head.items())) for head, of_head in reversed(dataset.class_weights.items())}
    other = replace(dataset, class_weights=weights, offsets=dict(reversed(OFFSETS.items())))
    assert other == dataset
    assert other.encode() == dataset.encode()
    assert replace(dataset, offsets={0: 71, 1: 40}).sha256 != dataset.sha256


def test_any_text_can_be_kept(tmp_path: Path) -> None:
    odd = label(
        "odd", text="a\u2028b\x00\n\u202eא 🔥\U0001f468\u200d\U0001f469", sentiment="negative", time=days_ago(0.123456)
    )
    path = write(made([*MESSAGES, odd]), tmp_path)
    assert odd.text in {row.text for row in rows_of(read(path))}


@pytest.mark.parametrize(
    ("line", "spoilt", "told"),
    [
        (1, b"", "line 1: "),
        (1, b"{}", "line 1: .*labels"),
        (4, b'{"part":"train","row":{"id":"x"', "line 4: "),
        (3, b'{"part":"test","row":{}}', "line 3: .*part"),
        (3, b"\xff", "line 3: "),
    ],
)
def test_what_is_no_snapshot_is_told_by_file_and_line(tmp_path: Path, line: int, spoilt: bytes, told: str) -> None:
    path = tmp_path / SNAPSHOT
    lines = made().encode().split(b"\n")
    lines[line - 1] = spoilt
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(SnapshotError, match=f"{SNAPSHOT}: {told}"):
        read(path)


def test_a_first_model_has_no_snapshot(tmp_path: Path) -> None:
    assert learnt_of(tmp_path) == []
    dataset = made()
    write(dataset, tmp_path)
    assert learnt_of(tmp_path) == dataset.learnt
