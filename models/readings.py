"""What the model reads in a text, out of the graph's logits, a sub-batch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from models.decoding import EntityDecoder, Span
from streams.contract.records import Entity, Sentiment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.manifest import Labels
    from models.tokens import EncodedText, Tokens

_DIGITS = 4
_THRESHOLD = 0.5


class Reading(Struct, frozen=True, kw_only=True):
    """What the model reads in one text; scores are probabilities, rounded to four digits."""

    topics: list[str]
    topic_scores: dict[str, float]
    sentiment: Sentiment
    sentiment_scores: dict[str, float]
    intent: str | None
    """None where the domain has no intents."""
    intent_scores: dict[str, float] | None
    entities: list[Entity]
    truncated: bool


class Reader:
    """Turns logits into readings.

    Args:
        labels: Names of the graph's outputs.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._entities = EntityDecoder(labels.entity_tags)

    def read(
        self,
        texts: Sequence[str],
        encoded: Sequence[EncodedText],
        tokens: Tokens,
        outputs: Mapping[str, NDArray[np.float32]],
    ) -> list[Reading]:
        """Readings of one run of the graph.

        Args:
            texts: The original texts.
            encoded: Their tokens.
            tokens: The batch that they made, [batch, length].
            outputs: The graph's outputs by name, float32: logits of each head [batch, labels], of entity tags
                [batch, length, tags] and of the sentiment towards each token's entity [batch, length, 3].

        Returns:
            One reading for each text, in their order.
        """
        labels = self._labels
        size = len(texts)
        topic_rows = _rounded(
            _softmax(outputs["topic_logits"]) if labels.topic_mode == "single" else _sigmoid(outputs["topic_logits"])
        )
        sentiment_rows = _rounded(_softmax(outputs["sentiment_logits"]))
        topics = self._topics(outputs["topic_logits"])
        sentiments = outputs["sentiment_logits"].argmax(axis=1).tolist()
        intents: Sequence[str | None] = [None] * size
        intent_scores: Sequence[dict[str, float] | None] = [None] * size
        if labels.intents:
            intents = [labels.intents[choice] for choice in outputs["intent_logits"].argmax(axis=1).tolist()]
            rows = _rounded(_softmax(outputs["intent_logits"]))
            intent_scores = [dict(zip(labels.intents, row, strict=True)) for row in rows]
        entities = self._read_entities(texts, encoded, tokens, outputs)
        return [
            Reading(
                topics=topics[place],
                topic_scores=dict(zip(labels.topics, topic_rows[place], strict=True)),
                sentiment=labels.sentiments[sentiments[place]],
                sentiment_scores=dict(zip(labels.sentiments, sentiment_rows[place], strict=True)),
                intent=intents[place],
                intent_scores=intent_scores[place],
                entities=entities[place],
                truncated=encoded[place].truncated,
            )
            for place in range(size)
        ]

    def _topics(self, logits: NDArray[np.float32]) -> list[list[str]]:
        names = self._labels.topics
        if self._labels.topic_mode == "single":
            return [[names[choice]] for choice in logits.argmax(axis=1).tolist()]
        return [
            [name for name, chosen in zip(names, row, strict=True) if chosen]
            for row in (_sigmoid(logits) >= _THRESHOLD).tolist()
        ]

    def _read_entities(
        self,
        texts: Sequence[str],
        encoded: Sequence[EncodedText],
        tokens: Tokens,
        outputs: Mapping[str, NDArray[np.float32]],
    ) -> list[list[Entity]]:
        """Entities of each text.

        The sentiment towards one is the softmax of the mean, over its word pieces, of their sentiment logits.
        """
        logits = outputs["entity_logits"]
        tags = logits.argmax(axis=2)
        rows, columns = np.nonzero((tags != self._entities.outside) & (tokens.attention_mask != 0))
        found: list[list[Entity]] = [[] for _ in texts]
        if not rows.size:
            return found
        chosen = tags[rows, columns]
        scores = _softmax(logits[rows, columns])[np.arange(rows.size), chosen]
        tagged = list(zip(columns.tolist(), chosen.tolist(), scores.tolist(), strict=True))
        bounds = np.searchsorted(rows, np.arange(len(texts) + 1)).tolist()
        spans: list[tuple[int, Span]] = []
        for place, (text, tokens_of) in enumerate(zip(texts, encoded, strict=True)):
            first, end = bounds[place], bounds[place + 1]
            if first < end:
                spans += [(place, span) for span in self._entities.decode(text, tokens_of, tagged[first:end])]
        names = self._labels.sentiments
        for (place, span), towards in zip(spans, _towards(spans, outputs["entity_sentiment_logits"]), strict=True):
            scores_of: dict[str, float] = dict(zip(names, towards, strict=True))
            found[place].append(
                Entity(
                    text=texts[place][span.start : span.end],
                    type=span.type,
                    start=span.start,
                    end=span.end,
                    score=round(span.score, _DIGITS),
                    sentiment=max(names, key=scores_of.__getitem__),
                    sentiment_scores=scores_of,
                )
            )
        return found


def _towards(spans: Sequence[tuple[int, Span]], logits: NDArray[np.float32]) -> list[list[float]]:
    """Probabilities of the sentiments towards each entity, by differences of running sums along the tokens."""
    places = np.fromiter((place for place, _ in spans), np.int64, len(spans))
    firsts = np.fromiter((span.first_token for _, span in spans), np.int64, len(spans))
    ends = np.fromiter((span.end_token for _, span in spans), np.int64, len(spans))
    sums = np.zeros((logits.shape[0], logits.shape[1] + 1, logits.shape[2]))
    np.cumsum(logits, axis=1, out=sums[:, 1:])
    means = (sums[places, ends] - sums[places, firsts]) / (ends - firsts)[:, None]
    return _rounded(_softmax(means))


def _softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def _sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    # By tanh, which does not overflow where exp(-x) would.
    return 0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64)))


def _rounded(probabilities: NDArray[np.float64]) -> list[list[float]]:
    rows: list[list[float]] = np.round(probabilities, _DIGITS).tolist()
    return rows
