"""A language model out of a GGUF file, the format of llama.cpp: sizes, weights in fp32, tokenizer, chat template.

GGUF is read by the ``gguf`` package, which also turns every quantised block back into numbers. Two things differ from
a Hugging Face checkpoint. The rows of the query and key maps are permuted, since llama.cpp rotates neighbouring pairs
where transformers rotates the first half with the second; here the order is put back. And the tokenizer is a list of
tokens and merges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gguf import GGUFReader, dequantize

from models.base_files import WeightsError
from models.generator.llama import EMBEDDING, FINAL_NORM, HEAD, Llama, Sizes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_ARCHITECTURE = "llama"
_TOP = {"token_embd": EMBEDDING, "output_norm": FINAL_NORM, "output": HEAD}
_OF_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


class GgufFile:
    """An open GGUF file.

    Args:
        path: The file.

    Raises:
        WeightsError: It is no GGUF file, or one of another architecture than ``llama``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._reader = GGUFReader(path)
        except (OSError, ValueError, IndexError, KeyError) as error:
            raise WeightsError(f"{path} cannot be read as GGUF: {error}") from error
        architecture = self.value("general.architecture")
        if architecture != _ARCHITECTURE:
            raise WeightsError(f"{path} holds the architecture {architecture!r}; of GGUF, {_ARCHITECTURE!r} is read")

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401  a value of any of GGUF's types
        """Value of a key, or the default where there is none."""
        field = self._reader.get_field(key)
        return default if field is None else field.contents()

    def value(self, key: str) -> Any:  # noqa: ANN401  likewise
        """Value of a key that must be there.

        Raises:
            WeightsError: It is not.
        """
        found = self.get(key)
        if found is None:
            raise WeightsError(f"{self.path} lacks {key}")
        return found

    def llama(self) -> Llama:
        """The model in fp32.

        Raises:
            WeightsError: A weight is missing or has an unknown name, or positions are scaled.
        """
        sizes = self._sizes()
        weights: dict[str, NDArray[np.float32]] = {}
        for tensor in self._reader.tensors:
            name = self._name(tensor.name)
            value = np.asarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
            if name.endswith("q_proj.weight"):
                value = _unpermuted(value, sizes.num_attention_heads)
            elif name.endswith("k_proj.weight"):
                value = _unpermuted(value, sizes.num_key_value_heads)
            weights[name] = value
        return Llama(sizes, weights)

    def _sizes(self) -> Sizes:
        scaling = self.get("llama.rope.scaling.type", "none")
        if scaling != "none" or any(tensor.name.startswith("rope_freqs") for tensor in self._reader.tensors):
            raise WeightsError(f"{self.path} scales positions, which of GGUF is not read: take its safetensors")
        width, heads = self.value("llama.embedding_length"), self.value("llama.attention.head_count")
        return Sizes(
            vocab_size=len(self.value("tokenizer.ggml.tokens")),
            hidden_size=width,
            intermediate_size=self.value("llama.feed_forward_length"),
            num_hidden_layers=self.value("llama.block_count"),
            num_attention_heads=heads,
            num_key_value_heads=self.get("llama.attention.head_count_kv", heads),
            head_dim=self.get("llama.attention.key_length", width // heads),
            max_position_embeddings=self.value("llama.context_length"),
            # As it was before GGUF made a float32 of it.
            rms_norm_eps=float(f"{self.value('llama.attention.layer_norm_rms_epsilon'):.6g}"),
            rope_theta=float(self.get("llama.rope.freq_base", 10_000.0)),
            tie_word_embeddings=all(tensor.name != "output.weight" for tensor in self._reader.tensors),
        )

    def _name(self, name: str) -> str:
        """Hugging Face's name of a tensor."""
        module, _, kind = name.rpartition(".")
        if name.startswith("blk."):
            _, layer, part = module.split(".", 2)
            if part in _OF_LAYER:
                return f"model.layers.{layer}.{_OF_LAYER[part]}.{kind}"
        elif module in _TOP:
            return _TOP[module]
        raise WeightsError(f"{self.path} holds {name}, which no Llama has")


def _unpermuted(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of a query or key map in Hugging Face's order: of each head the first halves of all pairs, then the second.

    It undoes ``permute`` of llama.cpp's ``convert_hf_to_gguf.py``.
    """
    rows, width = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, width)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, width))
