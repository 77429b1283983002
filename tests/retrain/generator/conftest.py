"""A toy language model, and pairs of questions and answers with an index that finds by words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support import toy_llama
from support.toy_pairs import THINGS, embed, pair
from tokenizers import Tokenizer

from models.answers.index import AnswerIndex
from models.generator.chat import Chat
from models.generator.weights import find, load
from streams.contract.service_settings import GeneratorSettings
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from models.generator.weights import Base
    from retrain.generator.pairs import Pair


@pytest.fixture(scope="session")
def toy_base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = toy_llama.write(tmp_path_factory.mktemp("llama") / "base", toy_llama.llama())
    return load(find(str(folder), folder))


@pytest.fixture
def chat(toy_base: Base) -> Chat:
    return Chat(Tokenizer.from_str(toy_base.tokenizer.to_str()), toy_base.form)


@pytest.fixture
def settings(clean_environment: None) -> Settings:
    return Settings(generator=GeneratorSettings(max_prompt_tokens=384, max_new_tokens=64))


@pytest.fixture
def pairs() -> list[Pair]:
    return [pair(number, f"where is my {thing} please", f"Look at {thing}.") for number, thing in enumerate(THINGS)]


@pytest.fixture
def index(pairs: list[Pair]) -> AnswerIndex:
    made = AnswerIndex(embed, "toy")
    made.put([one.document(datetime(2026, 1, 1, tzinfo=UTC)) for one in pairs])
    return made
