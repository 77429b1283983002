"""Which version answers: exchanged, gone back from, let go; and what a load of another one shares."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import onnx
import pytest
from support import toy_model, versions

from models.registry import Registry
from models.runtime import Encoder
from streams.logic.breaker import BrokenModelError
from streams.worker.serving import Serving

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> list[Encoder]:
    """Three versions, loaded."""
    registry = Registry(str(tmp_path_factory.mktemp("registry")))
    return [load(registry, versions.add(registry)) for _ in range(3)]


def load(registry: Registry, version: int, like: Encoder | None = None) -> Encoder:
    return Encoder.load(_folder(registry, version), threads=1, sub_batch=4, like=like)


def _folder(registry: Registry, version: int) -> Path:
    return registry.fetch(versions.NAME, version, None)  # type: ignore[arg-type]  a local registry needs no cache


BROKEN = BrokenModelError("it reads nothing")


def test_the_version_before_stays_at_hand_until_it_is_let_go(encoders: list[Encoder]) -> None:
    first, second, _ = encoders
    serving = Serving(first)
    assert (serving.current, serving.before) == (first, None)
    serving.exchange(second)
    assert (serving.current, serving.before) == (second, first)
    serving.settle()
    assert (serving.current, serving.before) == (second, None)


def test_one_may_go_back_once_and_only_from_what_answers(encoders: list[Encoder]) -> None:
    first, second, third = encoders
    serving = Serving(first)
    assert not serving.go_back(first)
    serving.exchange(second)
    serving.exchange(third)
    assert not serving.go_back(second)
    assert serving.go_back(third)
    assert (serving.current, serving.before) == (second, None)
    assert not serving.go_back(second)


def test_an_exchange_for_itself_is_none(encoders: list[Encoder]) -> None:
    serving = Serving(encoders[0])
    serving.exchange(encoders[0])
    assert serving.before is None


def test_whoever_listens_is_told_of_each_version_that_answers(encoders: list[Encoder]) -> None:
    first, second, _ = encoders
    told: list[Encoder] = []
    serving = Serving(first)
    serving.listen(told.append)
    serving.exchange(second)
    serving.settle()
    serving.exchange(first)
    serving.go_back(first)
    assert told == [first, second, first, second]


def test_of_many_lanes_that_find_a_version_broken_one_goes_back_and_all_go_on(encoders: list[Encoder]) -> None:
    first, second, _ = encoders
    serving = Serving(first)
    serving.exchange(second)
    left: list[tuple[str, Exception]] = []
    serving.on_return(lambda model, error: left.append((model, error)))
    at_once = Barrier(8)

    def lane(_: int) -> Encoder | None:
        at_once.wait()
        return serving.replacement(second, BROKEN)

    with ThreadPoolExecutor(8) as lanes:
        assert set(lanes.map(lane, range(8))) == {first}
    assert left == [(second.model, BROKEN)]


def test_there_is_no_replacement_for_a_proven_version(encoders: list[Encoder]) -> None:
    assert Serving(encoders[0]).replacement(encoders[0], BROKEN) is None


def test_what_no_longer_answers_is_freed(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path))
    numbers = [versions.add(registry) for _ in range(3)]
    serving = Serving(load(registry, numbers[0]))
    gone = weakref.ref(serving.current)
    gc.disable()
    try:
        for number in numbers[1:]:
            serving.exchange(load(registry, number, like=serving.current))
        assert gone() is None
    finally:
        gc.enable()


def test_the_tokenizer_is_shared_where_it_is_the_same_file(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    first, second = versions.add(registry), versions.add(registry, versions.GROWN)
    path = toy_model.write_files(tmp_path / "files")
    (path / "tokenizer.json").write_text((path / "tokenizer.json").read_text() + "\n")
    other = registry.register(path, versions.NAME, **toy_model.facts())
    loaded = load(registry, first)
    assert load(registry, second, like=loaded)._tokenizer is loaded._tokenizer
    assert load(registry, other, like=loaded)._tokenizer is not loaded._tokenizer
    assert load(registry, second, like=loaded).read(["acme profit wins"]) != []


def test_a_loaded_embedder_is_shared_where_it_is_the_same_file(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    first, second = versions.add(registry), versions.add(registry)
    files = toy_model.write_files(tmp_path / "files")
    graph = onnx.load(files / "embedder.onnx")
    graph.doc_string = "of another training"
    onnx.save(graph, files / "embedder.onnx")
    other = registry.register(files, versions.NAME, **toy_model.facts())
    whole = registry.register(
        toy_model.write_files(tmp_path / "fp32", precision="fp32"), versions.NAME, **toy_model.facts("fp32")
    )
    loaded = load(registry, first)
    assert not load(registry, second, like=loaded).has_embedded
    vectors = loaded.embed(["acme profit wins"])
    shared = load(registry, second, like=loaded)
    assert shared._embedder is loaded._embedder
    assert shared.embed(["acme profit wins"]).tolist() == vectors.tolist()
    assert not load(registry, other, like=loaded).has_embedded
    in_fp32 = load(registry, whole, like=loaded)
    assert in_fp32._embedder is in_fp32._session
    assert not load(registry, second, like=in_fp32).has_embedded


def test_vectors_may_be_compared_where_the_graph_that_embeds_is_the_same(encoders: list[Encoder]) -> None:
    first, second, _ = encoders
    assert first.embedder_sha256 == second.embedder_sha256 == first.manifest.files["embedder.onnx"].sha256
    assert not first.has_embedded
    first.embed(["a"])
    assert first.has_embedded
