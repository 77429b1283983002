"""The training loop of the generator, to be read in a sitting: AdamW, one rate that rises and falls, early stopping.

A pair at a time goes through the model, and a step is made for every few of them: texts of some hundred tokens fill a
processor, and nothing is padded. A run that was killed goes on from its checkpoint when it is called again with the
same, and ends in the same weights: lots are drawn for the order of the pairs alone, by the seed and the epoch.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from msgspec.structs import replace

from retrain.arguments import FinetuneError
from retrain.generator.checkpoints import Checkpoint, Epoch, Place, identity
from retrain.generator.network import answer_loss, apply_method, learning, merged, network
from retrain.tuner import DivergedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor
    from transformers import PreTrainedModel

    from models.generator.weights import Base
    from retrain.generator.lessons import Lesson
    from retrain.generator.options import TuningOptions

    Tell = Callable[[str, int, int], None]

STAGE = "fine-tuning"

# A kill costs about so many steps at most. Of all weights a checkpoint is as large as four models: once an epoch.
_STEPS_OF_LORA = 20
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


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
    folder: Path | None = None,
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
        folder: The run's own, for its checkpoint; without one a run that is killed begins anew.

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
    run = identity(base.files.sha256, end, (train, validation), options)
    checkpoint = None if folder is None else Checkpoint(folder, run)
    kept = None if checkpoint is None else checkpoint.load()
    if kept is None:
        judged = Epoch(number=0, training_loss=None, validation_loss=_mean_loss(model, validation, options))
        place = Place(identity=run, epoch=1, learnt=0, loss=0.0, tokens=0, history=[judged])
        best = _copied(weights)
    else:
        place, tensors = kept
        best = _restored(tensors, weights, optimizer)

    steps = math.ceil(len(train) / options.batch)
    while place.epoch <= options.epochs and not _is_ended(place.history, options.patience):
        order = np.random.default_rng([options.seed, place.epoch]).permutation(len(train)).tolist()
        total, tokens = place.loss, place.tokens
        model.train()
        for first in range(place.learnt, len(train), options.batch):
            chosen = [train[number] for number in order[first : first + options.batch]]
            loss, learnt = _backward(model, chosen, options)
            total, tokens = total + loss, tokens + learnt
            torch.nn.utils.clip_grad_norm_(weights.values(), options.max_gradient_norm)
            step = (place.epoch - 1) * steps + first // options.batch
            for group in optimizer.param_groups:
                group["lr"] = options.learning_rate * _rate(step, options.epochs * steps, options.warm_up)
            optimizer.step()
            optimizer.zero_grad()
            done = first + len(chosen)
            tell(STAGE, (place.epoch - 1) * len(train) + done, options.epochs * len(train))
            if checkpoint is not None and options.method == "lora" and (step + 1) % _STEPS_OF_LORA == 0:
                place = replace(place, learnt=done, loss=total, tokens=tokens)
                checkpoint.save(place, dict(_tensors(weights, best, optimizer)))
        judged = Epoch(
            number=place.epoch, training_loss=total / tokens, validation_loss=_mean_loss(model, validation, options)
        )
        place = replace(place, epoch=place.epoch + 1, learnt=0, loss=0.0, tokens=0, history=[*place.history, judged])
        if _leader(place.history) is judged:
            best = _copied(weights)
        if checkpoint is not None:
            checkpoint.save(place, dict(_tensors(weights, best, optimizer)))
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(best[name])
    return TunedGenerator(base.tuned(merged(model, base.llama)), place.history, options)


def _backward(model: PreTrainedModel, lessons: Sequence[Lesson], options: TuningOptions) -> tuple[float, int]:
    """Add the gradients of some lessons; their summed loss, and the tokens of their answers."""
    total, tokens = 0.0, sum(len(lesson.ids) - lesson.prompt for lesson in lessons)
    for lesson in lessons:
        with _precision(options, model.device):
            loss = answer_loss(model, lesson)
        (loss / tokens).backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    return total, tokens


def _leader(history: Sequence[Epoch]) -> Epoch:
    """The best epoch, the first of equals."""
    return min(history, key=lambda epoch: (epoch.validation_loss, epoch.number))


def _is_ended(history: Sequence[Epoch], patience: int) -> bool:
    """Whether so many epochs have passed without a better one."""
    return history[-1].number - _leader(history).number >= patience


def _tensors(
    weights: dict[str, torch.nn.Parameter], best: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> Iterator[tuple[str, Tensor]]:
    """All that training goes on from, by name."""
    for name, weight in weights.items():
        yield f"weight {name}", weight
        yield f"best {name}", best[name]
        for moment in _MOMENTS:
            yield f"{moment} {name}", optimizer.state[weight][moment]


def _restored(
    tensors: dict[str, Tensor], weights: dict[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer
) -> dict[str, Tensor]:
    """Put back what ``_tensors`` gave; the best weights are returned."""
    best = {}
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(tensors[f"weight {name}"])
            best[name] = tensors[f"best {name}"].to(weight.device)
            # The count of steps stays where the fused optimiser has it, with the weights.
            optimizer.state[weight] = {moment: tensors[f"{moment} {name}"].to(weight.device) for moment in _MOMENTS}
    return best


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
