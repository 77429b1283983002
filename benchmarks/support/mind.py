"""MIND (Wu et al., "MIND: A Large-scale Dataset for News Recommendation", 2020) as items and behaviors.

Its files are tables of tabs without a header: ``news.tsv`` (id, category, subcategory, title, abstract, url, and two
columns of entities) and ``behaviors.tsv`` (impression, user, time, ids read before, ids shown: ``-1`` where clicked).
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.support.real_messages import RealDataError
from benchmarks.support.recommend.log import Log
from streams.contract.recommendations import Behavior, Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_TIME = "%m/%d/%Y %I:%M:%S %p"
_NEWS_COLUMNS = 6
_BEHAVIOR_COLUMNS = 5


class _Impression(NamedTuple):
    user: str
    time: datetime
    before: list[str]
    shown: list[str]
    clicked: list[str]


def load_mind(folder: Path) -> Log:
    """News and clicks.

    A text is title and abstract; topics are category and subcategory. An item appeared when it was first shown, since
    MIND does not tell when; one that was only ever read before, when the set begins. What a user had read before the
    first impression is a click of each item, a second apart and just before it, for its order alone is known. What was
    shown and not clicked is no behavior: MIND does not tell whether it was seen.

    Args:
        folder: Holds news.tsv and behaviors.tsv.

    Raises:
        RealDataError: A file is missing, or a line has not its columns.
    """
    impressions = sorted(_impressions(folder / "behaviors.tsv"), key=lambda impression: impression.time)
    if not impressions:
        raise RealDataError(f"{folder / 'behaviors.tsv'} holds no impression")
    appeared: dict[str, datetime] = {}
    behaviors: list[Behavior] = []
    known: set[str] = set()
    for impression in impressions:
        for item in impression.shown:
            appeared.setdefault(item, impression.time)
        if impression.user not in known:
            known.add(impression.user)
            behaviors.extend(_read_before(impression))
        behaviors.extend(
            Behavior(user=impression.user, item=item, action="click", time=impression.time)
            for item in impression.clicked
        )
    begins = impressions[0].time
    items = [_item(line, appeared.get(line[0], begins)) for line in _lines(folder / "news.tsv", _NEWS_COLUMNS)]
    names = {item.id for item in items}
    told = [behavior for behavior in behaviors if behavior.item in names]
    return Log(items, sorted(told, key=lambda behavior: behavior.time))


def _read_before(impression: _Impression) -> list[Behavior]:
    count = len(impression.before)
    return [
        Behavior(user=impression.user, item=item, action="click", time=impression.time - timedelta(seconds=count - at))
        for at, item in enumerate(impression.before)
    ]


def _impressions(path: Path) -> Iterator[_Impression]:
    for _, user, time, before, shown, *_ in _lines(path, _BEHAVIOR_COLUMNS):
        pairs = [_shown(entry) for entry in shown.split()]
        yield _Impression(
            user,
            datetime.strptime(time, _TIME).replace(tzinfo=UTC),
            before.split(),
            [item for item, _ in pairs],
            [item for item, clicked in pairs if clicked],
        )


def _shown(entry: str) -> tuple[str, bool]:
    """An item that was shown, and whether it was clicked; MIND's test part does not tell that."""
    item, told, clicked = entry.rpartition("-")
    return (item, clicked == "1") if told else (entry, False)


def _item(line: Sequence[str], time: datetime) -> Item:
    name, category, subcategory, title, abstract, url, *_ = line
    return Item(
        id=name,
        text=". ".join(part for part in (title.strip().rstrip("."), abstract.strip()) if part) or name,
        title=title.strip() or None,
        time=time,
        url=url or None,
        topics=[topic for topic in (category, subcategory) if topic],
    )


def _lines(path: Path, columns: int) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, line in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 1):
                if len(line) < columns:
                    raise RealDataError(f"{path}, line {number}: {len(line)} columns, and MIND has {columns} or more")
                yield line
    except OSError as error:
        raise RealDataError(f"{path}: {error.strerror}") from error
