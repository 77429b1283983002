from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file
from support.toy_bert import LAYERS, WORDS, write

from models.base_files import TOKENIZER, WEIGHTS, WeightsError
from models.bert import add_trunk, embedder, load_trunk, open_tokenizer
from models.graph import Graph
from models.reference import hidden_states
from models.sessions import open_session
from models.tokens import Tokens

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.bert import Trunk


def run_states(trunk: Trunk, tokens: Tokens) -> list[NDArray[np.float32]]:
    graph = Graph()
    inputs = [graph.input(name, ["batch", "length"]) for name in ("input_ids", "attention_mask")]
    for layer, states in enumerate(add_trunk(graph, trunk, *inputs)):
        graph.output(states, f"layer_{layer}", ["batch", "length", trunk.width])
    session = open_session(graph.model().SerializeToString())
    found: list[NDArray[np.float32]] = session.run(None, {"input_ids": tokens[0], "attention_mask": tokens[1]})
    return found


def random_tokens(*lengths: int) -> Tokens:
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
    ids = np.random.default_rng(2).integers(1, WORDS, mask.shape) * mask
    return Tokens(ids, mask, np.zeros_like(ids))


@pytest.mark.train
@pytest.mark.parametrize("lengths", [(1,), (7, 3), (16, 5, 16)])
def test_every_state_and_the_embedding_are_those_of_transformers(tmp_path: Path, lengths: tuple[int, ...]) -> None:
    trunk = load_trunk(write(tmp_path))
    tokens = random_tokens(*lengths)
    expected = hidden_states(tmp_path, tokens)
    states = run_states(trunk, tokens)
    assert len(states) == len(expected) == LAYERS + 1
    tokens_alone = tokens.attention_mask[..., None]
    for given, wanted in zip(states, expected, strict=True):
        assert np.abs((given - wanted) * tokens_alone).max() < 1e-4
    means = (expected[-1] * tokens_alone).sum(axis=1) / tokens_alone.sum(axis=1)
    session = open_session(embedder(trunk).SerializeToString())
    (embedding,) = session.run(None, {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask})
    assert np.abs(embedding - means / np.linalg.norm(means, axis=1, keepdims=True)).max() < 1e-4


def test_padding_changes_nothing(tmp_path: Path) -> None:
    trunk = load_trunk(write(tmp_path))
    alone = random_tokens(5)
    padded = Tokens(*(np.pad(part, ((0, 1), (0, 6))) for part in alone))
    padded.attention_mask[1] = 1
    for short, long in zip(run_states(trunk, alone), run_states(trunk, padded), strict=True):
        assert np.abs(short[0] - long[0, :5]).max() < 1e-5


def test_a_checkpoint_with_bert_before_each_name_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "named").mkdir()
    plain, named = load_trunk(write(tmp_path / "plain")), load_trunk(write(tmp_path / "named", prefix="bert."))
    assert embedder(plain).SerializeToString() == embedder(named).SerializeToString()


@pytest.mark.parametrize(
    ("key", "value"),
    [("model_type", "roberta"), ("hidden_act", "relu"), ("position_embedding_type", "relative_key")],
)
def test_another_architecture_is_refused_by_the_key_that_differs(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(WeightsError, match=key):
        load_trunk(write(tmp_path, **{key: value}))


def test_a_missing_weight_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"encoder\.layer\.2\.attention"):
        load_trunk(write(tmp_path, num_hidden_layers=3))


def test_weights_in_bfloat16_are_read(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "brain").mkdir()
    plain = load_trunk(write(tmp_path / "plain")).weights
    write(tmp_path / "brain")
    brain = np.dtype("bfloat16")
    save_file({name: weight.astype(brain) for name, weight in plain.items()}, tmp_path / "brain" / WEIGHTS)
    read = load_trunk(tmp_path / "brain").weights
    assert read.keys() == plain.keys()
    assert all(weight.dtype == np.float32 and np.allclose(weight, plain[name], 0.01) for name, weight in read.items())


def test_the_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    trunk = load_trunk(write(tmp_path))
    assert open_tokenizer(tmp_path, trunk, 16).encode(["acme"])[0].ids
    name = "embeddings.word_embeddings.weight"
    smaller = replace(trunk, weights={**trunk.weights, name: trunk.weights[name][:20]})
    with pytest.raises(WeightsError, match=rf"tokenizer\.json has {WORDS} tokens, and .* knows 20"):
        open_tokenizer(tmp_path, smaller, 16)


def test_a_broken_tokenizer_is_named(tmp_path: Path) -> None:
    trunk = load_trunk(write(tmp_path))
    (tmp_path / TOKENIZER).write_text('{"model":')
    with pytest.raises(WeightsError, match=r"tokenizer\.json cannot be read"):
        open_tokenizer(tmp_path, trunk, 16)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (write(tmp_path) / WEIGHTS).write_bytes(b"\x80\x04 a pickle, perhaps")
    with pytest.raises(WeightsError, match="safetensors"):
        load_trunk(tmp_path)
