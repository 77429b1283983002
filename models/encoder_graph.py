"""The served graph: one trunk, every head and the embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.bert import add_embedding, add_mean, add_trunk
from models.graph import Graph
from models.heads import CASE_TABLE, CASE_WINDOW, Linear

if TYPE_CHECKING:
    import onnx

    from models.bert import Trunk
    from models.heads import Heads, Mlp, Pooled

HEAD_PREFIX = "head."
"""Names of the heads' nodes begin with it."""

# Below any state, so that padding never is a maximum.
_LOWEST = -10_000.0


def encoder_model(trunk: Trunk, heads: Heads) -> onnx.ModelProto:
    """The trunk and its heads as one fp32 graph; inputs and outputs as the runtime knows them."""
    graph = Graph()
    builder = _Builder(graph, trunk, heads)
    builder.sentence("topic", heads.topic, heads.plan.topic)
    builder.sentence("sentiment", heads.sentiment, heads.plan.sentiment)
    if heads.intent is not None:
        builder.sentence("intent", heads.intent, heads.plan.intent)
    builder.entity(heads.entity)
    builder.towards(heads.towards)
    graph.output(add_embedding(graph, trunk, builder.mean(trunk.layers)), "embedding", ["batch", trunk.width])
    return graph.model()


class _Builder:
    """Adds heads to a trunk; what two of them read is computed once."""

    def __init__(self, graph: Graph, trunk: Trunk, heads: Heads) -> None:
        inputs = [graph.input(name, ["batch", "length"]) for name in ("input_ids", "attention_mask", "case_ids")]
        input_ids, self._mask, self._case_ids = inputs
        self._graph = graph
        self._plan = heads.plan
        self._states = add_trunk(graph, trunk, input_ids, self._mask)
        self._means: dict[int, str] = {}
        self._maxima: dict[int, str] = {}
        mask = graph.op("Cast", graph.op("Unsqueeze", self._mask, graph.constant([2])), to=1)
        self._padding = graph.op("Mul", graph.op("Sub", graph.constant(1.0), mask), graph.constant(_LOWEST))

    def sentence(self, name: str, head: Linear, pooled: Pooled) -> None:
        """Logits of a whole text."""
        logits = self._linear(self._pool(pooled), head, name)
        self._graph.output(logits, f"{name}_logits", ["batch", head.bias.size])

    def entity(self, head: Mlp) -> None:
        """Logits of each token's tag."""
        values = [*(self._states[layer] for layer in self._plan.entity), *self._cases()]
        rows = self._graph.op("Concat", *values, axis=-1)
        self._tokens("entity", self._linear(rows, head.hidden, "entity.hidden"), head.output)

    def towards(self, head: Mlp) -> None:
        """Logits of the sentiment towards each token's entity.

        The hidden layer is split: a token's own part, and the text's part, which is computed once for all tokens.
        """
        graph = self._graph
        own = graph.op("Concat", *(self._states[layer] for layer in self._plan.towards), axis=-1)
        context = self._pool(self._plan.towards_context)
        # The text's part comes last in the rows that the head was fitted on.
        size = len(self._plan.towards_context.mean) + len(self._plan.towards_context.max)
        parts = len(self._plan.towards)
        border = head.hidden.weight.shape[0] * parts // (parts + size)
        own_part = self._linear(own, Linear(head.hidden.weight[:border], head.hidden.bias), "entity_sentiment.own")
        weight = graph.constant(head.hidden.weight[border:], f"{HEAD_PREFIX}entity_sentiment.text.weight")
        text_part = graph.op("MatMul", context, weight, name=f"{HEAD_PREFIX}entity_sentiment.text.product")
        hidden = graph.op("Add", own_part, graph.op("Unsqueeze", text_part, graph.constant([1])))
        self._tokens("entity_sentiment", hidden, head.output)

    def mean(self, layer: int) -> str:
        """Mean of a layer's states over the tokens: [batch, width]."""
        if layer not in self._means:
            self._means[layer] = add_mean(self._graph, self._states[layer], self._mask)
        return self._means[layer]

    def _max(self, layer: int) -> str:
        if layer not in self._maxima:
            shown = self._graph.op("Add", self._states[layer], self._padding)
            self._maxima[layer] = self._graph.op("ReduceMax", shown, self._graph.constant([1]), keepdims=0)
        return self._maxima[layer]

    def _pool(self, pooled: Pooled) -> str:
        values = [*(self.mean(layer) for layer in pooled.mean), *(self._max(layer) for layer in pooled.max)]
        return self._graph.op("Concat", *values, axis=-1)

    def _cases(self) -> list[str]:
        """Case of each token and its neighbours, each [batch, length, 5], zeros beyond the ends."""
        graph = self._graph
        cases = graph.op("Gather", graph.constant(CASE_TABLE, "cases"), self._case_ids, name=f"{HEAD_PREFIX}cases")
        padded = graph.op("Pad", cases, graph.constant([0, CASE_WINDOW, 0, 0, CASE_WINDOW, 0]))
        one = graph.constant([1])
        length = graph.op("Slice", graph.op("Shape", self._case_ids), one, graph.constant([2]))
        shifts = []
        for shift in range(2 * CASE_WINDOW + 1):
            start = graph.constant([shift])
            shifts.append(graph.op("Slice", padded, start, graph.op("Add", length, start), one))
        return shifts

    def _tokens(self, name: str, hidden: str, output: Linear) -> None:
        logits = self._linear(self._graph.op("Relu", hidden), output, name)
        self._graph.output(logits, f"{name}_logits", ["batch", "length", output.bias.size])

    def _linear(self, value: str, map_: Linear, name: str) -> str:
        return self._graph.linear(value, map_.weight, map_.bias, f"{HEAD_PREFIX}{name}")
