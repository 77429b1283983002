"""What torch writes to prompts, each alone, likeliest token by likeliest token: what others are compared with."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from benchmarks.support.rooms import tell


def main() -> None:
    """Write to every prompt of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--stops", type=int, nargs="+", required=True)
    given = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(given.files, dtype=torch.float32).eval()  # type: ignore[no-untyped-call]
    written = []
    with torch.inference_mode():
        for prompt in json.loads(given.prompts.read_text(encoding="utf-8")):
            ids = torch.tensor([prompt])
            out = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                repetition_penalty=1.0,
                max_new_tokens=given.tokens,
                eos_token_id=given.stops,
                pad_token_id=given.stops[0],
            )
            text = out[0, len(prompt) :].tolist()
            written.append(text[:-1] if text[-1] in given.stops else text)
    tell(written)


if __name__ == "__main__":
    main()
