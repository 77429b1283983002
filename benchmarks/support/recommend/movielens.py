"""MovieLens (Harper and Konstan, 2015) as items with text and behaviors; read where it lies, none of it is ours."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.support.real_messages import RealDataError
from benchmarks.support.recommend.log import Log
from streams.contract.recommendations import Behavior, Item

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.contract.recommendations import BehaviorAction

FOLDER = "recommend/ml-latest-small"

_YEAR = re.compile(r"\((\d{4})\)\s*$")
_LIKED = 4.0
_DISLIKED = 3.0
# For the few films that tell no year.
_SOME_YEAR = 1990


def load_movielens(folder: Path) -> Log:
    """Films and ratings.

    A film's text is its title, genres and tags, its topics are its genres, and it appeared at its year's beginning. A
    rating of 4 or more is a click, of 3 or 3.5 a view, of less a dismissal. Ratings of one second stand in the order of
    the films' numbers.

    Args:
        folder: Holds movies.csv, ratings.csv and tags.csv.

    Raises:
        RealDataError: A file is missing.
    """
    tags: dict[str, set[str]] = defaultdict(set)
    for line in _lines(folder / "tags.csv"):
        tags[line["movieId"]].add(line["tag"].strip().lower())
    items = [_film(line, sorted(tags[line["movieId"]])) for line in _lines(folder / "movies.csv")]
    rows = sorted(_lines(folder / "ratings.csv"), key=lambda line: (int(line["timestamp"]), int(line["movieId"])))
    behaviors = [
        Behavior(
            user=line["userId"],
            item=line["movieId"],
            action=_action(float(line["rating"])),
            time=datetime.fromtimestamp(int(line["timestamp"]), UTC),
        )
        for line in rows
    ]
    return Log(items, behaviors)


def _film(line: dict[str, str], tags: list[str]) -> Item:
    title = line["title"].strip()
    year = _YEAR.search(title)
    genres = [] if line["genres"].startswith("(") else line["genres"].split("|")
    parts = [title, ", ".join(genres), ", ".join(tags)]
    return Item(
        id=line["movieId"],
        text=". ".join(part for part in parts if part),
        title=title,
        time=datetime(int(year[1]) if year else _SOME_YEAR, 1, 1, tzinfo=UTC),
        topics=genres,
    )


def _action(rating: float) -> BehaviorAction:
    if rating >= _LIKED:
        return "click"
    return "view" if rating >= _DISLIKED else "dismiss"


def _lines(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    except OSError as error:
        raise RealDataError(f"{path}: {error.strerror}. See the MANIFEST of the data folder") from error
