from __future__ import annotations

import pytest

from streams.logic.breaker import Breaker, BrokenModelError


class Model:
    """Reads every text but the poisonous ones, until it breaks."""

    def __init__(self) -> None:
        self.broken = False
        self.asked: list[str] = []

    def read(self, texts: list[str]) -> list[str]:
        self.asked += texts
        if self.broken or any("poison" in text for text in texts):
            raise MemoryError("no room for 'private words'")
        return texts


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def breaker(model: Model) -> Breaker:
    return Breaker(model.read)


def read(*texts: str) -> dict[int, str]:
    return dict(enumerate(texts))


def failed(*places: int) -> dict[int, Exception]:
    return {place: ValueError("private words") for place in places}


def test_no_failure_costs_nothing(model: Model, breaker: Breaker) -> None:
    for _ in range(3):
        breaker.judge(read("good"), {})
        breaker.judge({}, {})
    assert model.asked == []


def test_a_long_run_of_poisonous_messages_takes_no_good_model_down(model: Model, breaker: Breaker) -> None:
    for _ in range(100):
        breaker.judge({}, failed(*range(64)))
    assert len(model.asked) == 100


def test_a_broken_model_is_known_at_the_first_batch(model: Model, breaker: Breaker) -> None:
    model.broken = True
    with pytest.raises(BrokenModelError, match=r"failed at 1 of 1 messages \(ValueError\).*\(MemoryError\)"):
        breaker.judge({}, failed(0))


def test_a_model_that_breaks_within_a_batch_is_known_at_that_batch(model: Model, breaker: Breaker) -> None:
    breaker.judge(read("good"), {})
    model.broken = True
    with pytest.raises(BrokenModelError, match="failed at 2 of 3 messages"):
        breaker.judge(read("read before it broke"), failed(1, 2))


def test_what_was_read_after_the_last_failure_is_proof_enough(model: Model, breaker: Breaker) -> None:
    breaker.judge({0: "good", 3: "good"}, failed(1, 2))
    assert model.asked == []


def test_it_is_asked_for_a_text_of_the_stream_that_it_has_read(model: Model, breaker: Breaker) -> None:
    breaker.judge(read("a longer one", "short", "middling"), failed(3))
    breaker.judge({}, failed(0))
    assert model.asked[1:] == ["short"]


def test_no_words_of_a_message_are_told(model: Model, breaker: Breaker) -> None:
    breaker.judge(read("private words"), {})
    model.broken = True
    with pytest.raises(BrokenModelError) as told:
        breaker.judge({}, failed(0))
    assert "private" not in str(told.value)


def test_what_trips_once_trips_until_it_is_mended(model: Model, breaker: Breaker) -> None:
    model.broken = True
    for _ in range(2):
        with pytest.raises(BrokenModelError):
            breaker.judge({}, failed(0))
    model.broken = False
    breaker.judge({}, failed(0))
