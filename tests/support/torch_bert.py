"""BERT in torch's own layers, under the checkpoint's names, and as torch's exporter writes it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from models.base_files import WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path


class _Layers(nn.Module):
    """Modules by the names of a checkpoint, a part a dot."""

    def part(self, name: str, module: nn.Module) -> None:
        first, _, rest = name.partition(".")
        if not rest:
            self.add_module(first, module)
            return
        if first not in self._modules:
            self.add_module(first, _Layers())
        inner = self._modules[first]
        assert isinstance(inner, _Layers)
        inner.part(rest, module)


class TorchBert(_Layers):
    """An encoder of the given sizes, with the weights of a checkpoint."""

    def __init__(self, folder: Path, *, heads: int, layers: int) -> None:
        super().__init__()
        self.heads, self.layers = heads, layers
        loaded = load_file(folder / WEIGHTS)
        for name, weight in loaded.items():
            if not name.endswith(".weight"):
                continue
            module: nn.Module
            if "LayerNorm" in name:
                module = nn.LayerNorm(weight.shape[0], eps=1e-12)
            elif "embeddings" in name:
                module = nn.Embedding(*weight.shape)
            else:
                module = nn.Linear(weight.shape[1], weight.shape[0])
            self.part(name.removesuffix(".weight"), module)
        self.load_state_dict(loaded)
        self.eval()

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """States of the last layer."""
        call = self.get_submodule
        places = torch.arange(ids.shape[1])
        states: Tensor = call("embeddings.word_embeddings")(ids) + call("embeddings.token_type_embeddings")(types)
        states = call("embeddings.LayerNorm")(states + call("embeddings.position_embeddings")(places))
        hidden = (1.0 - mask[:, None, None, :].to(states.dtype)) * -10_000.0
        for number in range(self.layers):
            at = f"encoder.layer.{number}"
            query, key, value = (
                call(f"{at}.attention.self.{name}")(states).unflatten(-1, (self.heads, -1)).transpose(1, 2)
                for name in ("query", "key", "value")
            )
            scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + hidden
            context = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
            states = call(f"{at}.attention.output.LayerNorm")(call(f"{at}.attention.output.dense")(context) + states)
            inner = nn.functional.gelu(call(f"{at}.intermediate.dense")(states))
            states = call(f"{at}.output.LayerNorm")(call(f"{at}.output.dense")(inner) + states)
        return states


def export(model: TorchBert, path: Path) -> None:
    """Write it as most of the exports that one finds were written: traced, in fp32."""
    names = ["input_ids", "attention_mask", "token_type_ids"]
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that is traced is an old one
        torch.onnx.export(
            model,
            tuple(torch.ones(2, 5, dtype=torch.int64) for _ in names),
            path,
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in [*names, "last_hidden_state"]},
            dynamo=False,
        )
