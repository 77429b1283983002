from __future__ import annotations

import numpy as np
import pytest
from sacrebleu.metrics import CHRF

from retrain.generator.chrf import chrf, counts

pytestmark = pytest.mark.train

TEXTS = ["Your parcel arrives on Monday.", "Please log in.", "no", "We are sorry", "a", "Write to us: we close it."]
REFERENCES = [
    "The parcel will arrive on Tuesday.",
    "Please log in.",
    "Yes, we do.",
    "Sorry!",
    "b",
    "We close it when you write.",
]


@pytest.mark.parametrize(("text", "reference"), list(zip(TEXTS, REFERENCES, strict=True)))
def test_a_text_has_the_score_that_sacrebleu_gives_it(text: str, reference: str) -> None:
    expected = CHRF().corpus_score([text], [[reference]]).score
    assert float(chrf(counts(text, reference))) == pytest.approx(expected, abs=1e-9)


def test_texts_together_have_the_score_that_sacrebleu_gives_them() -> None:
    sums = np.sum([counts(*pair) for pair in zip(TEXTS, REFERENCES, strict=True)], axis=0)
    assert float(chrf(sums)) == pytest.approx(CHRF().corpus_score(TEXTS, [REFERENCES]).score, abs=1e-9)


def test_an_empty_text_scores_nothing() -> None:
    assert float(chrf(counts("", "something"))) == 0.0
