"""The method without torch: the trunk stays, the heads learn what is new, and torch is never asked for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from support import toy_bert, toy_rows
from support.toy_model import LABELS, MAX_TOKENS

from models.base_files import TOKENIZER
from models.bert import load_trunk
from models.tokens import TextTokenizer
from retrain.heads_alone import fit_heads_alone
from streams.contract.model_settings import RetrainSettings

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = RetrainSettings(method="heads")


def quiet(stage: str, done: int, total: int) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_bert.write(tmp_path_factory.mktemp("base"))


def test_the_trunk_stays_and_a_new_topic_has_an_output(base: Path) -> None:
    dataset = toy_rows.dataset()
    taught = [msgspec.structs.replace(row, topics=("rumours",)) for row in dataset.train[:12]]
    labels = msgspec.structs.replace(LABELS, topics=(*LABELS.topics, "rumours"))
    dataset = replace(dataset, train=[*taught, *dataset.train[12:]], labels=labels)
    trunk = load_trunk(base)
    tuned = fit_heads_alone(dataset, trunk, TextTokenizer(base / TOKENIZER, MAX_TOKENS), SETTINGS, quiet)
    assert tuned.trunk is trunk
    assert tuned.heads.topic.bias.size == len(LABELS.topics) + 1
    assert np.abs(tuned.heads.topic.weight[:, -1]).max() > 0.0  # of a class that was never seen all are zero
    assert tuned.history == []


def test_the_same_labels_give_the_same_heads(base: Path) -> None:
    one, other = (
        fit_heads_alone(
            toy_rows.dataset(), load_trunk(base), TextTokenizer(base / TOKENIZER, MAX_TOKENS), SETTINGS, quiet
        ).heads
        for _ in range(2)
    )
    assert np.array_equal(one.sentiment.weight, other.sentiment.weight)
    assert np.array_equal(one.entity.hidden.weight, other.entity.hidden.weight)


def test_with_nothing_to_learn_from_it_says_so(base: Path) -> None:
    empty = replace(toy_rows.dataset(), train=[])
    with pytest.raises(ValueError, match="import labels"):
        fit_heads_alone(empty, load_trunk(base), TextTokenizer(base / TOKENIZER, MAX_TOKENS), SETTINGS, quiet)


@pytest.mark.parametrize("module", ["retrain.steps", "retrain.scheduler", "streams.cli.main"])
def test_what_is_run_without_torch_never_imports_it(module: str) -> None:
    code = f"import {module}, sys; print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
