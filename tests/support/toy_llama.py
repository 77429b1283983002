"""A Llama with random weights, as small as can be, written as a checkpoint: safetensors, or GGUF.

Its vocabulary is the bytes, a few merges and ChatML's control tokens.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, quantize
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from models.base_files import CONFIG, TOKENIZER, WEIGHTS
from models.generator.llama import FINAL_NORM, Llama, Sizes, weight_shapes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
END = 2
MERGES = (("t", "h"), ("th", "e"), ("Ġ", "the"), ("e", "r"), ("i", "n"), ("in", "g"), ("Ġ", "Ġ"))
_SMALL = 0.05
_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def vocabulary() -> dict[str, int]:
    """Control tokens, every byte, and what the merges make."""
    tokens = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet()), *(left + right for left, right in MERGES)]
    return {token: number for number, token in enumerate(tokens)}


def tokenizer() -> Tokenizer:
    """Byte-level BPE, each digit a piece of its own."""
    made = Tokenizer(models.BPE(vocab=vocabulary(), merges=list(MERGES)))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(SPECIAL))
    return made


def sizes(**changed: Any) -> Sizes:  # noqa: ANN401  of several types
    """Sizes of the toy, some of them otherwise."""
    usual: dict[str, Any] = {
        "vocab_size": len(vocabulary()),
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
    }
    return Sizes(**usual | changed)


def random_weights(of: Sizes) -> dict[str, NDArray[np.float32]]:
    """Random weights. Embeddings are small beside what the layers add, or each token would be followed by itself."""
    lots = np.random.default_rng(3)
    made = {}
    for name, shape in weight_shapes(of).items():
        values = lots.normal(size=shape) * (1.0 if len(shape) > 1 else 0.2) + (name.endswith("norm.weight"))
        scale = 1.0 if len(shape) == 1 else _SMALL if "embed" in name else shape[-1] ** -0.5
        made[name] = (values * scale).astype(np.float32)
    made[FINAL_NORM] = made[FINAL_NORM] / np.float32(_SMALL)
    return made


def llama(**changed: Any) -> Llama:  # noqa: ANN401  of several types
    """The toy."""
    of = sizes(**changed)
    return Llama(of, random_weights(of))


def write(folder: Path, model: Llama, **config: object) -> Path:
    """Write a model as a folder of safetensors; keys of ``config.json`` may be otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(model.sizes.config(eos=END) | config))
    save_file(dict(model.weights), folder / WEIGHTS)
    tokenizer().save(str(folder / TOKENIZER))
    return folder


def write_gguf(path: Path, model: Llama, kind: GGMLQuantizationType = GGMLQuantizationType.F32, **changed: Any) -> Path:  # noqa: ANN401
    """Write a model as llama.cpp's converter does; matrices in a type of its own.

    Args:
        path: The file.
        model: The model.
        kind: Of the matrices.
        changed: ``pre`` is the way to split text, ``kind_of_tokenizer`` its kind.
    """
    of = model.sizes
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(of.max_position_embeddings)
    writer.add_embedding_length(of.hidden_size)
    writer.add_block_count(of.num_hidden_layers)
    writer.add_feed_forward_length(of.intermediate_size)
    writer.add_head_count(of.num_attention_heads)
    writer.add_head_count_kv(of.num_key_value_heads)
    writer.add_key_length(of.head_dim)
    writer.add_layer_norm_rms_eps(of.rms_norm_eps)
    writer.add_rope_freq_base(of.rope_theta)
    known = vocabulary()
    writer.add_tokenizer_model(changed.get("kind_of_tokenizer", "gpt2"))
    writer.add_tokenizer_pre(changed.get("pre", "smollm"))
    writer.add_token_list(list(known))
    writer.add_token_types([3 if token in SPECIAL else 1 for token in known])
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    for name, value in model.weights.items():
        heads = {"q_proj": of.num_attention_heads, "k_proj": of.num_key_value_heads}.get(name.split(".")[-2])
        stored = value if heads is None or value.ndim == 1 else _permuted(value, heads)
        data = quantize(stored, kind) if stored.ndim > 1 else stored
        writer.add_tensor(_gguf_name(name), data, raw_dtype=kind if stored.ndim > 1 else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _gguf_name(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    layer, _, rest = name.removeprefix("model.layers.").partition(".")
    module, _, kind = rest.rpartition(".")
    return f"blk.{layer}.{_NAMES[module]}.{kind}"


def _permuted(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """As llama.cpp's ``convert_hf_to_gguf.py`` does it."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)
