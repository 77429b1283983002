"""BERT as an ONNX graph, built straight from its safetensors: neither torch nor transformers is needed.

The encoder is that of Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2019), section 3:
post-layer-norm blocks of multi-head self-attention and a two-layer feed-forward network with an exact GELU.

Only the standard operators are used. On two cores (AVX2, 16 texts of 24 tokens; processor milliseconds of one run,
fp32 / int8) they took 108 / 73; GELU written out with Erf 109 / 77; onnxruntime's own BiasGelu 109 / 75, Attention
109 / 73 and MultiHeadAttention 108 / 72: within the noise, so that what every runtime can read is kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from models.base_files import CONFIG, TOKENIZER, WEIGHTS, WeightsError
from models.graph import Graph
from models.tokens import TextTokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnx
    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]

_PREFIX = "bert."
_BRAIN_FLOAT = "bfloat16"
# Softmax takes it for minus infinity, and yet a row that is all padding gives no NaN.
_MASKED = -10_000.0
_TINY_NORM = 1e-12


@dataclass(frozen=True, slots=True)
class Trunk:
    """A BERT encoder: its sizes and its weights by their names in the checkpoint, without any ``bert.`` before them."""

    width: int
    layers: int
    heads: int
    max_tokens: int
    epsilon: float
    """Of the layer norms."""
    weights: Weights
    centre: NDArray[np.float32] | None = None
    """Mean of the vectors at length one, float32 [width], which is taken from each (``models.centre``)."""


def load_trunk(folder: Path) -> Trunk:
    """Read an encoder from ``config.json`` and ``model.safetensors``.

    Raises:
        WeightsError: It is no BERT encoder, or its file is broken or lacks a weight.
    """
    config = _read_config(folder / CONFIG)
    path = folder / WEIGHTS
    try:
        loaded = load_file(path)
    except (SafetensorError, OSError, TypeError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors: {error}") from error
    weights = {
        name.removeprefix(_PREFIX): tensor.astype(np.float32, copy=False)
        for name, tensor in loaded.items()
        # numpy knows bfloat16 by another package, and not as one of its own kinds.
        if np.issubdtype(tensor.dtype, np.floating) or tensor.dtype.name == _BRAIN_FLOAT
    }
    trunk = Trunk(
        width=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        max_tokens=config["max_position_embeddings"],
        epsilon=config["layer_norm_eps"],
        weights=weights,
    )
    missing = [name for name in _weight_names(trunk.layers) if name not in weights]
    if missing:
        raise WeightsError(f"{path} is no BERT encoder: it lacks {len(missing)} weights, {missing[0]} among them")
    return trunk


def open_tokenizer(folder: Path, trunk: Trunk, max_tokens: int) -> TextTokenizer:
    """The tokenizer that came with an encoder.

    Args:
        folder: Of both.
        trunk: The encoder.
        max_tokens: Longest text.

    Raises:
        WeightsError: It cannot be read, or is another encoder's.
    """
    path = folder / TOKENIZER
    try:
        tokenizer = TextTokenizer(path, max_tokens)
    except Exception as error:  # the library's own have no base
        raise WeightsError(f"{path} cannot be read as a tokenizer: {error}") from error
    words = len(trunk.weights["embeddings.word_embeddings.weight"])
    if tokenizer.vocabulary_size > words:
        raise WeightsError(
            f"{path} has {tokenizer.vocabulary_size} tokens, and {folder / WEIGHTS} knows {words}: it is the "
            "tokenizer of another model"
        )
    return tokenizer


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error
    needed = {"model_type": "bert", "hidden_act": "gelu"}
    for key, value in needed.items():
        if config.get(key) != value:
            raise WeightsError(
                f"{path}: {key} is {config.get(key)!r} where {value!r} is needed: only BERT-like encoders are read"
            )
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise WeightsError(f"{path}: position_embedding_type must be 'absolute'")
    # What BERT's own configuration takes where the file is silent.
    config.setdefault("layer_norm_eps", 1e-12)
    for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings"):
        if not isinstance(config.get(key), int):
            raise WeightsError(f"{path} lacks {key}")
    return config


def _weight_names(layers: int) -> list[str]:
    names = [f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")]
    modules = ["embeddings.LayerNorm"]
    parts = [f"attention.self.{part}" for part in ("query", "key", "value")]
    parts += ["attention.output.dense", "attention.output.LayerNorm"]
    parts += ["intermediate.dense", "output.dense", "output.LayerNorm"]
    modules += [f"encoder.layer.{layer}.{part}" for layer in range(layers) for part in parts]
    return names + [f"{module}.{kind}" for module in modules for kind in ("weight", "bias")]


def add_trunk(graph: Graph, trunk: Trunk, input_ids: str, attention_mask: str) -> list[str]:
    """Add the encoder to a graph.

    Args:
        graph: The graph that grows.
        trunk: The encoder.
        input_ids: int64 [batch, length].
        attention_mask: int64 [batch, length], 1 for tokens and 0 for padding.

    Returns:
        Hidden states, float32 [batch, length, width]: of the embeddings, then of each layer.
    """
    block = _Blocks(graph, trunk)
    mask = graph.op("Cast", graph.op("Unsqueeze", attention_mask, graph.constant([1, 2])), to=1)
    padding = graph.op("Mul", graph.op("Sub", graph.constant(1.0), mask), graph.constant(_MASKED))
    states = [block.embed(input_ids)]
    for layer in range(trunk.layers):
        states.append(block.feed_forward(block.attend(states[-1], padding, layer), layer))
    return states


class _Blocks:
    """The parts of a block, each reading its weights by the checkpoint's names."""

    def __init__(self, graph: Graph, trunk: Trunk) -> None:
        self.graph = graph
        self.trunk = trunk
        self.split_heads = graph.constant([0, 0, trunk.heads, trunk.width // trunk.heads])
        self.join_heads = graph.constant([0, 0, trunk.width])

    def embed(self, input_ids: str) -> str:
        graph, weights = self.graph, self.trunk.weights
        # One sentence a text: every token is of type 0, which is added to the positions once and for all.
        positions = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        zero, one = graph.constant([0]), graph.constant([1])
        length = graph.op("Slice", graph.op("Shape", input_ids), one, graph.constant([2]))
        place = graph.op("Slice", graph.constant(positions, "positions"), zero, length, zero)
        words = graph.op("Gather", graph.constant(weights["embeddings.word_embeddings.weight"], "words"), input_ids)
        return self.norm(graph.op("Add", words, place), "embeddings.LayerNorm")

    def attend(self, states: str, padding: str, layer: int) -> str:
        """Multi-head self-attention, its residual and its norm."""
        graph, module = self.graph, f"encoder.layer.{layer}.attention"
        scale = (self.trunk.width // self.trunk.heads) ** -0.5
        query = self.split(self.dense(states, f"{module}.self.query", scale), [0, 2, 1, 3])
        key = self.split(self.dense(states, f"{module}.self.key"), [0, 2, 3, 1])
        value = self.split(self.dense(states, f"{module}.self.value"), [0, 2, 1, 3])
        weights = graph.op("Softmax", graph.op("Add", graph.op("MatMul", query, key), padding), axis=-1)
        context = graph.op("Transpose", graph.op("MatMul", weights, value), perm=[0, 2, 1, 3])
        joined = graph.op("Reshape", context, self.join_heads)
        return self.norm(
            graph.op("Add", self.dense(joined, f"{module}.output.dense"), states), f"{module}.output.LayerNorm"
        )

    def feed_forward(self, states: str, layer: int) -> str:
        """The two-layer network, its residual and its norm."""
        module = f"encoder.layer.{layer}"
        inner = self.graph.op("Gelu", self.dense(states, f"{module}.intermediate.dense"))
        outer = self.dense(inner, f"{module}.output.dense")
        return self.norm(self.graph.op("Add", outer, states), f"{module}.output.LayerNorm")

    def dense(self, states: str, module: str, scale: float = 1.0) -> str:
        """A linear layer; a checkpoint keeps its weight as [outputs, inputs]."""
        weights = self.trunk.weights
        factor = np.float32(scale)
        return self.graph.linear(
            states, weights[f"{module}.weight"].T * factor, weights[f"{module}.bias"] * factor, module
        )

    def norm(self, states: str, module: str) -> str:
        graph, weights = self.graph, self.trunk.weights
        gain, bias = (graph.constant(weights[f"{module}.{kind}"], f"{module}.{kind}") for kind in ("weight", "bias"))
        return graph.op("LayerNormalization", states, gain, bias, axis=-1, epsilon=self.trunk.epsilon, name=module)

    def split(self, states: str, order: list[int]) -> str:
        return self.graph.op("Transpose", self.graph.op("Reshape", states, self.split_heads), perm=order)


def add_mean(graph: Graph, states: str, attention_mask: str) -> str:
    """Mean of the states over a text's tokens: [batch, length, width] to [batch, width]."""
    mask = graph.op("Cast", graph.op("Unsqueeze", attention_mask, graph.constant([2])), to=1)
    total = graph.op("ReduceSum", graph.op("Mul", states, mask), graph.constant([1]), keepdims=0)
    return graph.op("Div", total, graph.op("ReduceSum", mask, graph.constant([1]), keepdims=0))


def add_embedding(graph: Graph, trunk: Trunk, means: str) -> str:
    """The embedding of texts, at length one, out of the means of their last states: both [batch, width]."""
    vectors = _add_unit(graph, means)
    if trunk.centre is None:
        return vectors
    return _add_unit(graph, graph.op("Sub", vectors, graph.constant(trunk.centre, "centre")))


def _add_unit(graph: Graph, vectors: str) -> str:
    norm = graph.op("ReduceL2", vectors, graph.constant([1]), keepdims=1)
    return graph.op("Div", vectors, graph.op("Max", norm, graph.constant(_TINY_NORM)))


def embedder(trunk: Trunk) -> onnx.ModelProto:
    """The encoder alone: ``input_ids`` and ``attention_mask`` to ``embedding``, mean-pooled, centred, at length one."""
    graph = Graph()
    input_ids = graph.input("input_ids", ["batch", "length"])
    attention_mask = graph.input("attention_mask", ["batch", "length"])
    states = add_trunk(graph, trunk, input_ids, attention_mask)
    embedding = add_embedding(graph, trunk, add_mean(graph, states[-1], attention_mask))
    graph.output(embedding, "embedding", ["batch", trunk.width])
    return graph.model()
