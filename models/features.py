"""What the heads are fitted on: the frozen trunk's states of each text, computed once, and the rows made of them.

``encoder_graph`` makes the same rows inside the served graph; the tests hold the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.batching import sub_batches
from models.bert import add_trunk
from models.graph import Graph
from models.heads import CASE_TABLE, CASE_WINDOW
from models.sessions import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.bert import Trunk
    from models.heads import Matrix, Plan, Pooled
    from models.tokens import EncodedText, TextTokenizer

BATCH = 32


class TextFeatures(NamedTuple):
    """What the heads see of one text; keys are layers, 0 the embeddings."""

    encoded: EncodedText
    states: dict[int, Matrix]
    """[length, width]."""
    mean: dict[int, Matrix]
    """[width]."""
    max: dict[int, Matrix]
    """[width]."""


def collect(
    trunk: Trunk,
    plan: Plan,
    tokenizer: TextTokenizer,
    texts: Sequence[str],
    on_progress: Callable[[int, int], None],
) -> list[TextFeatures]:
    """Run texts through the trunk once, in fp32.

    Args:
        trunk: The encoder.
        plan: Which layers are wanted.
        tokenizer: Its tokenizer.
        texts: The texts.
        on_progress: Told how many texts are done, of how many.
    """
    layers = sorted({*plan.token_layers, *plan.mean_layers, *plan.max_layers})
    session = open_session(_states_model(trunk, layers))
    encoded = tokenizer.encode(texts)
    found: dict[int, TextFeatures] = {}
    for places in sub_batches([len(text.ids) for text in encoded], BATCH):
        tokens = tokenizer.pad([encoded[place] for place in places])
        outputs = session.run(None, {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask})
        for row, place in enumerate(places):
            length = len(encoded[place].ids)
            states = {layer: output[row, :length] for layer, output in zip(layers, outputs, strict=True)}
            found[place] = from_states(plan, encoded[place], states)
        on_progress(len(found), len(texts))
    return [found[place] for place in range(len(texts))]


def from_states(plan: Plan, encoded: EncodedText, states: dict[int, Matrix]) -> TextFeatures:
    """Features of one text out of its states by layer, each [length, width]."""
    return TextFeatures(
        encoded=encoded,
        # Copies, so that the batch that they are a part of can go.
        states={layer: states[layer].copy() for layer in plan.token_layers},
        mean={layer: states[layer].mean(axis=0) for layer in plan.mean_layers},
        max={layer: states[layer].max(axis=0) for layer in plan.max_layers},
    )


def sentence_row(text: TextFeatures, pooled: Pooled) -> Matrix:
    """A text as one row."""
    return np.concatenate([text.mean[layer] for layer in pooled.mean] + [text.max[layer] for layer in pooled.max])


def case_rows(case_ids: Sequence[int]) -> Matrix:
    """Case of each token and its neighbours: [length, 5 * (2 * CASE_WINDOW + 1)], zeros beyond the ends."""
    length = len(case_ids)
    padded = np.pad(CASE_TABLE[np.asarray(case_ids)], ((CASE_WINDOW, CASE_WINDOW), (0, 0)))
    return np.concatenate([padded[start : start + length] for start in range(2 * CASE_WINDOW + 1)], axis=1)


def entity_rows(text: TextFeatures, plan: Plan, case_ids: Sequence[int] | None = None) -> Matrix:
    """Tokens as the entity head sees them, a row each.

    Args:
        text: The text.
        plan: Which layers it reads.
        case_ids: Case of each token where it is to be another than the text's own.
    """
    cases = case_rows(text.encoded.case_ids if case_ids is None else case_ids)
    return np.concatenate([*(text.states[layer] for layer in plan.entity), cases], axis=1)


def towards_rows(text: TextFeatures, plan: Plan) -> Matrix:
    """Tokens as the head for the sentiment towards entities sees them: each in its context, and the whole text."""
    own = np.concatenate([text.states[layer] for layer in plan.towards], axis=1)
    context = sentence_row(text, plan.towards_context)
    return np.concatenate([own, np.broadcast_to(context, (len(own), context.size))], axis=1)


def _states_model(trunk: Trunk, layers: Sequence[int]) -> bytes:
    graph = Graph()
    input_ids = graph.input("input_ids", ["batch", "length"])
    attention_mask = graph.input("attention_mask", ["batch", "length"])
    states = add_trunk(graph, trunk, input_ids, attention_mask)
    for layer in layers:
        graph.output(states[layer], f"layer_{layer}", ["batch", "length", trunk.width])
    content: bytes = graph.model().SerializeToString()
    return content
