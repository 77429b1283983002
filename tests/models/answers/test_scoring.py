"""The score is a chance, and grows with either likeness."""

from __future__ import annotations

import numpy as np

from models.answers.asking import texts_of
from models.answers.scoring import score


def test_more_of_either_likeness_is_never_less_likely() -> None:
    steps = np.linspace(-1, 1, 21, dtype=np.float32)
    zeros = np.zeros(21, np.float32)
    by_cosine = score(steps, zeros)
    by_words = score(zeros + np.float32(0.7), (steps + 1) / 2)
    for scores in (by_cosine, by_words):
        assert np.all(np.diff(scores) >= 0.0)
        assert np.all((scores >= 0.0) & (scores <= 1.0))


def test_the_settings_thresholds_lie_where_questions_are_much_alike() -> None:
    same, alike, related, other = score(
        np.array([1.0, 0.8, 0.6, 0.2], np.float32), np.array([0.6, 0.3, 0.2, 0.0], np.float32)
    )
    assert same > 0.95
    assert 0.72 < alike < 0.95
    assert related < 0.55
    assert other < 0.05


def test_a_message_is_asked_whole_and_by_its_longer_sentences() -> None:
    message = "Hi! I lost my card on the bus.\nCan you block it now? Thanks…"
    assert texts_of(message) == [message, "I lost my card on the bus.", "Can you block it now?"]
    assert texts_of("I lost my card on the bus.") == ["I lost my card on the bus."]
    assert texts_of("") == [""]
    assert (
        len(texts_of("One two three four. " * 3 + "a b c d. e f g h. i j k l. m n o p. q r s t. u v w x. y z y z."))
        == 7
    )
