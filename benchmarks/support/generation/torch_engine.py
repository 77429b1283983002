"""The same weights in torch, as transformers serves them: a batch padded on the left, the cache of its own kind."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import AutoModelForCausalLM

from benchmarks.support.generation.task import Task, Timing, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def main() -> None:
    """Measure a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--task", type=Path, required=True)
    given = parser.parse_args()
    task = Task.read(given.task)
    torch.set_num_threads(task.threads)
    model = AutoModelForCausalLM.from_pretrained(given.files, dtype=torch.float32).eval()  # type: ignore[no-untyped-call]

    @torch.inference_mode()
    def write(prompts: Sequence[Sequence[int]]) -> Timing:
        began = time.perf_counter()
        longest = max(map(len, prompts))
        ids = torch.tensor([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        out = model(ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        ids = out.logits[:, -1].argmax(dim=-1, keepdim=True)
        read = time.perf_counter()
        positions = positions[:, -1:]
        for _ in range(task.tokens - 1):
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
            positions = positions + 1
            out = model(
                ids, attention_mask=mask, position_ids=positions, past_key_values=out.past_key_values, use_cache=True
            )
            ids = out.logits[:, -1].argmax(dim=-1, keepdim=True)
        return Timing(read - began, time.perf_counter() - read)

    @torch.inference_mode()
    def lead(prompt: Sequence[int], text: Sequence[int]) -> NDArray[np.float32]:
        ids = torch.tensor([[*prompt, *text[:-1]]])
        logits: NDArray[np.float32] = model(ids, logits_to_keep=len(text)).logits[0].numpy()
        return logits

    measure(task, write, lead)


if __name__ == "__main__":
    main()
