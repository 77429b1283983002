from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support import toy_llama

from models.generator.config import GenerationOptions
from models.generator.decoding import Decoder
from models.generator.sampling import draw, log_normalizers, penalize

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from models.generator.decoding import Decoded
    from models.generator.runtime import Generator

GREEDY = GenerationOptions(max_new_tokens=20, repetition_penalty=1.0)
TOKENS = len(toy_llama.vocabulary())


def prompts(count: int, seed: int = 1) -> list[list[int]]:
    lots = np.random.default_rng(seed)
    return [lots.integers(3, TOKENS, lots.integers(1, 30)).tolist() for _ in range(count)]


def run(
    generator: Generator,
    asked: Sequence[Sequence[int]],
    options: GenerationOptions = GREEDY,
    *,
    batch: int = 4,
    stops: Collection[int] = (),
    deadline: float | None = None,
) -> list[Decoded]:
    return Decoder(generator._rows, batch, stops, options, deadline).run(asked)


def test_a_text_is_the_same_alone_and_in_any_company(generator: Generator) -> None:
    asked = prompts(9)
    alone = [run(generator, [prompt], batch=1)[0].tokens for prompt in asked]
    for batch in (2, 3, 4):
        assert [one.tokens for one in run(generator, asked, batch=batch)] == alone
    assert [one.tokens for one in run(generator, asked[::-1])] == alone[::-1]


def test_texts_that_end_make_room_and_disturb_nobody(generator: Generator) -> None:
    asked = prompts(12, seed=2)
    endless = [one.tokens for one in run(generator, asked)]
    # Tokens that end some texts early, some late and some not at all.
    stops = {text[place] for place, text in zip((0, 3, 7, 12), endless, strict=False)}
    ended = run(generator, asked, stops=stops)
    for whole, one in zip(endless, ended, strict=True):
        places = [place for place, token in enumerate(whole) if token in stops]
        assert one.tokens == (whole[: places[0]] if places else whole)
        assert one.stopped == ("end" if places else "length")
    assert {one.stopped for one in ended} == {"end", "length"}
    assert [] in [one.tokens for one in ended]


def test_a_text_has_no_more_tokens_than_its_budget(generator: Generator) -> None:
    for budget in (1, 2, 5):
        for one in run(generator, prompts(5), GenerationOptions(max_new_tokens=budget)):
            assert (len(one.tokens), one.stopped) == (budget, "length")


def test_what_is_not_done_by_the_deadline_breaks_off(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each look at the clock is a second: prompts and steps are counted.
    ticks = iter(range(10_000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    asked = prompts(6)
    whole = [one.tokens for one in run(generator, asked)]
    done = run(generator, asked, deadline=12.0)
    assert [one.stopped for one in done] == ["deadline"] * 6
    # Four prompts and eight steps; the last two were never begun.
    assert [len(one.tokens) for one in done] == [9, 9, 9, 9, 0, 0]
    assert all(text[: len(one.tokens)] == one.tokens for text, one in zip(whole, done, strict=True))


def test_nothing_asked_is_nothing_written(generator: Generator) -> None:
    assert run(generator, []) == []


def test_the_mean_log_probability_is_that_of_the_model(generator: Generator) -> None:
    (prompt,) = prompts(1)
    options = GenerationOptions(max_new_tokens=6, temperature=1.5, repetition_penalty=1.3)
    (one,) = run(generator, [prompt], options)
    rows = generator._rows
    logits, total = rows.read(0, prompt)[0].astype(np.float64), 0.0
    for token in one.tokens:
        total += logits[token] - math.log(np.exp(logits - logits.max()).sum()) - logits.max()
        logits = rows.step([token])[0].astype(np.float64)
    assert one.mean_log_probability == pytest.approx(total / 6, abs=1e-4)


def test_the_same_seed_draws_the_same_text_wherever_its_prompt_stands(generator: Generator) -> None:
    asked = prompts(6)
    drawn = GenerationOptions(max_new_tokens=12, temperature=1.0, top_p=0.95, seed=3)
    first = [one.tokens for one in run(generator, asked, drawn)]
    assert [one.tokens for one in run(generator, asked[::-1], drawn, batch=2)] == first[::-1]
    other = GenerationOptions(max_new_tokens=12, temperature=1.0, top_p=0.95, seed=4)
    assert [one.tokens for one in run(generator, asked, other)] != first
    assert first != [one.tokens for one in run(generator, asked, GREEDY)]


def test_a_penalty_makes_repetition_rarer(generator: Generator) -> None:
    def repeats(penalty: float) -> int:
        options = GenerationOptions(max_new_tokens=60, repetition_penalty=penalty)
        return sum(len(one.tokens) - len(set(one.tokens)) for one in run(generator, prompts(4), options))

    assert repeats(3.0) < repeats(1.0)


def logits_of(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def test_a_penalty_divides_what_is_likely_and_multiplies_what_is_not() -> None:
    logits = logits_of(4.0, -4.0, 4.0, -4.0)
    penalize(logits, {0, 1}, 2.0)
    assert logits.tolist() == [2.0, -8.0, 4.0, -4.0]


def test_log_normalizers_are_those_of_softmax() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32) * 20
    probabilities = np.exp(logits - log_normalizers(logits)[:, None])
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_lots_fall_as_often_as_tokens_are_likely() -> None:
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    logits = np.log(shares).astype(np.float32)
    lots = np.random.default_rng(1)
    drawn = [draw(logits, 1.0, 1.0, lots) for _ in range(4000)]
    assert np.bincount(drawn, minlength=4) / 4000 == pytest.approx(shares, abs=0.03)


@pytest.mark.parametrize(("top_p", "kept"), [(0.1, {0}), (0.5, {0}), (0.51, {0, 1}), (0.9, {0, 1, 2})])
def test_the_fewest_of_the_likeliest_tokens_are_drawn_from(top_p: float, kept: set[int]) -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05])).astype(np.float32)
    lots = np.random.default_rng(1)
    assert {draw(logits, 1.0, top_p, lots) for _ in range(300)} == kept


def test_a_low_temperature_draws_the_likeliest() -> None:
    lots = np.random.default_rng(1)
    assert {draw(logits_of(1.0, 1.5, 0.0), 0.01, 1.0, lots) for _ in range(50)} == {1}
