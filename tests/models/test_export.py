"""The files of a version: which texts it is checked by, and that they can be read before it is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from support import toy_model

from models import export
from models.export import as_served, parity_samples
from models.manifest import Labels, ParitySample
from models.tokens import TextTokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LABELS = toy_model.LABELS


def sample(
    name: str, topic: tuple[float, ...], sentiment: tuple[float, ...], intent: tuple[float, ...]
) -> ParitySample:
    return ParitySample(text=name, topic_logits=topic, sentiment_logits=sentiment, intent_logits=intent)


SURE = sample("sure", (-9.0, -9.0, 9.0), (9.0, 0.0, 0.0), (9.0, 0.0))
TORN = sample("torn", (-9.0, 8.9, 9.0), (9.0, 0.0, 0.0), (9.0, 0.0))
NEAR_ZERO = sample("near zero", (-9.0, 0.1, 9.0), (9.0, 0.0, 0.0), (9.0, 0.0))
TORN_INTENT = sample("torn intent", (-9.0, -9.0, 9.0), (9.0, 0.0, 0.0), (9.0, 8.8))


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (LABELS, ["sure", "near zero", "torn intent", "torn"]),
        # Of several topics each stands for itself: two that are likely are no doubt, one near a half is.
        (replace(LABELS, topic_mode="multi"), ["sure", "torn", "torn intent", "near zero"]),
    ],
)
def test_the_texts_that_are_kept_are_those_of_no_doubt(
    labels: Labels, order: list[str], toy_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(_: object, __: object, texts: Sequence[str]) -> tuple[ParitySample, ...]:
        return tuple(one for one in (TORN, NEAR_ZERO, TORN_INTENT, SURE) if one.text in texts)

    monkeypatch.setattr(export, "record", record)
    tokenizer = TextTokenizer(toy_model.tokenizer(), toy_model.MAX_TOKENS)
    parity = parity_samples(toy_files / "model.onnx", tokenizer, labels, order, "int8")
    assert [one.text for one in parity.samples] == order


def test_a_head_of_one_label_has_no_doubt_to_tell(toy_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = replace(SURE, intent_logits=(0.3,))
    monkeypatch.setattr(export, "record", lambda *_: (alone,))
    tokenizer = TextTokenizer(toy_model.tokenizer(), toy_model.MAX_TOKENS)
    labels = replace(LABELS, intents=("question",))
    assert parity_samples(toy_files / "model.onnx", tokenizer, labels, ["sure"], "fp32").samples == (alone,)


def test_files_are_read_before_they_are_a_version(toy_files: Path) -> None:
    encoder = as_served(toy_files, precision="int8", max_tokens=toy_model.MAX_TOKENS, width=len(toy_model.vocabulary()))
    assert encoder.read(["acme profit wins"])[0].topics == ["earnings"]
    assert encoder.embed(["acme"]).shape == (1, len(toy_model.vocabulary()))
    assert not (toy_files / "manifest.json").exists()
