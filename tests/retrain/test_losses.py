"""What is lowered, and by whom it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support import toy_model

if TYPE_CHECKING:
    from retrain.batches import Batch
    from retrain.network import Logits

torch = pytest.importorskip("torch")
losses_module = pytest.importorskip("retrain.losses")
network_module = pytest.importorskip("retrain.network")

pytestmark = pytest.mark.train

LABELS = toy_model.LABELS
UNKNOWN = -100


def logits(rows: int = 3, length: int = 4) -> Logits:
    torch.manual_seed(1)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, requires_grad=True)

    made: Logits = network_module.Logits(
        topic=drawn(rows, 3),
        sentiment=drawn(rows, 3),
        intent=drawn(rows, 2),
        entities=drawn(rows, length, 9),
        towards=drawn(rows, length, 3),
    )
    return made


def batch(**changed: object) -> Batch:
    unsaid = {
        "topic": torch.full((3,), UNKNOWN),
        "sentiment": torch.full((3,), UNKNOWN),
        "intent": torch.full((3,), UNKNOWN),
        "entities": torch.full((3, 4), UNKNOWN),
        "span_rows": torch.zeros(0, dtype=torch.int64),
        "spans": torch.zeros(0, 4),
        "towards": torch.zeros(0, dtype=torch.int64),
    }
    return unsaid | {name: torch.as_tensor(value) for name, value in changed.items()}


def test_a_head_learns_from_the_texts_that_say_something_of_it_alone() -> None:
    given = logits()
    said = batch(sentiment=[2, UNKNOWN, 0])
    found = losses_module.losses(losses_module.answered(given, said), {})
    assert list(found) == ["sentiment"]
    found["sentiment"].backward()
    assert given.sentiment.grad[1].abs().sum() == 0
    assert given.sentiment.grad[[0, 2]].abs().sum() > 0
    assert given.topic.grad is None


def test_where_nobody_said_anything_there_is_no_loss() -> None:
    assert losses_module.losses(losses_module.answered(logits(), batch()), {}) == {}


def test_class_weights_weigh_the_mean() -> None:
    given = logits()
    weights = losses_module.label_weights({"sentiment": {"negative": 4.0}}, LABELS)
    assert weights["sentiment"].tolist() == [4.0, 1.0, 1.0]
    found = losses_module.losses(losses_module.answered(given, batch(sentiment=[0, 1, UNKNOWN])), weights)
    log = given.sentiment.log_softmax(dim=-1).detach().numpy()
    assert found["sentiment"].item() == pytest.approx(-(4 * log[0, 0] + log[1, 1]) / 5, rel=1e-5)


def test_of_several_topics_each_is_a_question_and_weights_are_those_of_a_yes() -> None:
    given = logits()
    topics = [[1.0, 0.0, 1.0], [float(UNKNOWN)] * 3, [0.0, 0.0, 0.0]]
    weights = losses_module.label_weights({"topic": {"earnings": 3.0}}, LABELS)
    found = losses_module.losses(losses_module.answered(given, batch(topic=topics)), weights)
    odds = given.topic.detach().numpy()[[0, 2]]
    wanted, factor = np.array(topics)[[0, 2]], np.array([3.0, 1.0, 1.0])
    yes, no = np.log1p(np.exp(-odds)), np.log1p(np.exp(odds))
    assert found["topic"].item() == pytest.approx(np.mean(wanted * factor * yes + (1 - wanted) * no), rel=1e-5)


def test_the_sentiment_towards_an_entity_is_the_mean_over_its_pieces() -> None:
    given = logits()
    spans = torch.tensor([[0.0, 0.5, 0.5, 0.0], [0.0, 1.0, 0.0, 0.0]])
    said = batch(spans=spans, span_rows=[2, 0], towards=[1, 0])
    found = losses_module.answered(given, said)["towards"]
    assert torch.allclose(found.logits[0], given.towards[2, 1:3].mean(dim=0))
    assert torch.allclose(found.logits[1], given.towards[0, 1])


def test_scores_are_of_the_labels_that_occur() -> None:
    given = logits()
    with torch.no_grad():
        given.sentiment.copy_(torch.eye(3)[[0, 0, 1]])
        given.entities.zero_()
        given.entities[:, :, 0] = 1.0
        given.entities[0, 1, 3] = 2.0
    tags = [[UNKNOWN, 3, 0, UNKNOWN], [UNKNOWN, 3, UNKNOWN, UNKNOWN], [UNKNOWN] * 4]
    found = losses_module.scores(losses_module.answered(given, batch(sentiment=[0, 1, 1], entities=tags)), LABELS)
    # negative: 1 of 2 given is right, and found: 2/3; neutral: 1 of 2 is found: 2/3; nobody is positive.
    assert found == {"sentiment": pytest.approx(2 / 3), "entities": pytest.approx(2 / 3)}


def test_batches_are_scored_together() -> None:
    given = logits()
    parts = [losses_module.answered(given, batch(sentiment=[label] * 3)) for label in (0, 1)]
    joined = losses_module.joined(parts)
    assert joined["sentiment"].targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert joined["sentiment"].logits.shape == (6, 3)
