"""The network that is trained against the graph that is served."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.toy_bert import LAYERS, WIDTH, write
from support.toy_model import LABELS

from models.base_files import TOKENIZER
from models.bert import load_trunk
from models.encoder_graph import encoder_model
from models.heads import Heads, Linear, Mlp, plan_for
from models.sessions import open_session
from models.tokens import TextTokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.bert import Trunk

torch = pytest.importorskip("torch")
network_module = pytest.importorskip("retrain.network")

pytestmark = pytest.mark.train

TEXTS = ["acme profit wins why", "BETA loses", "a", "Paris shares broken 1234567890 and so on"]


def random_heads(seed: int = 3) -> Heads:
    plan = plan_for(LAYERS)
    random = np.random.default_rng(seed)

    def linear(inputs: int, outputs: int) -> Linear:
        weight = random.normal(size=(inputs, outputs)).astype(np.float32)
        return Linear(weight, random.normal(size=outputs).astype(np.float32))

    def pooled(part: str) -> int:
        layers = getattr(plan, part)
        return WIDTH * (len(layers.mean) + len(layers.max))

    entity = WIDTH * len(plan.entity) + 25
    towards = WIDTH * len(plan.towards) + pooled("towards_context")
    return Heads(
        plan=plan,
        topic=linear(pooled("topic"), len(LABELS.topics)),
        sentiment=linear(pooled("sentiment"), 3),
        intent=linear(pooled("intent"), len(LABELS.intents)),
        entity=Mlp(linear(entity, 6), linear(6, len(LABELS.entity_tags))),
        towards=Mlp(linear(towards, 5), linear(5, 3)),
    )


def answers(trunk: Trunk, heads: Heads, tokenizer: TextTokenizer) -> dict[str, NDArray[np.float32]]:
    session = open_session(encoder_model(trunk, heads).SerializeToString())
    names = [output.name for output in session.get_outputs()]
    tokens = tokenizer.pad(tokenizer.encode(TEXTS))
    return dict(zip(names, session.run(names, tokens._asdict()), strict=True))


@pytest.mark.parametrize("intents", [True, False])
def test_answers_as_the_served_graph_does(tmp_path: Path, *, intents: bool) -> None:
    trunk, heads = load_trunk(write(tmp_path)), random_heads()
    if not intents:
        heads = replace(heads, intent=None)
    tokenizer = TextTokenizer(tmp_path / TOKENIZER, 24)
    served = answers(trunk, heads, tokenizer)
    tokens = tokenizer.pad(tokenizer.encode(TEXTS))
    network = network_module.Network.from_parts(trunk, heads, dropout=0.5)
    with torch.inference_mode():
        logits = network(**{name: torch.from_numpy(array) for name, array in tokens._asdict().items()})
    names = {"entities": "entity_logits", "towards": "entity_sentiment_logits"}
    shown = tokens.attention_mask.astype(bool)
    for head, given in logits._asdict().items():
        if head == "intent" and not intents:
            assert given is None
            continue
        wanted = served[names.get(head, f"{head}_logits")]
        difference = np.abs(given.numpy() - wanted)
        assert difference[shown].max() < 1e-4 if wanted.ndim == 3 else difference.max() < 1e-4


def test_parts_come_back_as_they_went_in(tmp_path: Path) -> None:
    trunk, heads = load_trunk(write(tmp_path)), random_heads()
    tokenizer = TextTokenizer(tmp_path / TOKENIZER, 24)
    back = network_module.Network.from_parts(trunk, heads).to_parts()
    for name, wanted in answers(trunk, heads, tokenizer).items():
        assert np.array_equal(answers(*back, tokenizer)[name], wanted)


def test_parts_hold_what_was_learnt_and_leave_the_originals_alone(tmp_path: Path) -> None:
    trunk, heads = load_trunk(write(tmp_path)), random_heads()
    network = network_module.Network.from_parts(trunk, heads)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    learnt_trunk, learnt_heads = network.to_parts()
    name = "encoder.layer.1.output.dense.weight"
    assert np.allclose(learnt_trunk.weights[name], trunk.weights[name] + 1.0)
    assert np.allclose(learnt_heads.towards.hidden.weight, heads.towards.hidden.weight + 1.0)
    assert np.allclose(learnt_heads.topic.bias, heads.topic.bias + 1.0)
    assert np.array_equal(random_heads().topic.weight, heads.topic.weight)


def test_standardised_heads_answer_as_before_and_are_served_as_before(tmp_path: Path) -> None:
    trunk, heads = load_trunk(write(tmp_path)), random_heads()
    tokenizer = TextTokenizer(tmp_path / TOKENIZER, 24)
    tokens = tokenizer.pad(tokenizer.encode(TEXTS))
    inputs = {name: torch.from_numpy(array) for name, array in tokens._asdict().items()}
    network = network_module.Network.from_parts(trunk, heads)
    with torch.inference_mode():
        before = network(**inputs)
    for _ in range(2):
        network.standardise([inputs])
    assert network.heads["topic"].mean.abs().sum() > 0
    with torch.inference_mode():
        after = network(**inputs)
    for head, wanted in before._asdict().items():
        assert torch.allclose(getattr(after, head), wanted, atol=1e-4), head
    shown = tokens.attention_mask.astype(bool)
    back = answers(*network.to_parts(), tokenizer)
    for name, wanted in answers(trunk, heads, tokenizer).items():
        difference = np.abs(back[name] - wanted)
        assert (difference[shown] if wanted.ndim == 3 else difference).max() < 1e-4, name


def test_a_perturbation_reaches_every_head(tmp_path: Path) -> None:
    trunk, heads = load_trunk(write(tmp_path)), random_heads()
    tokenizer = TextTokenizer(tmp_path / TOKENIZER, 24)
    tokens = tokenizer.pad(tokenizer.encode(TEXTS))
    inputs = {name: torch.from_numpy(array) for name, array in tokens._asdict().items()}
    network = network_module.Network.from_parts(trunk, heads)
    perturbation = torch.zeros((*inputs["input_ids"].shape, WIDTH), requires_grad=True)
    for head, given in network(**inputs, perturbation=perturbation)._asdict().items():
        (gradient,) = torch.autograd.grad(given.sum(), perturbation, retain_graph=True)
        assert gradient.abs().sum() > 0, head
