"""A Llama as an ONNX graph whose key-value cache goes in and comes out, built straight from its weights.

One run takes some tokens of each text, whatever came before them, and gives the logits of the next token. The cache is
a pair of buffers a layer, each [batch, heads, capacity, head]: the run writes the new keys and values into them where
they are given as inputs and as outputs alike. Each text has a length of its own, so that texts of different lengths are
written on together, without padding between their tokens.

Attention is onnxruntime's GroupQueryAttention, which rotates, appends to the cache and attends in one; the norms are
its fused ones. docs/adr/0007 tells what that is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from models.generator.blocks import BLOCK, quantized
from models.generator.llama import EMBEDDING, FINAL_NORM, rotations
from models.generator.ports import INPUT_IDS, LENGTHS, LOGITS, TOTAL, cache_names
from models.graph import Dimension, Graph

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

    from models.generator.llama import Llama
    from models.manifest import Precision


def generator_model(llama: Llama, precision: Precision, context: int) -> onnx.ModelProto:
    """The graph.

    Inputs are ``input_ids``, int64 [batch, tokens]; ``lengths``, int32 [batch], the tokens of each text up to and with
    the last one given here, less one; ``total``, int32 [], the largest of these lengths; and the cache. With more than
    one token a text the batch is one text, or every text begins here.

    Args:
        llama: The model.
        precision: Of its weights; activations stay in fp32 but for products with int8 weights.
        context: Tokens of the longest text; no more than the model was made for.

    Returns:
        A model with the outputs ``logits``, float32 [batch, vocabulary], of the last token of each text, and the cache.
    """
    builder = _Builder(llama, precision, context)
    states = builder.embed()
    skipped = ""
    for layer in range(llama.sizes.num_hidden_layers):
        states, skipped = builder.attend(states, skipped, layer)
        states, skipped = builder.feed_forward(states, skipped, layer)
    builder.head(states, skipped)
    return builder.graph.model()


class _Builder:
    def __init__(self, llama: Llama, precision: Precision, context: int) -> None:
        self.graph = graph = Graph()
        self.llama = llama
        self.sizes = sizes = llama.sizes
        self.precision = precision
        self.ids = graph.input(INPUT_IDS, ["batch", "tokens"])
        self.lengths = graph.input(LENGTHS, ["batch"], np.int32)
        self.total = graph.input(TOTAL, [], np.int32)
        self.cache_shape: list[Dimension] = ["batch", sizes.num_key_value_heads, "capacity", sizes.head_dim]
        for past, _ in cache_names(sizes.num_hidden_layers):
            graph.input(past, self.cache_shape, np.float32)
        cosines, sines = rotations(sizes, context)
        self.rotations = graph.constant(cosines, "cosines"), graph.constant(sines, "sines")
        self.vocabulary = self._vocabulary()

    def _vocabulary(self) -> list[str]:
        """The embedding as constants: its rows, or its blocks and their scales."""
        rows = self.llama.weights[EMBEDDING]
        if self.precision == "fp32":
            return [self.graph.constant(rows, "words")]
        blocks = quantized(rows, 8)
        return [self.graph.constant(blocks.values, "words"), self.graph.constant(blocks.scales, "words.scales")]

    def embed(self) -> str:
        """States of the tokens given: [batch, tokens, width]."""
        graph = self.graph
        if self.precision == "fp32":
            return graph.op("Gather", self.vocabulary[0], self.ids)
        # GatherBlockQuantized would do it in one, but no onnxruntime before 1.22 has it for eight bits.
        values, scales = (graph.op("Gather", part, self.ids) for part in self.vocabulary)
        centred = graph.op("Sub", graph.op("Cast", values, to=1), graph.constant(128.0))
        scaled = graph.op("Mul", centred, graph.op("Unsqueeze", scales, graph.constant([3])))
        wide = graph.op("Reshape", scaled, graph.constant([0, 0, -1]))
        width = self.sizes.hidden_size
        if width % BLOCK == 0:
            return wide
        return graph.op("Slice", wide, graph.constant([0]), graph.constant([width]), graph.constant([2]))

    def attend(self, states: str, skipped: str, layer: int) -> tuple[str, str]:
        """Attention of a layer; the states without and with what was before it, each [batch, tokens, width]."""
        sizes, graph = self.sizes, self.graph
        module = f"model.layers.{layer}"
        normed, skipped = self.norm(states, skipped, f"{module}.input_layernorm")
        joined = self.linear(normed, [f"{module}.self_attn.{part}_proj" for part in "qkv"], f"{module}.qkv")
        context, *present = f"{module}.context", *(names[1] for names in self._caches(layer))
        graph.contrib(
            "GroupQueryAttention",
            *(joined, "", ""),
            *(names[0] for names in self._caches(layer)),
            *(self.lengths, self.total, *self.rotations),
            outputs=[context, *present],
            num_heads=sizes.num_attention_heads,
            kv_num_heads=sizes.num_key_value_heads,
            do_rotary=1,
            rotary_interleaved=0,
        )
        for name in present:
            graph.expose(name, self.cache_shape)
        return self.linear(context, [f"{module}.self_attn.o_proj"], f"{module}.attended"), skipped

    def feed_forward(self, states: str, skipped: str, layer: int) -> tuple[str, str]:
        """Gated feed-forward network of a layer; as ``attend``."""
        graph, module = self.graph, f"model.layers.{layer}"
        normed, skipped = self.norm(states, skipped, f"{module}.post_attention_layernorm")
        gate = self.linear(normed, [f"{module}.mlp.gate_proj"], f"{module}.gate")
        up = self.linear(normed, [f"{module}.mlp.up_proj"], f"{module}.up")
        graph.contrib("QuickGelu", gate, outputs=[f"{module}.open"], alpha=1.0)
        inner = graph.op("Mul", f"{module}.open", up)
        return self.linear(inner, [f"{module}.mlp.down_proj"], f"{module}.fed"), skipped

    def head(self, states: str, skipped: str) -> None:
        """Logits of the last token of each text."""
        graph, sizes = self.graph, self.sizes
        normed, _ = self.norm(states, skipped, FINAL_NORM.removesuffix(".weight"))
        last = graph.op("Squeeze", graph.op("Gather", normed, graph.constant([-1]), axis=1), graph.constant([1]))
        if self.precision == "fp32":
            rows = self.vocabulary[0] if sizes.tie_word_embeddings else graph.constant(self.llama.head, "head")
            graph.output(graph.op("Gemm", last, rows, transB=1), LOGITS, ["batch", sizes.vocab_size])
            return
        if sizes.tie_word_embeddings:
            self._multiply(last, self.vocabulary, 8, (sizes.vocab_size, sizes.hidden_size), LOGITS)
        else:
            self._multiply(last, self._blocks(self.llama.head, 8, "head"), 8, self.llama.head.shape, LOGITS)
        graph.expose(LOGITS, ["batch", sizes.vocab_size])

    def norm(self, states: str, skipped: str, module: str) -> tuple[str, str]:
        """RMS norm of states and of what skipped past them, and that sum."""
        graph = self.graph
        gain = graph.constant(self.llama.weights[f"{module}.weight"], f"{module}.weight")
        epsilon = self.sizes.rms_norm_eps
        if not skipped:
            # Once a run: the standard operators do.
            square = graph.op("ReduceMean", graph.op("Mul", states, states), graph.constant([-1]))
            root = graph.op("Sqrt", graph.op("Add", square, graph.constant(epsilon)))
            return graph.op("Mul", graph.op("Div", states, root), gain, name=module), states
        graph.contrib(
            "SkipSimplifiedLayerNormalization",
            *(states, skipped, gain),
            outputs=[module, "", "", f"{module}.sum"],
            epsilon=epsilon,
        )
        return module, f"{module}.sum"

    def linear(self, states: str, modules: list[str], name: str) -> str:
        """Linear layers side by side as one product."""
        graph, weights = self.graph, self.llama.weights
        weight = np.concatenate([weights[f"{module}.weight"] for module in modules])
        biases = [weights[f"{module}.bias"] for module in modules if f"{module}.bias" in weights]
        bias = graph.constant(np.concatenate(biases), f"{name}.bias") if biases else ""
        if self.precision != "fp32":
            bits: Literal[4, 8] = 8 if self.precision == "int8" else 4
            return self._multiply(states, self._blocks(weight, bits, name), bits, weight.shape, name, bias)
        product = graph.op("MatMul", states, graph.constant(weight.T, f"{name}.weight"))
        return graph.op("Add", product, bias) if bias else product

    def _blocks(self, weight: NDArray[np.float32], bits: Literal[4, 8], name: str) -> list[str]:
        blocks, constant = quantized(weight, bits), self.graph.constant
        parts = [constant(blocks.values, f"{name}.weight"), constant(blocks.scales, f"{name}.scales")]
        return parts if blocks.zeros is None else [*parts, constant(blocks.zeros, f"{name}.zeros")]

    def _multiply(
        self, states: str, blocks: list[str], bits: int, shape: tuple[int, ...], name: str, bias: str = ""
    ) -> str:
        optional = [blocks[2] if len(blocks) > 2 else "", "", bias]  # noqa: PLR2004  zero points come third
        while optional and not optional[-1]:
            optional.pop()
        self.graph.contrib(
            "MatMulNBits",
            *(states, *blocks[:2], *optional),
            outputs=[name],
            N=shape[0],
            K=shape[1],
            bits=bits,
            block_size=BLOCK,
            # Activations in int8 too, by blocks of their own: what llama.cpp does with its Q8_0.
            accuracy_level=4,
        )
        return name

    def _caches(self, layer: int) -> list[tuple[str, str]]:
        return cache_names(self.sizes.num_hidden_layers)[2 * layer : 2 * layer + 2]
