"""The encoder in torch, to compare an exported graph with; where torch is not installed, nothing is compared."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from models.features import entity_rows, from_states, sentence_row, towards_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from onnxruntime import InferenceSession

    from models.heads import Heads, Matrix
    from models.tokens import EncodedText, TextTokenizer, Tokens


def largest_difference(
    session: InferenceSession,
    base: Path,
    heads: Heads,
    tokenizer: TextTokenizer,
    texts: Sequence[str],
    *,
    centre: Matrix | None = None,
) -> float | None:
    """The largest absolute difference of any output of an fp32 graph from transformers' BERT and the fitted heads.

    Args:
        session: Of the graph.
        base: Folder of the base weights.
        heads: What was fitted.
        tokenizer: The base's.
        texts: Of different lengths, so that padding is compared too.
        centre: What the graph takes from each embedding, [width]; None for nothing.

    Returns:
        None where torch or transformers is not installed.
    """
    if find_spec("torch") is None or find_spec("transformers") is None:
        return None
    encoded = tokenizer.encode(texts)
    tokens = tokenizer.pad(encoded)
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, tokens._asdict()), strict=True))
    layers = hidden_states(base, tokens)
    worst = 0.0
    for row, text in enumerate(encoded):
        states = {layer: states[row, : len(text.ids)] for layer, states in enumerate(layers)}
        for name, expected in _expected(heads, text, states, centre).items():
            given = outputs[name][row]
            if expected.ndim > 1:
                given = given[: len(text.ids)]
            worst = max(worst, float(np.abs(given - expected).max()))
    return worst


def hidden_states(base: Path, tokens: Tokens) -> list[Matrix]:
    """States of the embeddings and of each layer, float32 [batch, length, width], as transformers computes them."""
    import torch  # noqa: PLC0415  the train extra's alone
    from transformers import BertModel  # noqa: PLC0415  likewise
    from transformers.utils import logging  # noqa: PLC0415  likewise

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = BertModel.from_pretrained(base, attn_implementation="eager", add_pooling_layer=False, local_files_only=True)
    model.train(mode=False)
    with torch.no_grad():
        answer = model(
            input_ids=torch.from_numpy(tokens.input_ids),
            attention_mask=torch.from_numpy(tokens.attention_mask),
            output_hidden_states=True,
        )
    return [states.numpy() for states in answer.hidden_states]


def _expected(
    heads: Heads, encoded: EncodedText, states: dict[int, Matrix], centre: Matrix | None
) -> dict[str, Matrix]:
    plan = heads.plan
    text = from_states(plan, encoded, states)
    embedding = _unit(states[max(states)].mean(axis=0))
    if centre is not None:
        embedding = _unit(embedding - centre)
    outputs = {
        "topic_logits": heads.topic(sentence_row(text, plan.topic)),
        "sentiment_logits": heads.sentiment(sentence_row(text, plan.sentiment)),
        "entity_logits": heads.entity(entity_rows(text, plan)),
        "entity_sentiment_logits": heads.towards(towards_rows(text, plan)),
        "embedding": embedding,
    }
    if heads.intent is not None:
        outputs["intent_logits"] = heads.intent(sentence_row(text, plan.intent))
    return outputs


def _unit(vector: Matrix) -> Matrix:
    return vector / np.float32(np.linalg.norm(vector))
