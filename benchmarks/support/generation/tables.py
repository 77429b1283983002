"""The figures of the generation benchmark as tables of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.support.report import table

if TYPE_CHECKING:
    from collections.abc import Mapping

_TITLES = {
    "torch_fp32": "torch, fp32",
    "tocsin_fp32": "Tocsin, fp32",
    "tocsin_int8": "**Tocsin, int8**",
    "tocsin_int4": "Tocsin, int4",
    "llama_cpp_q8_0": "llama.cpp, Q8_0",
    "llama_cpp_q4_1": "llama.cpp, Q4_1",
}
_MIB = 1 << 20


def tables(figures: Mapping[str, Any]) -> str:
    """Every table."""
    batches = list(figures["tokens_per_second"]["torch_fp32"])
    head = [
        f"{figures['new_tokens']} tokens to {figures['prompt_tokens_mean']:.0f}, {figures['threads']} threads",
        *(f"tokens/s, {batch} at once" for batch in batches),
        *(f"replies/s, {batch} at once" for batch in batches),
        "same token as torch",
        "memory",
    ]
    rows = []
    for name in figures["tokens_per_second"]:
        written, replies = figures["tokens_per_second"][name], figures["replies_per_second"][name]
        rows.append(
            [
                _TITLES[name],
                *(f"{written[batch]:.0f}" for batch in batches),
                *(f"{replies[batch]:.2f}" for batch in batches),
                f"{figures['top1_agreement'][name]:.1%}",
                f"{figures['peak_memory_bytes'][name] / _MIB:.0f} MiB",
            ]
        )
    parity = figures["parity"]
    facts = [["texts that are torch's token for token, fp32", f"{parity['equal']} of {parity['prompts']}"]]
    if figures["ratio_batched"] is None:
        facts.append(["llama.cpp", figures["llama_cpp"]])
    else:
        facts.append(["int8 / llama.cpp Q8_0, one text", f"{figures['ratio_to_llama_cpp_b1']:.2f}"])
        facts.append(["int8 at its best batch / llama.cpp Q8_0, one text", f"{figures['ratio_batched']:.2f}"])
        same = figures["ratio_at_the_same_batch"]
        facts += [[f"int8 / llama.cpp Q8_0, {batch} at once", f"{ratio:.2f}"] for batch, ratio in same.items()]
    return table(head, rows) + "\n" + table(["comparison", ""], facts)
