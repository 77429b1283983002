"""Perturbations that hurt, within bounds, on tokens alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

torch = pytest.importorskip("torch")
adversarial = pytest.importorskip("retrain.adversarial")

pytestmark = pytest.mark.train

MASK = [[1, 1, 1, 0], [1, 0, 0, 0]]
WIDTH = 5


class Probe:
    """A loss whose steepest way up is known, and a record of every perturbation that was asked for."""

    def __init__(self) -> None:
        torch.manual_seed(3)
        self.mask = torch.tensor(MASK)
        self.weight = torch.nn.Parameter(torch.randn(2, 4, WIDTH) * self.mask.unsqueeze(-1))
        self.asked: list[torch.Tensor] = []
        self.losses: list[float] = []

    def loss(self, perturbation: torch.Tensor) -> torch.Tensor:
        self.asked.append(perturbation.detach().clone())
        value = (self.weight * perturbation).sum() + (self.weight**2).sum()
        self.losses.append(value.item())
        return value

    def run(self, method: Callable[..., torch.Tensor]) -> float:
        return float(method(self.loss, self.mask, WIDTH, lambda loss: loss.backward()))


def lengths(perturbation: torch.Tensor) -> torch.Tensor:
    return perturbation.norm(dim=(1, 2))


def test_fgm_goes_the_steepest_way_from_nothing() -> None:
    probe = Probe()
    plain = probe.run(adversarial.fgm)
    none, worst = probe.asked
    assert none.abs().sum() == 0
    assert plain == pytest.approx(probe.losses[0])
    assert probe.losses[1] > probe.losses[0]
    assert torch.allclose(lengths(worst), torch.ones(2), atol=1e-5)
    assert torch.allclose(worst, probe.weight.detach() / lengths(probe.weight.detach())[:, None, None], atol=1e-5)


def test_fgm_learns_half_from_the_text_and_half_from_its_worst() -> None:
    probe = Probe()
    probe.run(adversarial.fgm)
    assert torch.allclose(probe.weight.grad, 2 * probe.weight + probe.asked[1] / 2, atol=1e-5)


def test_freelb_climbs_within_its_ball_and_learns_from_every_step() -> None:
    probe = Probe()
    mean = probe.run(adversarial.freelb)
    assert len(probe.asked) == 3
    assert probe.losses[0] < probe.losses[1] < probe.losses[2]
    assert mean == pytest.approx(sum(probe.losses) / 3, rel=1e-5)
    assert 0 < lengths(probe.asked[0]).max() < 0.2
    assert all((lengths(asked) <= 0.6 + 1e-5).all() for asked in probe.asked)
    assert torch.allclose(probe.weight.grad, 2 * probe.weight + sum(probe.asked) / 3, atol=1e-5)


@pytest.mark.parametrize("name", ["fgm", "freelb"])
def test_padding_is_left_alone(name: str) -> None:
    probe = Probe()
    probe.run(adversarial.METHODS[name])
    for asked in probe.asked:
        assert asked[probe.mask == 0].abs().sum() == 0


def test_a_ball_that_is_too_small_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversarial, "_FREELB_RADIUS", 0.05)
    probe = Probe()
    probe.run(adversarial.freelb)
    assert (lengths(probe.asked[-1]) <= 0.05 + 1e-6).all()
