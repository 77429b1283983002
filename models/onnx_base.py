"""A BERT encoder out of an ONNX file, as the folder of base weights that ``model.base`` names.

Where no model hub can be reached, an ONNX export is often what a package registry has. torch's exporter keeps the names
of embeddings, norms and biases, and calls the weight of a linear layer something like ``onnx::MatMul_541``: that one is
found by the bias that is added to its product. What was read is run beside the file itself, and refused where
the two differ.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.numpy import save

from models.base_files import CONFIG, TOKENIZER, WEIGHTS, WeightsError
from models.bert import add_trunk, load_trunk
from models.graph import Graph
from models.sessions import open_session
from models.tokens import TextTokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Weights = dict[str, NDArray[np.float32]]

# Of one head in every BERT that Devlin et al. published, and in what was made of them.
_HEAD_WIDTH = 64
_LAYER_NORM_EPSILON = 1e-12
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.output\.dense\.weight")
_MOST_TOKENS = 128
# Of a state, whose values are about one: sums in another order, and GELU by another formula.
_ALLOWED = 1e-3
_TEXTS = (
    "One short text.",
    "A longer text, so that the shorter one is padded: 40 trains were late on Tuesday, said the company.",
    "\u5217\u8f66\u665a\u70b9\uff0c\u4e58\u5ba2\u4e0d\u6ee1\u3002",
)


def from_onnx(model: Path, tokenizer: Path, out: Path, *, heads: int | None = None) -> float:
    """Write ``model.safetensors``, ``config.json`` and ``tokenizer.json`` into a folder.

    Args:
        model: A BERT as torch exports it, in fp32, whose output is the last layer's states.
        tokenizer: Its ``tokenizer.json``.
        out: The folder; nothing is left in it where the file is refused.
        heads: Attention heads of a layer; one for each 64 of the width if not given.

    Returns:
        The largest difference of any state from what the ONNX file itself computes.

    Raises:
        WeightsError: The file is no such BERT, or what was read of it computes something else.
    """
    weights = _read(model)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        made = Path(temporary)
        # Not save_file, which lets nobody but the owner read it.
        (made / WEIGHTS).write_bytes(save({name: np.ascontiguousarray(weight) for name, weight in weights.items()}))
        (made / CONFIG).write_text(json.dumps(_config(weights, heads, model), indent=2) + "\n", encoding="utf-8")
        try:
            (made / TOKENIZER).write_bytes(tokenizer.read_bytes())
            difference = _difference(model, made)
        except WeightsError:
            raise
        except Exception as error:  # the libraries' own, which say no file
            raise WeightsError(f"{model} with {tokenizer} cannot be run: {error}") from error
        if not difference < _ALLOWED:
            raise WeightsError(
                f"{model}: what was read of it differs from what it computes by {difference:.2g} ({_ALLOWED:g} "
                "is allowed): it is no plain BERT in fp32, or has another number of heads (--heads)"
            )
        out.mkdir(exist_ok=True)
        for file in made.iterdir():
            file.replace(out / file.name)
    return difference


def _read(path: Path) -> Weights:
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # protobuf's own kinds
        raise WeightsError(f"{path} cannot be read as ONNX: {error}") from error
    named = {tensor.name: tensor for tensor in graph.initializer}
    weights = {
        name.removeprefix("bert."): numpy_helper.to_array(tensor)
        for name, tensor in named.items()
        if tensor.data_type == onnx.TensorProto.FLOAT and "::" not in name
    }
    factors = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        bias = next((name for name in node.input if name in named and name.endswith(".bias")), None)
        factor = next((factors[name] for name in node.input if name in factors), None)
        if node.op_type == "Add" and bias is not None and factor in named:
            # A checkpoint keeps a linear layer's weight as [outputs, inputs].
            module = bias.removeprefix("bert.").removesuffix(".bias")
            weights[f"{module}.weight"] = numpy_helper.to_array(named[factor]).T
    if not any(_LAYER.fullmatch(name) for name in weights):
        raise WeightsError(
            f"{path} holds no linear layers in fp32 under BERT's names: it is quantised, optimised, or no BERT. Take "
            "the plain export (model.onnx)"
        )
    return weights


def _config(weights: Mapping[str, Any], heads: int | None, path: Path) -> dict[str, object]:
    layers = 1 + max(int(found.group(1)) for name in weights if (found := _LAYER.fullmatch(name)))
    try:
        vocabulary, width = weights["embeddings.word_embeddings.weight"].shape
        return {
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads or width // _HEAD_WIDTH,
            "intermediate_size": weights["encoder.layer.0.intermediate.dense.weight"].shape[0],
            "max_position_embeddings": weights["embeddings.position_embeddings.weight"].shape[0],
            "type_vocab_size": weights["embeddings.token_type_embeddings.weight"].shape[0],
            "vocab_size": vocabulary,
            "layer_norm_eps": _LAYER_NORM_EPSILON,
        }
    except KeyError as error:
        raise WeightsError(f"{path} is no BERT encoder: it lacks the weight {error}") from error


def _difference(model: Path, folder: Path) -> float:
    """Of any state of the last layer, over texts of different lengths."""
    trunk = load_trunk(folder)
    if trunk.width % trunk.heads:
        raise WeightsError(f"{model}: {trunk.heads} heads do not part a width of {trunk.width} (--heads)")
    tokenizer = TextTokenizer(folder / TOKENIZER, min(_MOST_TOKENS, trunk.max_tokens))
    tokens = tokenizer.pad(tokenizer.encode(_TEXTS))
    given = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
    graph = Graph()
    states = add_trunk(graph, trunk, *(graph.input(name, ["batch", "length"]) for name in given))
    graph.output(states[-1], "states", ["batch", "length", trunk.width])
    (ours,) = open_session(graph.model().SerializeToString()).run(None, given)
    theirs_session = open_session(model)
    asked = {one.name for one in theirs_session.get_inputs()}
    types = {"token_type_ids": np.zeros_like(tokens.input_ids)} if "token_type_ids" in asked else {}
    theirs = theirs_session.run(None, {**given, **types})[0]
    return float(np.abs((ours - theirs)[tokens.attention_mask.astype(bool)]).max())
