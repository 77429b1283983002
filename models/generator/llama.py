"""Llama-like causal language models as numpy arrays: their sizes, and their weights by Hugging Face's names.

The architecture is that of Touvron et al., "LLaMA: Open and Efficient Foundation Language Models" (2023): blocks of
grouped-query attention with rotary positions and a gated feed-forward network (SwiGLU), each after an RMS norm. With
biases of query, key and value it is Qwen2's as well.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.base_files import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]

_KINDS = ("llama", "mistral", "qwen2")
_DEFAULT_THETA = 10_000.0
_SCALINGS = ("default", "linear", "llama3")

EMBEDDING = "model.embed_tokens.weight"
HEAD = "lm_head.weight"
FINAL_NORM = "model.norm.weight"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The shape of a model, in the words of Hugging Face's ``config.json``."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float = _DEFAULT_THETA
    rope_scaling: Mapping[str, Any] = field(default_factory=dict)
    """Empty where positions are as they were learnt."""
    qkv_bias: bool = False
    """Whether query, key and value have biases, as in Qwen2."""
    tie_word_embeddings: bool = False

    def config(self, *, eos: int, bos: int | None = None) -> dict[str, Any]:
        """Content of a ``config.json`` that transformers builds the same model from.

        Args:
            eos: Id of the token that ends a turn.
            bos: Id of the token that begins a text, where there is one.
        """
        values = asdict(self)
        scaling = values.pop("rope_scaling")
        kind, class_ = ("qwen2", "Qwen2ForCausalLM") if values.pop("qkv_bias") else ("llama", "LlamaForCausalLM")
        values |= {"model_type": kind, "architectures": [class_], "hidden_act": "silu"}
        values |= {"bos_token_id": bos, "eos_token_id": eos, "pad_token_id": eos}
        return values | ({"rope_scaling": dict(scaling)} if scaling else {})


@dataclass(frozen=True, slots=True)
class Llama:
    """A model: its sizes, and its weights by their names in a checkpoint of Hugging Face.

    A linear layer's weight is [outputs, inputs]. Where embeddings are tied there is no ``lm_head.weight``.
    """

    sizes: Sizes
    weights: Weights

    def __post_init__(self) -> None:
        """Refuse a model that lacks a weight, or has one of another shape.

        Raises:
            WeightsError: With the name of the first such weight.
        """
        for name, shape in weight_shapes(self.sizes).items():
            found = self.weights.get(name)
            if found is None:
                raise WeightsError(f"the language model lacks the weight {name}")
            if found.shape != shape:
                raise WeightsError(f"the language model's weight {name} is {found.shape}, where {shape} is needed")

    @property
    def head(self) -> NDArray[np.float32]:
        """The map to logits, float32 [vocabulary, width]."""
        return self.weights[EMBEDDING if self.sizes.tie_word_embeddings else HEAD]


def weight_shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Every weight of a model with its shape."""
    width, inner = sizes.hidden_size, sizes.intermediate_size
    queries, keys = sizes.num_attention_heads * sizes.head_dim, sizes.num_key_value_heads * sizes.head_dim
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (sizes.vocab_size, width), FINAL_NORM: (width,)}
    if not sizes.tie_word_embeddings:
        shapes[HEAD] = (sizes.vocab_size, width)
    for layer in range(sizes.num_hidden_layers):
        prefix = f"model.layers.{layer}"
        linear = {
            "self_attn.q_proj": (queries, width),
            "self_attn.k_proj": (keys, width),
            "self_attn.v_proj": (keys, width),
            "self_attn.o_proj": (width, queries),
            "mlp.gate_proj": (inner, width),
            "mlp.up_proj": (inner, width),
            "mlp.down_proj": (width, inner),
        }
        shapes |= {f"{prefix}.{name}.weight": shape for name, shape in linear.items()}
        shapes |= {f"{prefix}.{name}.weight": (width,) for name in ("input_layernorm", "post_attention_layernorm")}
        if sizes.qkv_bias:
            shapes |= {f"{prefix}.self_attn.{part}_proj.bias": linear[f"self_attn.{part}_proj"][:1] for part in "qkv"}
    return shapes


def sizes_from_config(config: Mapping[str, Any], where: str) -> Sizes:
    """Sizes out of a ``config.json``, as transformers 4 and 5 write it.

    Args:
        config: Its content.
        where: Names the file in errors.

    Raises:
        WeightsError: It is no Llama-like model; the message names the key.
    """
    kind = config.get("model_type")
    if kind not in _KINDS:
        raise WeightsError(f"{where}: model_type is {kind!r}; a generator's base is one of {', '.join(_KINDS)}")
    if config.get("hidden_act") != "silu":
        raise WeightsError(f"{where}: hidden_act is {config.get('hidden_act')!r} where 'silu' is needed")
    window = config.get("sliding_window") if config.get("use_sliding_window", kind == "mistral") else None
    if window is not None:
        raise WeightsError(f"{where}: sliding_window is {window}: models that look back over a window are not read")
    for name in ("attention_bias", "mlp_bias"):
        if config.get(name):
            raise WeightsError(
                f"{where}: {name} is set: of biases, those of Qwen2's query, key and value alone are read"
            )
    try:
        width, heads = config["hidden_size"], config["num_attention_heads"]
        rope = _rope(config, where)
        return Sizes(
            vocab_size=config["vocab_size"],
            hidden_size=width,
            intermediate_size=config["intermediate_size"],
            num_hidden_layers=config["num_hidden_layers"],
            num_attention_heads=heads,
            num_key_value_heads=config.get("num_key_value_heads") or heads,
            head_dim=config.get("head_dim") or width // heads,
            max_position_embeddings=config["max_position_embeddings"],
            rms_norm_eps=config.get("rms_norm_eps", 1e-6),
            rope_theta=float(rope.pop("rope_theta")),
            rope_scaling=rope,
            qkv_bias=kind == "qwen2",
            tie_word_embeddings=bool(config.get("tie_word_embeddings", False)),
        )
    except KeyError as error:
        raise WeightsError(f"{where} lacks {error.args[0]}") from error


def _rope(config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """How positions are rotated: ``rope_parameters`` of transformers 5, or ``rope_theta`` and ``rope_scaling``."""
    rope = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    rope.setdefault("rope_theta", config.get("rope_theta", _DEFAULT_THETA))
    kind = rope.setdefault("rope_type", rope.pop("type", "default"))
    if kind not in _SCALINGS:
        raise WeightsError(f"{where}: positions are scaled by {kind!r}; {', '.join(_SCALINGS)} are known")
    if kind == "default":
        del rope["rope_type"]
    return rope


def rotations(sizes: Sizes, positions: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines and sines of each position's angles (Su et al., "RoFormer", 2021), float32 [positions, head / 2].

    ``llama3`` stretches the slow angles as Llama 3.1 does, and ``linear`` all of them, by ``rope_scaling``.
    """
    half = np.arange(0, sizes.head_dim, 2, dtype=np.float32) / np.float32(sizes.head_dim)
    # As transformers computes them, in float32 all through.
    frequencies = (np.float32(1.0) / np.power(np.float32(sizes.rope_theta), half, dtype=np.float32)).astype(np.float32)
    scaling = sizes.rope_scaling
    if scaling.get("rope_type") == "linear":
        frequencies = frequencies / np.float32(scaling["factor"])
    elif scaling.get("rope_type") == "llama3":
        frequencies = _stretched(frequencies, scaling)
    angles = np.arange(positions, dtype=np.float32)[:, None] * frequencies[None, :]
    return np.cos(angles, dtype=np.float32), np.sin(angles, dtype=np.float32)


def _stretched(frequencies: NDArray[np.float32], scaling: Mapping[str, Any]) -> NDArray[np.float32]:
    low, high = float(scaling["low_freq_factor"]), float(scaling["high_freq_factor"])
    learnt, factor = float(scaling["original_max_position_embeddings"]), float(scaling["factor"])
    lengths = 2 * math.pi / frequencies.astype(np.float64)
    share = np.clip((learnt / lengths - low) / (high - low), 0.0, 1.0)
    stretched: NDArray[np.float32] = (frequencies * ((1 - share) / factor + share)).astype(np.float32)
    return stretched
