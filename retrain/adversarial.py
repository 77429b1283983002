"""Training against the small change of the word pieces' embeddings that hurts most.

Each function takes the place of one plain backward pass, and leaves gradients of about the length that it would have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    LossOf = Callable[[Tensor], Tensor]
    """The loss of a batch under a perturbation, float32 [batch, length, width]."""
    Backward = Callable[[Tensor], None]
    Method = Callable[[LossOf, Tensor, int, Backward], Tensor]

# Lengths over a whole text, whose pieces' embeddings are each about 1 long: small against the words, and yet enough
# to turn an unsure answer. 1 is what FGM is commonly run with on BERT.
_FGM_RADIUS = 1.0
# FreeLB's paper (table 7) starts and steps within these ranges on GLUE: so many steps, each so long, in so wide a ball.
_FREELB_STEPS = 3
_FREELB_STEP = 0.1
_FREELB_START = 0.2
_FREELB_RADIUS = 0.6
_TINY = 1e-12


def fgm(loss_of: LossOf, mask: Tensor, width: int, backward: Backward) -> Tensor:
    """The fast gradient method: one more pass, at the end of the steepest way up.

    Miyato et al., "Adversarial Training Methods for Semi-Supervised Text Classification" (2017).

    Args:
        loss_of: The loss under a perturbation.
        mask: 1 for tokens and 0 for padding, [batch, length].
        width: Of the embeddings.
        backward: Adds a loss's gradients to those that there are.

    Returns:
        The loss without any perturbation, for the record.
    """
    none = torch.zeros((*mask.shape, width), device=mask.device, requires_grad=True)
    loss = loss_of(none)
    backward(loss / 2)
    worst = _FGM_RADIUS * _unit(_gradient(none))
    backward(loss_of(worst) / 2)
    return loss.detach()


def freelb(loss_of: LossOf, mask: Tensor, width: int, backward: Backward) -> Tensor:
    """Free large-batch training: several steps up from a chance place, whose gradients are all learnt from.

    Zhu et al., "FreeLB: Enhanced Adversarial Training for Natural Language Understanding" (2020), algorithm 1.

    Args:
        loss_of: The loss under a perturbation.
        mask: 1 for tokens and 0 for padding, [batch, length].
        width: Of the embeddings.
        backward: Adds a loss's gradients to those that there are.

    Returns:
        The mean loss over the steps.
    """
    shown = mask.unsqueeze(-1).float()
    size = (mask.sum(dim=1) * width).sqrt()[:, None, None]
    place = (2.0 * torch.rand((*mask.shape, width), device=mask.device) - 1.0) * shown * _FREELB_START / size
    total = torch.zeros((), device=mask.device)
    for _ in range(_FREELB_STEPS):
        place = place.detach().requires_grad_()
        loss = loss_of(place)
        backward(loss / _FREELB_STEPS)
        total += loss.detach() / _FREELB_STEPS
        place = _within(place.detach() + _FREELB_STEP * _unit(_gradient(place)), _FREELB_RADIUS)
    return total


METHODS: dict[str, Method] = {"fgm": fgm, "freelb": freelb}


def _gradient(perturbation: Tensor) -> Tensor:
    if perturbation.grad is None:
        raise RuntimeError("the loss does not depend on the embeddings")
    return perturbation.grad


def _unit(vectors: Tensor) -> Tensor:
    """At length one over each text."""
    return vectors / _length(vectors).clamp_min(_TINY)


def _within(vectors: Tensor, radius: float) -> Tensor:
    """Drawn back to a ball about each text."""
    return vectors * (radius / _length(vectors).clamp_min(_TINY)).clamp_max(1.0)


def _length(vectors: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vectors, dim=(1, 2), keepdim=True)
    return length
