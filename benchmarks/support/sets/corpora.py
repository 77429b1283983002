"""Labelled sets in rows, each with the split that its figures are told for. Read where they lie, never kept.

Each set teaches one head; all others stay unlabelled and learn nothing. Duplicates and texts that stand in the test
part too are dropped from the training part. See the MANIFEST of the data folder (``$TOCSIN_DATA``).
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

from sklearn.model_selection import train_test_split

from benchmarks.support.real_messages import RealDataError, data_folder
from models.manifest import Labels
from models.tagging import entity_tags
from retrain.rows import Row
from retrain.sides import is_validation
from streams.contract.labels import LabelledEntity
from streams.contract.records import SENTIMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from streams.contract.records import EntityType, Sentiment

Task = Literal["sentiment", "topic", "intent", "entities"]

_SPLIT_SEED = 13
_TEST_SHARE = 0.2
_WORDS = re.compile(r"\w+")
_TYPES: tuple[EntityType, ...] = ("PER", "ORG", "LOC", "MISC")


@dataclass(frozen=True, slots=True)
class Corpus:
    """One set.

    Attributes:
        name: As it stands in the result.
        title: For people.
        task: The head that it teaches.
        labels: Names of the outputs of a model for it.
        train: What may be learnt, a part of it to validate on.
        test: What is judged.
        split: How these two came about.
        published: What others report, and on which split; from memory unless it says otherwise.
    """

    name: str
    title: str
    task: Task
    labels: Labels
    train: list[Row]
    test: list[Row]
    split: str
    published: str

    @property
    def validation(self) -> list[Row]:
        """An eighth of the training part, by a hash of the texts."""
        return [row for row in self.train if is_validation(row.group)]

    @property
    def learnt(self) -> list[Row]:
        """The training part without what validates."""
        return [row for row in self.train if not is_validation(row.group)]

    def label(self, row: Row) -> str:
        """The one label of a row of a set that is not of entities."""
        return str(row.topics[0] if row.topics else row.intent or row.sentiment)


def load(name: str) -> Corpus:
    """Read a set.

    Raises:
        RealDataError: Its files are not there.
        KeyError: There is no such set.
    """
    try:
        corpus = CORPORA[name](data_folder())
    except OSError as error:
        raise RealDataError(f"{error.filename}: {error.strerror}. See the MANIFEST of the data folder") from error
    tested = {row.group for row in corpus.test}
    once = {row.group: row for row in reversed(corpus.train) if row.group not in tested}
    return replace(corpus, train=list(reversed(once.values())))


def _phrasebank(agreement: str) -> Callable[[Path], Corpus]:
    def read(folder: Path) -> Corpus:
        text = (folder / f"financial/phrasebank/Sentences_{agreement}.txt").read_text("iso-8859-1")
        rows = [_sentiment(sentence, label) for sentence, _, label in (s.rpartition("@") for s in text.splitlines())]
        return Corpus(
            name=f"phrasebank_{agreement.casefold()}",
            title=f"Financial PhraseBank, {agreement}",
            task="sentiment",
            labels=_labels(),
            **_drawn(rows),
            split=f"80/20 stratified, seed {_SPLIT_SEED}",
            published="FinBERT .97 on AllAgree" if agreement == "AllAgree" else "FinBERT .86 accuracy, .84 macro-F1",
        )

    return read


def _tweets(folder: Path) -> Corpus:
    names: tuple[Sentiment, ...] = ("negative", "positive", "neutral")

    def part(name: str) -> list[Row]:
        return [
            _sentiment(text, names[int(label)])
            for text, label in _table(folder / f"financial/twitter-financial-news-sentiment/sent_{name}.csv")
        ]

    return Corpus(
        name="finance_tweets",
        title="Finance tweets",
        task="sentiment",
        labels=_labels(),
        train=part("train"),
        test=part("valid"),
        split="the set's own train and validation",
        published="none that is known",
    )


def _airline(folder: Path) -> Corpus:
    with (folder / "streams/airline_tweets/airline_tweets.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["created_at"], row["text"], row["sentiment"]) for row in csv.DictReader(file)]
    rows.sort()
    tweets = [_sentiment(text, label) for _, text, label in rows]
    border = round(len(tweets) * (1.0 - _TEST_SHARE))
    return Corpus(
        name="airline_tweets",
        title="Airline tweets",
        task="sentiment",
        labels=_labels(),
        train=tweets[:border],
        test=tweets[border:],
        split="the last fifth by time is tested",
        published="BERT about .84 to .86, random split",
    )


def _news(folder: Path) -> Corpus:
    names = ("world", "sports", "business", "science")

    def row(text: str, label: int) -> Row:
        return replace_row(_row(text, "news"), topics=(names[label],))

    with (folder / "topics/ag_news/test.csv").open(encoding="utf-8", newline="") as file:
        test = [row(f"{title} {body}", int(label) - 1) for label, title, body in csv.reader(file)]
    train = [row(text, int(label)) for text, label in _table(folder / "topics/ag_news/slice_train.csv")]
    return Corpus(
        name="ag_news",
        title="AG News, 5,000 of 120,000 to learn from",
        task="topic",
        labels=_labels(topics=names),
        train=train,
        test=test,
        split="a slice of 5,000 to learn from, the official test",
        published="on all 120,000: XLNet .955, char-CNN .905",
    )


def _banking(folder: Path) -> Corpus:
    def part(name: str) -> list[Row]:
        return [
            replace_row(_row(text, "customer"), intent=label)
            for text, label in _table(folder / f"service/banking77/{name}.csv")
        ]

    train = part("train")
    return Corpus(
        name="banking77",
        title="Banking77",
        task="intent",
        labels=_labels(intents=tuple(sorted({str(row.intent) for row in train}))),
        train=train,
        test=part("test"),
        split="the set's own",
        published="BERT .93 to .94",
    )


def _conll(folder: Path) -> Corpus:
    def part(name: str) -> list[Row]:
        text = (folder / f"entities/conll2003/{name}").read_text("utf-8")
        return [
            _sentence(sentence) for sentence in text.split("\n\n") if sentence.strip() and "-DOCSTART-" not in sentence
        ]

    return Corpus(
        name="conll2003",
        title="CoNLL-2003, English",
        task="entities",
        labels=_labels(),
        train=part("eng.train"),
        test=part("eng.testb"),
        split="train, testb",
        published="BERT-size models .91 to .93 entity F1",
    )


def _finfe(folder: Path) -> Corpus:
    def part(name: str) -> list[Row]:
        rows = json.loads((folder / f"chinese/finfe/finfe_{name}_clean.json").read_text("utf-8"))
        return [_sentiment(text, SENTIMENTS[label]) for text, label in rows]

    return Corpus(
        name="finfe",
        title="FinFE, Chinese stock forums",
        task="sentiment",
        labels=_labels(),
        train=part("train"),
        test=part("eval"),
        split="the set's own",
        published="none on the cleaned set",
    )


CORPORA: dict[str, Callable[[Path], Corpus]] = {
    "phrasebank_50agree": _phrasebank("50Agree"),
    "phrasebank_allagree": _phrasebank("AllAgree"),
    "finance_tweets": _tweets,
    "airline_tweets": _airline,
    "ag_news": _news,
    "banking77": _banking,
    "conll2003": _conll,
    "finfe": _finfe,
}
"""Readers by name."""


def _drawn(rows: Sequence[Row]) -> dict[str, list[Row]]:
    train, test = train_test_split(
        list(rows), test_size=_TEST_SHARE, random_state=_SPLIT_SEED, stratify=[row.sentiment for row in rows]
    )
    return {"train": train, "test": test}


def _table(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for line in reader:
            yield line[0], line[1]


def _sentiment(text: str, label: str) -> Row:
    return replace_row(_row(text, "social"), sentiment=next(known for known in SENTIMENTS if known == label.strip()))


def _sentence(block: str) -> Row:
    """A sentence of CoNLL's columns: words joined by blanks, IOB1 tags as places in that text."""
    pairs = [(line.split()[0], line.split()[-1]) for line in block.splitlines() if line.strip()]
    text, found, before = "", list[LabelledEntity](), "O"
    for word, tag in pairs:
        start = len(text) + bool(text)
        text = f"{text} {word}" if text else word
        prefix, _, type_ = tag.partition("-")
        if prefix == "I" and before[2:] == type_:
            last = found.pop()
            found.append(LabelledEntity(start=last.start, end=len(text), type=last.type))
        elif tag != "O":
            found.append(LabelledEntity(start=start, end=len(text), type=_type(type_)))
        before = tag
    return replace_row(_row(text, "news"), entities=tuple(found))


def _type(name: str) -> EntityType:
    return next(known for known in _TYPES if known == name)


def _row(text: str, kind: Literal["news", "social", "customer"]) -> Row:
    # The same words are the same text: else what is learnt could be tested.
    words = " ".join(_WORDS.findall(text.casefold()))
    group = blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return Row(id=group, text=text, kind=kind, source="", origin="label", group=group)


def replace_row(row: Row, **fields: object) -> Row:
    """A row with what was said of it."""
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    return Row(**{**values, **fields})


def _labels(topics: Iterable[str] = ("one", "other"), intents: Iterable[str] = ()) -> Labels:
    return Labels(
        topics=tuple(topics),
        topic_mode="single",
        sentiments=SENTIMENTS,
        intents=tuple(intents),
        entity_tags=entity_tags(_TYPES),
    )
