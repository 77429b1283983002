"""A head that standardises what it reads."""

from __future__ import annotations

import numpy as np
import pytest

from models.heads import Linear, Mlp

torch = pytest.importorskip("torch")
module = pytest.importorskip("retrain.standard_head")

pytestmark = pytest.mark.train


def spread(rows: int = 200) -> torch.Tensor:
    """A wide input, a narrow one about a large mean, a dead one, and one that never varies."""
    torch.manual_seed(5)
    drawn = torch.randn(rows, 4) * torch.tensor([3.0, 0.1, 1e-30, 0.0])
    return drawn + torch.tensor([0.0, 40.0, 0.0, 0.0])


def linear(inputs: int, outputs: int, seed: int = 1) -> Linear:
    random = np.random.default_rng(seed)
    return Linear(random.normal(size=(inputs, outputs)).astype("f4"), random.normal(size=outputs).astype("f4"))


@pytest.mark.parametrize("head", [linear(4, 3), Mlp(linear(4, 6), linear(6, 3, seed=2))])
def test_answers_stay_what_they_were(head: Linear | Mlp) -> None:
    rows = spread()
    standard = module.StandardHead(head, dropout=0.0)
    standard.standardise(rows[:100])
    standard.standardise(rows)
    assert torch.allclose(standard(rows), torch.from_numpy(head(rows.numpy())), atol=1e-4)
    assert np.allclose(standard.to_map()(rows.numpy()), head(rows.numpy()), atol=1e-4)
    inputs = (rows - standard.mean) / standard.deviation
    # So that a row of four is about one long.
    assert inputs[:, :2].std(dim=0).numpy() == pytest.approx([0.5, 0.5], rel=0.01)


def test_dead_inputs_lose_their_weights_and_constant_ones_keep_theirs() -> None:
    head = linear(4, 3)
    head.weight[2] = 1e29
    standard = module.StandardHead(head, dropout=0.0)
    standard.standardise(spread())
    served = standard.to_map()
    assert np.array_equal(served.weight[2], np.zeros(3))
    assert np.array_equal(served.weight[3], head.weight[3])
    # What reaches the trunk is of the others' size.
    rows = spread().requires_grad_()
    standard(rows).sum().backward()
    assert rows.grad.abs().max() < 100


def test_dropping_an_input_about_a_large_mean_is_no_earthquake() -> None:
    rows = spread()
    standard = module.StandardHead(linear(4, 3), dropout=0.5)
    standard.standardise(rows)
    standard.train()
    torch.manual_seed(1)
    assert (standard(rows) - standard.eval()(rows)).abs().mean() < 5
