"""No message is lost to a version that is new."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.serving import Alone

from streams.contract.settings import EnrichSettings
from streams.logic.breaker import BrokenModelError
from streams.logic.reading import BatchReader, Reader

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

LIMITS = EnrichSettings(max_attempts=2)


@dataclass
class Model:
    """Answers each text with itself, and raises at some; or at all."""

    model: str
    cannot_read: Collection[str] = ()
    is_broken: bool = False
    asked: int = 0

    def read(self, texts: Sequence[str]) -> list[str]:  # type: ignore[override]
        self.asked += 1
        if self.is_broken or any(text in self.cannot_read for text in texts):
            raise RuntimeError("not this one")
        return list(texts)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.ones((len(texts), 2), np.float32)


@dataclass
class Two:
    """A new model, and the one before at hand."""

    current: Model
    before: Model | None
    left: list[str] = field(default_factory=list)

    def replacement(self, broken: Reader, error: Exception) -> Model | None:
        assert isinstance(error, BrokenModelError)
        if self.before is None:
            return None
        self.left.append(broken.model)
        self.current, self.before = self.before, None
        return self.current


TEXTS = {0: "a", 2: "b", 5: "c"}


def test_what_the_new_version_cannot_read_the_one_before_reads() -> None:
    batch = BatchReader(Two(Model("m:2", cannot_read="b"), Model("m:1")), LIMITS).read(TEXTS)
    assert {place: read.model for place, read in batch.read.items()} == {0: "m:2", 2: "m:1", 5: "m:2"}
    assert {place: read.reading for place, read in batch.read.items()} == TEXTS
    assert (batch.failures, batch.rescued, batch.model) == ({}, 1, "m:2")


def test_what_neither_can_read_is_held_against_neither() -> None:
    batch = BatchReader(Two(Model("m:2", cannot_read="ab"), Model("m:1", cannot_read="b")), LIMITS).read(TEXTS)
    assert set(batch.failures) == {2}
    assert batch.rescued == 1


def test_without_a_version_before_what_cannot_be_read_fails() -> None:
    batch = BatchReader(Alone(Model("m:1", cannot_read="b")), LIMITS).read(TEXTS)
    assert (set(batch.failures), batch.rescued) == ({2}, 0)


def test_a_new_version_that_reads_nothing_is_left_with_the_batch_in_hand() -> None:
    serving = Two(Model("m:2", is_broken=True), Model("m:1"))
    reader = BatchReader(serving, LIMITS)
    batch = reader.read(TEXTS)
    assert {read.model for read in batch.read.values()} == {"m:1"}
    assert (serving.left, batch.model, batch.failures, batch.rescued) == (["m:2"], "m:1", {}, 0)
    assert reader.read(TEXTS).model == "m:1"


def test_a_proven_version_that_breaks_ends_the_worker() -> None:
    with pytest.raises(BrokenModelError):
        BatchReader(Two(Model("m:2", is_broken=True), None), LIMITS).read(TEXTS)


def test_a_batch_ends_with_the_version_that_it_began_with() -> None:
    old, new = Model("m:1"), Model("m:2")
    serving = Two(old, None)

    class Exchanging(Model):
        def read(self, texts: Sequence[str]) -> list[str]:
            serving.current = new
            return super().read(texts)

    serving.current = Exchanging("m:1")
    reader = BatchReader(serving, LIMITS)
    assert {read.model for read in reader.read(TEXTS).read.values()} == {"m:1"}
    assert {read.model for read in reader.read(TEXTS).read.values()} == {"m:2"}


def test_nothing_to_read_is_no_work() -> None:
    model = Model("m:1")
    assert BatchReader(Alone(model), LIMITS).read({}).read == {}
    assert model.asked == 0


def test_a_model_that_no_longer_answers_is_freed_at_once() -> None:
    serving = Alone(Model("m:1"))
    reader = BatchReader(serving, LIMITS)
    gone = weakref.ref(serving.current)
    gc.disable()
    try:
        reader.read(TEXTS)
        serving.current = Model("m:2")
        reader.read(TEXTS)
        assert gone() is None
    finally:
        gc.enable()
