"""The training loop of the generator, to be read in a sitting: AdamW, one rate that rises and falls, early stopping.

A pair at a time goes through the model, and a step is made for every few of them: texts of some hundred tokens fill a
processor, and nothing is padded. It does not go on after a kill: the run that is called again begins anew.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from msgspec import Struct

from retrain.arguments import FinetuneError
from retrain.generator.network import answer_loss, apply_method, learning, merged, network
from retrain.tuner import DivergedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor
    from transformers import PreTrainedModel

    from models.generator.weights import Base
    from retrain.generator.lessons import Lesson
    from retrain.generator.options import TuningOptions

    Tell = Callable[[str, int, int], None]

STAGE = "fine-tuning"


class Epoch(Struct, frozen=True, kw_only=True):
    """One pass over the pairs; number 0 is the base as it is."""

    number: int
    training_loss: float | None
    """Mean of an answer's token, in nats; None of the base."""
    validation_loss: float
    """Likewise."""


@dataclass(frozen=True, slots=True)
class TunedGenerator:
    """What training gives: the weights of the best epoch."""

    base: Base
    history: list[Epoch]
    options: TuningOptions


def finetune(
    base: Base,
    end: int,
    train: Sequence[Lesson],
    validation: Sequence[Lesson],
    options: TuningOptions,
    tell: Tell,
) -> TunedGenerator:
    """Teach a generator to answer; the epoch of the lowest validation loss is handed back.

    The same seed, lessons, options and machine give the same weights.

    Args:
        base: What to begin from.
        end: Id of the token that ends a turn.
        train: What is learnt.
        validation: What decides when training ends.
        options: Method, rates and the rest.
        tell: Told of a stage's name, and how much of it is done, of how much.

    Raises:
        FinetuneError: There is nothing to learn or to validate on.
        DivergedError: The loss ran away.
    """
    if not train or not validation:
        raise FinetuneError(
            f"{len(train)} pairs of a question and its answer to learn and {len(validation)} to validate on: import "
            "more answers (`tocsin answers import`) or labels that carry a reply"
        )
    torch.manual_seed(options.seed)
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    model = network(base.llama, end)
    apply_method(model, options)
    model.to(device)  # type: ignore[arg-type]  # its decorator hides what it takes
    weights = learning(model)
    optimizer = torch.optim.AdamW(
        list(weights.values()), lr=options.learning_rate, weight_decay=options.weight_decay, fused=True
    )
    steps = options.epochs * math.ceil(len(train) / options.batch)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, options.warm_up))

    history = [Epoch(number=0, training_loss=None, validation_loss=_mean_loss(model, validation, options))]
    best = _copied(weights)
    for number in range(1, options.epochs + 1):
        order = np.random.default_rng([options.seed, number]).permutation(len(train)).tolist()
        total, tokens = 0.0, 0
        model.train()
        for first in range(0, len(train), options.batch):
            chosen = [train[place] for place in order[first : first + options.batch]]
            learnt = sum(len(lesson.ids) - lesson.prompt for lesson in chosen)
            for lesson in chosen:
                with _precision(options, device):
                    loss = answer_loss(model, lesson)
                (loss / learnt).backward()
                total += float(loss.detach())
            tokens += learnt
            torch.nn.utils.clip_grad_norm_(weights.values(), options.max_gradient_norm)
            optimizer.step()
            rate.step()
            optimizer.zero_grad()
            tell(STAGE, (number - 1) * len(train) + first + len(chosen), options.epochs * len(train))
        judged = _mean_loss(model, validation, options)
        history.append(Epoch(number=number, training_loss=total / tokens, validation_loss=judged))
        leader = min(history, key=lambda epoch: (epoch.validation_loss, epoch.number))
        if leader.number == number:
            best = _copied(weights)
        elif number - leader.number >= options.patience:
            break
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(best[name])
    return TunedGenerator(base.tuned(merged(model, base.llama)), history, options)


@torch.inference_mode()
def _mean_loss(model: PreTrainedModel, lessons: Sequence[Lesson], options: TuningOptions) -> float:
    """Mean loss of an answer's token."""
    model.eval()  # type: ignore[no-untyped-call]
    total = 0.0
    for lesson in lessons:
        with _precision(options, model.device):
            total += float(answer_loss(model, lesson))
    mean = total / sum(len(lesson.ids) - lesson.prompt for lesson in lessons)
    if not math.isfinite(mean):
        raise DivergedError(
            f"the validation loss is {mean}: training has diverged; {options.learning_rate:g} is too much"
        )
    return mean


def _rate(step: int, steps: int, warm_up: float) -> float:
    """Share of the highest rate at a step: rises in a line, and falls in one."""
    rising = max(1, round(warm_up * steps))
    return min((step + 1) / rising, (steps - step) / max(1, steps - rising + 1))


def _precision(options: TuningOptions, device: torch.device) -> AbstractContextManager[object]:
    return torch.autocast(device.type, torch.bfloat16) if options.bf16 else nullcontext()


def _copied(weights: dict[str, torch.nn.Parameter]) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in weights.items()}
