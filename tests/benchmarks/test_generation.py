from __future__ import annotations

from typing import Any

import pytest
from support import toy_llama

from benchmarks.support.generation.prompts import prompts
from benchmarks.support.generation.summary import summarise
from benchmarks.support.generation.tables import tables
from models.generator.chat import Chat

TEXTS = [[5, 6, 7], [8]]


def told(seconds: dict[str, list[float]], chosen: list[list[int]]) -> dict[str, Any]:
    timings = {
        batch: [{"prompt_seconds": 1.0, "write_seconds": value} for value in values]
        for batch, values in seconds.items()
    }
    return {"timings": timings, "chosen": chosen, "peak_memory_bytes": 3 << 20}


@pytest.fixture
def runs() -> dict[str, list[dict[str, Any]]]:
    return {
        "torch_fp32": [told({"1": [10.0], "4": [10.0]}, TEXTS)],
        "tocsin_int8": [told({"1": [1.0], "4": [2.0]}, [[5, 6, 0], [8]]), told({"1": [1.0, 9.0], "4": [2.0]}, [])],
        "llama_cpp_q8_0": [told({"1": [2.0], "4": [1.0]}, [[0, 0, 0], [0]])],
    }


def test_rates_are_medians_of_all_rounds_and_count_no_first_token(runs: dict[str, list[dict[str, Any]]]) -> None:
    figures = summarise(runs, TEXTS, 11)
    assert figures["tokens_per_second"]["tocsin_int8"] == {"1": 10.0, "4": 20.0}
    assert figures["replies_per_second"]["tocsin_int8"] == {"1": 0.5, "4": 1.333}
    assert figures["top1_agreement"] == {"torch_fp32": 1.0, "tocsin_int8": 0.75, "llama_cpp_q8_0": 0.0}


def test_ratios_are_to_the_single_stream_of_llama_cpp(runs: dict[str, list[dict[str, Any]]]) -> None:
    figures = summarise(runs, TEXTS, 11)
    assert figures["ratio_to_llama_cpp_b1"] == 2.0
    assert figures["ratio_batched"] == 4.0
    assert figures["ratio_at_the_same_batch"] == {"1": 2.0, "4": 0.5}


def test_without_llama_cpp_there_are_no_ratios_and_the_page_says_why(runs: dict[str, list[dict[str, Any]]]) -> None:
    del runs["llama_cpp_q8_0"]
    figures = summarise(runs, TEXTS, 11)
    assert (figures["ratio_to_llama_cpp_b1"], figures["ratio_batched"]) == (None, None)
    facts = {"new_tokens": 11, "prompt_tokens_mean": 200.0, "threads": 2, "llama_cpp": "not there"}
    page = tables({**figures, **facts, "parity": {"equal": 50, "prompts": 50}})
    assert "| llama.cpp | not there |" in page
    assert "50 of 50" in page


def test_no_two_prompts_are_alike() -> None:
    made = prompts(Chat(toy_llama.tokenizer(), "chatml"), 50)
    assert len({tuple(prompt) for prompt in made}) == 50
