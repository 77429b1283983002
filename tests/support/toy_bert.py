"""A BERT with random weights, as small as can be, written as a checkpoint; the tokeniser is the toy model's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file
from support import toy_model

from models.base_files import CONFIG, TOKENIZER, WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LONGEST = 64
WIDTH, LAYERS, HEADS, WORDS = 8, 2, 2, len(toy_model.vocabulary())
CONFIG_VALUES: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": 3 * WIDTH,
    "max_position_embeddings": LONGEST,
    "layer_norm_eps": 1e-12,
    "type_vocab_size": 2,
    "vocab_size": WORDS,
}


def random_weights() -> dict[str, NDArray[np.float32]]:
    """Of a tiny BERT, by the checkpoint's names."""
    sizes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (WORDS, WIDTH),
        "embeddings.position_embeddings.weight": (LONGEST, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    linear = {"intermediate.dense": (3 * WIDTH, WIDTH), "output.dense": (WIDTH, 3 * WIDTH)}
    linear |= {f"attention.{part}": (WIDTH, WIDTH) for part in ("self.query", "self.key", "self.value", "output.dense")}
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        norms += [f"{prefix}.attention.output.LayerNorm", f"{prefix}.output.LayerNorm"]
        for name, (outputs, inputs) in linear.items():
            sizes |= {f"{prefix}.{name}.weight": (outputs, inputs), f"{prefix}.{name}.bias": (outputs,)}
    for name in norms:
        sizes |= {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}
    random = np.random.default_rng(1)
    return {name: random.normal(size=size).astype(np.float32) for name, size in sizes.items()}


def write(folder: Path, *, prefix: str = "", **changed: object) -> Path:
    """Write the checkpoint to a folder.

    Args:
        folder: Where to.
        prefix: Put before each weight's name.
        changed: Keys of ``config.json`` that are to be otherwise.
    """
    (folder / CONFIG).write_text(json.dumps(CONFIG_VALUES | changed))
    save_file({f"{prefix}{name}": value for name, value in random_weights().items()}, folder / WEIGHTS)
    toy_model.tokenizer().save(str(folder / TOKENIZER))
    return folder
