"""Runs of a served graph over many texts: what serving, evaluation and calibration share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from models.batching import sub_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from models.manifest import Labels
    from models.tokens import EncodedText, TextTokenizer, Tokens


class Run(NamedTuple):
    """One run of a graph."""

    places: list[int]
    """Of its texts, among those that were asked."""
    encoded: list[EncodedText]
    """Its texts, in the order of the places."""
    tokens: Tokens
    """The batch that they made, [batch, length]."""
    outputs: dict[str, NDArray[np.float32]]
    """By name: logits of each head [batch, labels], of tags and of the sentiment towards each token's entity
    [batch, length, labels]."""


def runs(
    session: InferenceSession, tokenizer: TextTokenizer, names: Sequence[str], texts: Sequence[str], most: int
) -> Iterator[Run]:
    """Run texts through a graph, in runs of texts of about equal length.

    Args:
        session: Of the graph.
        tokenizer: Its tokenizer.
        names: Outputs that are wanted.
        texts: The texts, of any Unicode and length.
        most: Most texts in one run.

    Yields:
        Runs that together hold every text once.
    """
    encoded = tokenizer.encode(texts)
    for places in sub_batches([len(text.ids) for text in encoded], most):
        of_run = [encoded[place] for place in places]
        tokens = tokenizer.pad(of_run)
        outputs = dict(zip(names, session.run(names, tokens._asdict()), strict=True))
        yield Run(places, of_run, tokens, outputs)


@dataclass(frozen=True, slots=True)
class OpenGraph:
    """A served graph that is no version yet, or no longer: what evaluation needs to read with it.

    Attributes:
        session: Of the graph.
        tokenizer: Its tokenizer.
        labels: Names of its outputs.
        sub_batch: Most texts in one run.
    """

    session: InferenceSession
    tokenizer: TextTokenizer
    labels: Labels
    sub_batch: int = 16

    def runs(self, texts: Sequence[str]) -> Iterator[Run]:
        """Run texts through the graph, as the runtime does."""
        names = [output.name for output in self.session.get_outputs()]
        return runs(self.session, self.tokenizer, names, texts, self.sub_batch)
