"""Real messages for the benchmarks, in one fixed order of arrival: headlines, posts, customers' questions.

They are read where they lie (``$TOCSIN_DATA``, by default ``../shared/data``) and none of them is part of the project.
"""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from benchmarks.support.results import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streams.contract.records import SourceKind

_HEADLINES = Path("streams/news_headlines/headlines.csv")
_TWEETS = Path("streams/airline_tweets/airline_tweets.csv")
_BANKING = (Path("service/banking77/train.csv"), Path("service/banking77/test.csv"))
_DIALOGUES = tuple(Path(f"service/multidogo_finance/finance_turn_{part}.tsv") for part in ("train", "dev", "test"))


class RealDataError(Exception):
    """The real messages cannot be had; the message says where they were looked for and what to do."""


class RealMessage(NamedTuple):
    """One message as it arrives; its id is its place in the order of arrival."""

    id: str
    kind: SourceKind
    source: str
    text: str
    time: str | None
    """ISO 8601, as the data tells it; None where it does not."""

    def of_now(self) -> RealMessage:
        """The same, dated when it is sent, as in a live stream: years would else pass in minutes, window by window."""
        return self._replace(time=None)

    def encode(self) -> bytes:
        """As JSON for an input topic."""
        fields = {"id": self.id, "text": self.text, "source": self.source, "time": self.time}
        return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})


class _Tabbed(csv.excel_tab):
    """Tabs part the columns, and a quotation mark is one."""

    quoting = csv.QUOTE_NONE


class _Row(NamedTuple):
    source: str
    text: str
    time: str | None


def data_folder() -> Path:
    """Where the real messages lie.

    Raises:
        RealDataError: There is no such folder.
    """
    folder = Path(os.environ.get("TOCSIN_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        raise RealDataError(
            f"no real messages: {folder} is not a folder. Set TOCSIN_DATA to the folder that holds {_HEADLINES}, "
            f"{_TWEETS}, {_BANKING[0].parent} and {_DIALOGUES[0].parent}"
        )
    return folder


def load_messages(count: int, folder: Path | None = None) -> list[RealMessage]:
    """Real messages in their order of arrival, the same at every call.

    A third each are headlines, posts and customers' questions, evenly spread over each source's own time, so that a few
    are as mixed as many; then they arrive in turn.

    Args:
        count: How many.
        folder: Where they lie; ``data_folder()`` where absent.

    Raises:
        RealDataError: A file is missing or there are fewer messages than asked for.
    """
    folder = folder or data_folder()
    each = -(-count // 3)
    sources: dict[SourceKind, list[_Row]] = {
        "news": _headlines(folder),
        "social": _tweets(folder),
        "customer": _questions(folder),
    }
    spread = [[(kind, row) for row in _spread(rows, each)] for kind, rows in sources.items()]
    arriving = list(chain.from_iterable(zip(*spread, strict=True)))[:count]
    return [
        RealMessage(str(number), kind, row.source, row.text, row.time) for number, (kind, row) in enumerate(arriving)
    ]


def _headlines(folder: Path) -> list[_Row]:
    rows = [_Row(line["source"], line["headline"], line["published_at"]) for line in _lines(folder / _HEADLINES)]
    return _by_time(rows)


def _tweets(folder: Path) -> list[_Row]:
    return _by_time([_Row("twitter", line["text"], line["created_at"]) for line in _lines(folder / _TWEETS)])


def _questions(folder: Path) -> list[_Row]:
    """Bank customers' questions and turns of their chats by turns; neither tells its time."""
    banking = (_Row("form", line["text"], None) for path in _BANKING for line in _lines(folder / path))
    chats = (
        _Row("chat", line["utterance"] or "", None) for path in _DIALOGUES for line in _lines(folder / path, _Tabbed)
    )
    return _readable(row for pair in zip_longest(banking, chats) for row in pair if row is not None)


def _lines(path: Path, dialect: type[csv.Dialect] = csv.excel) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, dialect=dialect)
    except OSError as error:
        raise RealDataError(f"{path}: {error.strerror}. See the MANIFEST of the data folder") from error


def _by_time(rows: Iterable[_Row]) -> list[_Row]:
    # Sorting is stable: of rows of one time, such as a whole day's headlines, the file's order stands.
    return sorted(_readable(rows), key=lambda row: _moment(row.time or ""))


def _moment(time: str) -> datetime:
    moment = datetime.fromisoformat(time)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _readable(rows: Iterable[_Row]) -> list[_Row]:
    return [row for row in rows if row.text.strip()]


def _spread(rows: Sequence[_Row], count: int) -> list[_Row]:
    if count > len(rows):
        raise RealDataError(f"{count} messages of one kind are asked for, and there are {len(rows)}")
    return [rows[place * len(rows) // count] for place in range(count)]
