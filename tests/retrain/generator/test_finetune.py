"""Fine-tuning of the toy: it learns, it is repeatable, and what is served is what was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch

from models.generator.config import GenerationOptions, GeneratorConfig
from models.generator.decoding import Decoder
from models.generator.graph import generator_model
from models.generator.llama import EMBEDDING
from models.generator.runtime import open_session
from models.generator.session import Rows
from retrain.arguments import FinetuneError
from retrain.generator.finetune import finetune
from retrain.generator.lessons import Lesson
from retrain.generator.network import answer_loss, network
from retrain.generator.options import TuningOptions

if TYPE_CHECKING:
    from pathlib import Path

    from models.generator.chat import Chat
    from models.generator.weights import Base
    from retrain.generator.finetune import TunedGenerator

pytestmark = pytest.mark.train

QUICK = TuningOptions(epochs=3, patience=3, batch=2, learning_rate=1e-2, rank=4, blocks=1)


def silent(stage: str, done: int, total: int) -> None:
    """Nobody wants to know."""


def lessons_of(chat: Chat, *texts: str) -> list[Lesson]:
    prompts = [chat.prompt("Answer.", f"where is my {text}") for text in texts]
    return [
        Lesson([*prompt, *chat.answer(f"Look at {text}.")], len(prompt))
        for prompt, text in zip(prompts, texts, strict=True)
    ]


def tuned(base: Base, chat: Chat, options: TuningOptions = QUICK) -> TunedGenerator:
    learnt = lessons_of(chat, "parcel", "invoice", "card", "order")
    return finetune(base, chat.end, learnt, lessons_of(chat, "voucher"), options, silent)


@pytest.fixture(scope="module", params=["lora", "full"])
def options(request: pytest.FixtureRequest) -> TuningOptions:
    rate = 1e-2 if request.param == "lora" else 1e-3
    return TuningOptions(method=request.param, epochs=3, patience=3, batch=2, learning_rate=rate, rank=4, blocks=1)


def test_what_is_learnt_makes_an_unseen_answer_likelier(toy_base: Base, chat: Chat, options: TuningOptions) -> None:
    made = tuned(toy_base, chat, options)
    assert [epoch.number for epoch in made.history] == [0, 1, 2, 3]
    assert made.history[-1].validation_loss < 0.9 * made.history[0].validation_loss


def test_the_merged_weights_have_the_loss_of_the_best_epoch(toy_base: Base, chat: Chat, options: TuningOptions) -> None:
    made = tuned(toy_base, chat, options)
    (lesson,) = lessons_of(chat, "voucher")
    with torch.no_grad():
        loss = float(answer_loss(network(made.base.llama, chat.end), lesson)) / (len(lesson.ids) - lesson.prompt)
    assert loss == pytest.approx(min(epoch.validation_loss for epoch in made.history), abs=1e-4)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(toy_base: Base, chat: Chat) -> None:
    one, same = tuned(toy_base, chat), tuned(toy_base, chat)
    other = tuned(toy_base, chat, TuningOptions(epochs=3, patience=3, batch=2, learning_rate=1e-2, rank=4, seed=14))
    name = "model.layers.1.mlp.up_proj.weight"
    assert np.array_equal(one.base.llama.weights[name], same.base.llama.weights[name])
    assert not np.array_equal(one.base.llama.weights[name], other.base.llama.weights[name])


def test_lora_leaves_the_lower_blocks_and_the_words_alone(toy_base: Base, chat: Chat) -> None:
    made = tuned(toy_base, chat)
    for name in (EMBEDDING, "model.layers.0.mlp.up_proj.weight"):
        assert np.array_equal(made.base.llama.weights[name], toy_base.llama.weights[name])


def test_training_that_only_does_harm_hands_the_base_back(toy_base: Base, chat: Chat) -> None:
    learnt, validation = lessons_of(chat, "parcel"), lessons_of(chat, "voucher")
    # What ends in the text that is validated on is made less likely by another text.
    harm = [Lesson([*learnt[0].ids[: learnt[0].prompt], 5, 5, 5, 5, chat.end], learnt[0].prompt)]
    options = TuningOptions(epochs=4, patience=1, batch=1, learning_rate=0.3, rank=4)
    made = finetune(toy_base, chat.end, harm, validation, options, silent)
    assert made.history[1].validation_loss > made.history[0].validation_loss
    assert len(made.history) == 2
    for name, weight in toy_base.llama.weights.items():
        np.testing.assert_allclose(made.base.llama.weights[name], weight, atol=1e-6)


def test_the_prompt_is_not_learnt(toy_base: Base, chat: Chat) -> None:
    (lesson,) = lessons_of(chat, "parcel")
    model = network(toy_base.llama, chat.end)
    whole = model(input_ids=torch.tensor([lesson.ids])).logits[0, lesson.prompt - 1 : -1]
    expected = torch.nn.functional.cross_entropy(whole, torch.tensor(lesson.ids[lesson.prompt :]), reduction="sum")
    assert float(answer_loss(model, lesson).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_what_is_served_writes_what_the_tuned_network_writes(toy_base: Base, chat: Chat, tmp_path: Path) -> None:
    made = tuned(toy_base, chat)
    onnx.save(generator_model(made.base.llama, "fp32", 256), tmp_path / "model.onnx")
    sizes = made.base.llama.sizes
    config = GeneratorConfig(
        layers=sizes.num_hidden_layers,
        key_value_heads=sizes.num_key_value_heads,
        head_dim=sizes.head_dim,
        vocab_size=sizes.vocab_size,
        context=256,
        form="chatml",
    )
    prompts = [lesson.ids[: lesson.prompt] for lesson in lessons_of(chat, "parcel", "voucher", "a card of mine")]
    options = GenerationOptions(max_new_tokens=24, repetition_penalty=1.0)
    decoder = Decoder(Rows(open_session(tmp_path / "model.onnx", 1), config, 3), 3, chat.stops, options)
    written = [one.tokens for one in decoder.run(prompts)]
    model = network(made.base.llama, chat.end)
    assert written == [greedy(model, prompt, chat) for prompt in prompts]
    assert any(written)


def greedy(model: torch.nn.Module, prompt: list[int], chat: Chat) -> list[int]:
    ids = list(prompt)
    with torch.no_grad():
        while len(ids) < len(prompt) + 24:
            token = int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
            if token in chat.stops:
                break
            ids.append(token)
    return ids[len(prompt) :]


def test_nothing_to_learn_is_told_with_what_to_do(toy_base: Base, chat: Chat) -> None:
    with pytest.raises(FinetuneError, match="tocsin answers import"):
        finetune(toy_base, chat.end, [], lessons_of(chat, "card"), QUICK, silent)
