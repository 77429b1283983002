from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support import toy_llama

from models.generator.chat import form_of
from models.generator.config import GenerationOptions, GeneratorConfig
from models.generator.decoding import Decoder
from models.generator.graph import generator_model
from models.generator.runtime import open_session
from models.generator.session import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.generator.llama import Llama
    from models.manifest import Precision

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
KINDS: dict[str, dict[str, Any]] = {
    "tied": {},
    "with a head of its own": {"tie_word_embeddings": False},
    "with Qwen2's biases": {"qkv_bias": True},
    "with one key for all heads": {"num_key_value_heads": 1},
    "with a wider head than its share": {"head_dim": 32},
    "with stretched positions": {"rope_scaling": LLAMA3},
    "with linear positions": {"rope_scaling": {"rope_type": "linear", "factor": 2.0}},
}
TOKENS = 24


def rows_of(model: Llama, folder: Path, precision: Precision = "fp32", most: int = 4) -> Rows:
    path = folder / f"{precision}.onnx"
    path.write_bytes(generator_model(model, precision, 256).SerializeToString())
    of = model.sizes
    form = form_of(toy_llama.tokenizer())
    assert form is not None
    config = GeneratorConfig(
        layers=of.num_hidden_layers,
        key_value_heads=of.num_key_value_heads,
        head_dim=of.head_dim,
        vocab_size=of.vocab_size,
        context=256,
        form=form,
    )
    return Rows(open_session(path, 1), config, most)


def prompts(*lengths: int) -> list[list[int]]:
    lots = np.random.default_rng(5)
    return [lots.integers(3, len(toy_llama.vocabulary()), length).tolist() for length in lengths]


def greedy(rows: Rows, asked: Sequence[Sequence[int]], batch: int) -> list[list[int]]:
    options = GenerationOptions(max_new_tokens=TOKENS, repetition_penalty=1.0)
    return [one.tokens for one in Decoder(rows, batch, (), options).run(asked)]


def torch_model(model: Llama, folder: Path) -> Any:  # noqa: ANN401  torch is not there for all
    transformers = pytest.importorskip("transformers")
    # As many layers and norms as the folder says, with the weights of it.
    return transformers.AutoModelForCausalLM.from_pretrained(toy_llama.write(folder / "base", model)).eval()


def torch_greedy(reference: Any, prompt: Sequence[int]) -> list[int]:  # noqa: ANN401  likewise
    torch = pytest.importorskip("torch")
    ids = torch.tensor([list(prompt)])
    with torch.inference_mode():
        for _ in range(TOKENS):
            ids = torch.cat([ids, reference(ids).logits[:, -1:].argmax(dim=-1)], dim=1)
    written: list[int] = ids[0, len(prompt) :].tolist()
    return written


@pytest.mark.train
@pytest.mark.parametrize("kind", KINDS)
def test_greedy_texts_are_those_of_transformers_alone_and_together(kind: str, tmp_path: Path) -> None:
    model = toy_llama.llama(**KINDS[kind])
    rows, reference = rows_of(model, tmp_path), torch_model(model, tmp_path)
    asked = prompts(1, 40, 7, 19)
    expected = [torch_greedy(reference, prompt) for prompt in asked]
    # Texts that all are alike would show nothing.
    assert len({token for text in expected for token in text}) > 10
    assert greedy(rows, asked, 1) == expected
    assert greedy(rows, asked, 4) == expected


@pytest.mark.train
def test_logits_are_those_of_transformers(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model = toy_llama.llama()
    rows, reference = rows_of(model, tmp_path), torch_model(model, tmp_path)
    (prompt,) = prompts(33)
    rows.reserve(64)
    with torch.inference_mode():
        expected = reference(torch.tensor([prompt])).logits[0].numpy()
    assert np.abs(rows.read(0, prompt)[0] - expected[-1]).max() < 1e-4
    rows.read(0, prompt[:20])
    for place in range(20, 33):
        assert np.abs(rows.step([prompt[place]])[0] - expected[place]).max() < 1e-4


@pytest.mark.parametrize(("precision", "error"), [("int8", 0.03), ("int4", 0.5)])
def test_quantised_logits_are_near_those_of_fp32(precision: Precision, error: float, tmp_path: Path) -> None:
    model = toy_llama.llama()
    (prompt,) = prompts(30)
    logits = {}
    for kind in ("fp32", precision):
        rows = rows_of(model, tmp_path, kind)
        rows.reserve(64)
        logits[kind] = rows.read(0, prompt)[0].copy()
    difference = logits[precision] - logits["fp32"]
    assert 0 < np.sqrt((difference**2).mean()) / logits["fp32"].std() < error


@pytest.mark.parametrize("width", [64, 96, 80])
def test_a_width_that_fills_no_block_is_quantised_all_the_same(width: int, tmp_path: Path) -> None:
    model = toy_llama.llama(hidden_size=width, intermediate_size=72, tie_word_embeddings=width != 80)
    (prompt,) = prompts(12)
    exact, rough = (rows_of(model, tmp_path, precision) for precision in ("fp32", "int8"))
    exact.reserve(32)
    rough.reserve(32)
    wanted = exact.read(0, prompt)[0]
    assert np.abs(rough.read(0, prompt)[0] - wanted).max() < 0.2 * wanted.std()


def test_the_same_model_makes_the_same_graph() -> None:
    first, second = (generator_model(toy_llama.llama(), "int8", 64).SerializeToString() for _ in range(2))
    assert first == second
