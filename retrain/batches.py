"""Rows as batches of tensors, and the order in which an epoch goes through them.

What nobody said of a text is marked, so that its head learns nothing from it: see ``losses.answered``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from models.fitting import recase
from models.tagging import overlapping, tag_first_pieces
from models.tokens import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.manifest import Labels
    from models.tokens import EncodedText, TextTokenizer
    from retrain.rows import Row

    Batch = dict[str, Tensor]

UNKNOWN = -100
"""A label that nobody gave; torch's own mark."""

# Shares of texts that an epoch shows as if written in small letters or in capitals alone, for the entity head: posts
# without capitals, headlines in nothing else. The same shares as models.fitting takes.
_RECASED = {Case.LOWER: 1 / 7, Case.UPPER: 1 / 7}
# Texts are drawn by so many batches at a time and sorted by length within them: hardly any padding, and still chance.
_BATCHES_SORTED = 32


class Lesson(NamedTuple):
    """One row as numbers; UNKNOWN where nobody said."""

    encoded: EncodedText
    topic: int | list[float]
    """A number where a text has one topic, else a 1 or 0 for each."""
    sentiment: int
    intent: int
    tags: dict[int, int]
    """Tag of each word, by its first piece; empty where nobody marked entities."""
    towards: list[tuple[list[int], int]]
    """Pieces of each entity, and the sentiment towards it."""


class Draw(NamedTuple):
    """Which row comes, and the case that it is shown in; None for its own."""

    place: int
    case: Case | None


def lessons(rows: Sequence[Row], tokenizer: TextTokenizer, labels: Labels) -> list[Lesson]:
    """Rows as the network sees them; each label must be among the labels."""
    encoded = tokenizer.encode([row.text for row in rows])
    return [_lesson(row, text, labels) for row, text in zip(rows, encoded, strict=True)]


def _lesson(row: Row, encoded: EncodedText, labels: Labels) -> Lesson:
    tags = {} if row.entities is None else tag_first_pieces(encoded, row.entities)
    towards = [(overlapping(encoded, entity), entity.sentiment) for entity in row.entities or ()]
    return Lesson(
        encoded=encoded,
        topic=_topic(row.topics, labels),
        sentiment=_number(row.sentiment, labels.sentiments),
        intent=_number(row.intent, labels.intents),
        tags={piece: labels.entity_tags.index(tag) for piece, tag in tags.items()},
        # An entity that lies behind the cut of a long text has no pieces.
        towards=[(pieces, labels.sentiments.index(said)) for pieces, said in towards if pieces and said],
    )


def _topic(topics: tuple[str, ...] | None, labels: Labels) -> int | list[float]:
    if labels.topic_mode == "single":
        return _number(topics[0] if topics else None, labels.topics)
    return [UNKNOWN if topics is None else float(topic in topics) for topic in labels.topics]


def _number(name: str | None, names: Sequence[str]) -> int:
    return UNKNOWN if name is None else names.index(name)


def collate(batch: Sequence[Lesson], tokenizer: TextTokenizer) -> Batch:
    """Lessons as one batch.

    Returns:
        ``input_ids``, ``attention_mask``, ``case_ids`` and ``entities`` (tags), int64 [batch, length]; ``topic``, int64
        [batch] or float32 [batch, topics]; ``sentiment`` and ``intent``, int64 [batch]; and of the entities with a
        sentiment, however many the batch has: ``span_rows``, int64 [entities], ``spans``, float32 [entities, length],
        which average over an entity's pieces, and ``towards``, int64 [entities].
    """
    tokens = tokenizer.pad([lesson.encoded for lesson in batch])
    tensors = {name: torch.from_numpy(array) for name, array in tokens._asdict().items()}
    entities = torch.full_like(tensors["input_ids"], UNKNOWN)
    for row, lesson in enumerate(batch):
        entities[row, list(lesson.tags)] = torch.tensor(list(lesson.tags.values()), dtype=torch.int64)
    found = [(row, pieces, number) for row, lesson in enumerate(batch) for pieces, number in lesson.towards]
    spans = torch.zeros(len(found), entities.shape[1])
    for place, (_, pieces, _) in enumerate(found):
        spans[place, pieces] = 1.0 / len(pieces)
    return {
        **tensors,
        "topic": torch.tensor([lesson.topic for lesson in batch]),
        "sentiment": torch.tensor([lesson.sentiment for lesson in batch]),
        "intent": torch.tensor([lesson.intent for lesson in batch]),
        "entities": entities,
        "span_rows": torch.tensor([row for row, _, _ in found], dtype=torch.int64),
        "spans": spans,
        "towards": torch.tensor([number for _, _, number in found], dtype=torch.int64),
    }


class Lessons(Dataset[Lesson]):
    """Lessons, to be drawn from.

    Args:
        of: The lessons.
    """

    def __init__(self, of: Sequence[Lesson]) -> None:
        self._of = of

    def __len__(self) -> int:
        return len(self._of)

    def __getitem__(self, draw: Draw) -> Lesson:
        lesson = self._of[draw.place]
        if draw.case is None:
            return lesson
        # The trunk's vocabulary is lower-cased: the pieces are the same, only their cases differ.
        recased = recase(lesson.encoded.case_ids, draw.case)
        return lesson._replace(encoded=lesson.encoded._replace(case_ids=recased))


class Draws(Sampler[Draw]):
    """Every row once an epoch, in chance order, texts of about equal length together.

    All that an epoch draws follows from the seed and its number, and from nothing before it: a run that was killed goes
    on with the very batches that it would have had.

    Args:
        lengths: Tokens of each row.
        batch: Rows in one step.
        seed: Of the order.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths = np.asarray(lengths)
        self._batch = batch
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes; the trainer does."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[Draw]:
        random = np.random.default_rng([self._seed, self._epoch])
        order = random.permutation(len(self._lengths))
        step = self._batch * _BATCHES_SORTED
        blocks = [order[start : start + step] for start in range(0, len(order), step)]
        sorted_ = np.concatenate([block[np.argsort(self._lengths[block], kind="stable")] for block in blocks])
        batches = [sorted_[start : start + self._batch] for start in range(0, len(sorted_), self._batch)]
        # The last batch may be short and stays the last: a sampler deals in rows, and others cut them into batches.
        places = [*random.permutation(len(batches) - 1).tolist(), len(batches) - 1]
        choices = [None, *_RECASED]
        shares = [1.0 - sum(_RECASED.values()), *_RECASED.values()]
        cases = random.choice(len(choices), size=len(order), p=shares)
        for place in np.concatenate([batches[place] for place in places]).tolist():
            yield Draw(place, cast("Case | None", choices[cases[place]]))
