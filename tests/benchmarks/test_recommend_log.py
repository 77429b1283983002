"""How behaviors are split, and MovieLens' form, in small files that are not MovieLens'."""

from pathlib import Path

import numpy as np
import pytest
from support.recommend import an_item, did

from benchmarks.support.real_messages import RealDataError
from benchmarks.support.recommend.log import Log, Matrices, drawn, folds, split_by_reader, without
from benchmarks.support.recommend.movielens import load_movielens
from benchmarks.support.recommend.rivals import RIVALS

FILES = {
    "movies.csv": [
        "movieId,title,genres",
        '1,"Lighthouse, The (1994)",Drama|Mystery',
        "2,Fog Over Quay (2001) ,(no genres listed)",
        "3,Untitled,Comedy",
    ],
    "ratings.csv": ["userId,movieId,rating,timestamp", "7,2,2.5,200", "7,1,4.0,200", "8,3,3.0,100"],
    "tags.csv": ["userId,movieId,tag,timestamp", "7,1,Slow,200", "8,1,slow,300", "8,1,beam,300"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, lines in FILES.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_films_have_text_topics_and_a_year(folder: Path) -> None:
    one, other, third = load_movielens(folder).items
    assert one.text == "Lighthouse, The (1994). Drama, Mystery. beam, slow"
    assert (one.topics, one.time.year) == (["Drama", "Mystery"], 1994)
    assert (other.text, other.topics, other.time.year) == ("Fog Over Quay (2001)", [], 2001)
    assert third.time.year == 1990


def test_ratings_are_behaviors_in_order_of_time_and_of_number(folder: Path) -> None:
    told = [(behavior.user, behavior.item, behavior.action) for behavior in load_movielens(folder).behaviors]
    assert told == [("8", "3", "view"), ("7", "1", "click"), ("7", "2", "dismiss")]


def test_a_missing_file_is_told(folder: Path) -> None:
    (folder / "tags.csv").unlink()
    with pytest.raises(RealDataError, match=r"tags\.csv: No such file"):
        load_movielens(folder)


def test_each_readers_later_behaviors_are_asked() -> None:
    behaviors = [did("ann", f"i{number}", hours=number) for number in range(10)] + [
        did("ben", f"i{number}", hours=20 + number) for number in range(4)
    ]
    split = split_by_reader(behaviors)
    assert [(each.user, each.item) for each in split.test] == [("ann", "i8"), ("ann", "i9"), ("ben", "i3")]
    assert len(split.train) == 11


def test_each_item_is_held_out_once_and_none_of_its_behaviors_is_learned_from() -> None:
    items = [an_item(f"i{number}") for number in range(23)]
    parts = folds(items, 5, seed=1)
    assert sorted(item for part in parts for item in part) == sorted(item.id for item in items)
    assert {len(part) for part in parts} == {4, 5}
    behaviors = [did("ann", item.id) for item in items]
    assert not {behavior.item for behavior in without(behaviors, parts[0])} & parts[0]


def test_drawn_readers_keep_their_behaviors_and_their_items() -> None:
    log = Log([an_item("a"), an_item("b")], [did("ann", "a"), did("ben", "b"), did("ann", "a")])
    few = drawn(log, 1, seed=1)
    assert len({behavior.user for behavior in few.behaviors}) == 1
    assert {item.id for item in few.items} == {behavior.item for behavior in few.behaviors}


@pytest.fixture
def small() -> tuple[Log, Matrices]:
    items = [
        an_item(name, text=text, hours=age)
        for age, (name, text) in enumerate(
            {"a": "fog ferry", "b": "fog ferry late", "c": "bank rate", "d": "bank rate cut"}.items()
        )
    ]
    behaviors = [did("ann", "a"), did("ben", "a"), did("ben", "c"), did("cy", "c"), did("cy", "d", "dismiss")]
    log = Log(items, behaviors)
    return log, Matrices(log, behaviors)


def test_what_was_dismissed_was_seen_and_not_liked(small: tuple[Log, Matrices]) -> None:
    _, known = small
    assert known.liked.sum(axis=0).tolist() == [2, 0, 2, 0]
    assert known.seen.sum(axis=0).tolist() == [2, 0, 2, 1]


@pytest.mark.parametrize(
    ("rival", "better", "worse"),
    [("tfidf", "b", "d"), ("item_knn", "c", "d"), ("most_popular", "c", "b"), ("recency", "b", "c")],
)
def test_each_rival_goes_by_what_it_is_named_for(
    small: tuple[Log, Matrices], rival: str, better: str, worse: str
) -> None:
    log, known = small
    at = {item.id: place for place, item in enumerate(log.items)}
    of_ann = np.asarray(RIVALS[rival](log.items, known))[known.readers.index("ann")]
    assert of_ann[at[better]] > of_ann[at[worse]]
