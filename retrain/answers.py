"""What a model answers to rows of a data set: what it would serve, and the logits that this rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.evaluation import Found
from models.readings import Reader
from models.tagging import overlapping, tag_first_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from models.manifest import Labels
    from models.readings import Reading
    from models.running import Run
    from retrain.rows import Row
    from streams.contract.records import Sentiment

    Logits = NDArray[np.float32]


class Readable(Protocol):
    """A model that can be judged: a loaded version (``models.runtime.Encoder``), or a graph that is none yet."""

    @property
    def labels(self) -> Labels:
        """Names of its outputs."""

    def runs(self, texts: Sequence[str]) -> Iterator[Run]:
        """The graph's outputs for texts, run by run."""


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What a model answers to one row.

    Attributes:
        topics: As served.
        sentiment: As served.
        intent: As served; None where the model has no intents.
        entities: As served, with the score of each.
        towards: The sentiment towards each labelled entity, whether the model found it or not.
        topic_logits: float32 [topics].
        sentiment_logits: float32 [sentiments].
        intent_logits: float32 [intents]; no entry where the model has none.
        towards_logits: float32 [labelled entities, sentiments]; zeros for one that lies beyond the text's cut.
        tag_logits: float32 [words, tags], of each word's first piece; no rows where nobody labelled entities.
        tags: What the labels say of these words.
    """

    topics: tuple[str, ...]
    sentiment: Sentiment
    intent: str | None
    entities: dict[Found, float]
    towards: tuple[Sentiment, ...]
    topic_logits: Logits
    sentiment_logits: Logits
    intent_logits: Logits
    towards_logits: Logits
    tag_logits: Logits
    tags: tuple[str, ...]


def answer(
    model: Readable, rows: Sequence[Row], on_progress: Callable[[int, int], None] | None = None
) -> list[RowAnswer]:
    """Ask a model about rows, in runs of texts of about equal length, as it would be served.

    Args:
        model: The model.
        rows: The rows.
        on_progress: Told how many rows are done, of how many.

    Returns:
        An answer for each row, in their order.
    """
    texts = [row.text for row in rows]
    reader = Reader(model.labels)
    answers: dict[int, RowAnswer] = {}
    for run in model.runs(texts):
        readings = reader.read([texts[place] for place in run.places], run.encoded, run.tokens, run.outputs)
        for number, (place, reading) in enumerate(zip(run.places, readings, strict=True)):
            answers[place] = _answer(rows[place], reading, run, number, model.labels)
        if on_progress is not None:
            on_progress(len(answers), len(rows))
    return [answers[place] for place in range(len(rows))]


def _answer(row: Row, reading: Reading, run: Run, number: int, labels: Labels) -> RowAnswer:
    encoded, outputs = run.encoded[number], run.outputs
    towards = np.zeros((len(row.entities or ()), len(labels.sentiments)), np.float32)
    for place, entity in enumerate(row.entities or ()):
        pieces = overlapping(encoded, entity)
        if pieces:
            towards[place] = outputs["entity_sentiment_logits"][number, pieces].mean(axis=0)
    tags = {} if row.entities is None else tag_first_pieces(encoded, row.entities)
    # Copies, so that the run that they are a part of can go.
    return RowAnswer(
        topics=tuple(reading.topics),
        sentiment=reading.sentiment,
        intent=reading.intent,
        entities={Found(entity.type, entity.start, entity.end): entity.score for entity in reading.entities},
        towards=tuple(labels.sentiments[choice] for choice in towards.argmax(axis=1).tolist()),
        topic_logits=outputs["topic_logits"][number].copy(),
        sentiment_logits=outputs["sentiment_logits"][number].copy(),
        intent_logits=outputs["intent_logits"][number].copy() if labels.intents else np.zeros(0, np.float32),
        towards_logits=towards,
        tag_logits=outputs["entity_logits"][number, list(tags)],
        tags=tuple(tags.values()),
    )
