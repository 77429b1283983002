"""Transformers' Trainer, taught our order of rows, our losses, adversarial steps and our validation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer

from models.batching import sub_batches
from retrain.adversarial import METHODS
from retrain.batches import Draws, Lessons, collate
from retrain.history import logged
from retrain.losses import answered, joined, label_weights, losses, scores
from retrain.methods import LORA_RATE, apply_method
from retrain.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch.utils.data import Dataset, Sampler
    from transformers import TrainerCallback

    from models.bert import Trunk
    from models.heads import Heads
    from models.manifest import Labels
    from models.tokens import TextTokenizer
    from retrain.arguments import Arguments
    from retrain.batches import Batch, Lesson
    from retrain.network import Logits
    from retrain.rows import Head
    from streams.contract.model_settings import RetrainSettings

_READING_BATCH = 64
# How what the heads read is spread is known well enough from so many.
_STANDARD_TEXTS = 256


class DivergedError(Exception):
    """The loss is no number any more; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learnt, and from where."""

    trunk: Trunk
    heads: Heads
    tokenizer: TextTokenizer
    labels: Labels
    class_weights: Mapping[Head, Mapping[str, float]]
    train: Sequence[Lesson]
    validation: Sequence[Lesson]

    def network(self, settings: RetrainSettings) -> Network:
        """The network to begin from."""
        network = Network(self.trunk, self.heads, settings.dropout)
        places = np.random.default_rng(settings.seed).permutation(len(self.train))[:_STANDARD_TEXTS].tolist()
        network.standardise(self.batches([self.train[place] for place in places]))
        apply_method(network, settings)
        return network

    def batches(self, lessons: Sequence[Lesson]) -> list[Batch]:
        """Lessons in batches of about equal length, to be read without learning."""
        places = sub_batches([len(lesson.encoded.ids) for lesson in lessons], _READING_BATCH)
        return [collate([lessons[place] for place in run], self.tokenizer) for run in places]


class Tuner(Trainer):
    """Trains a network.

    Args:
        task: What is to be learnt.
        settings: Method and adversary; all else stands in the arguments.
        args: The Trainer's arguments and ours.
        start: Makes the network to begin from; handed Optuna's trial, or None where there is no search.
        callbacks: Told of each step.
    """

    args: Arguments
    model: Network

    def __init__(
        self,
        task: Task,
        settings: RetrainSettings,
        args: Arguments,
        start: Callable[[Any], Network],
        callbacks: list[TrainerCallback],
    ) -> None:
        super().__init__(
            model_init=start,  # type: ignore[arg-type]  # any module will do
            args=args,
            data_collator=lambda batch: collate(batch, task.tokenizer),
            train_dataset=Lessons(task.train),
            eval_dataset=Lessons(task.validation),
            callbacks=callbacks,
        )
        # It prints each log to standard output, which belongs to the command that called.
        self.remove_callback(PrinterCallback)
        self._labels = task.labels
        self._weights = {
            head: weights.to(args.device) for head, weights in label_weights(task.class_weights, task.labels).items()
        }
        self._trunk_rate = LORA_RATE if settings.method == "lora" else 1.0
        self._adversary = METHODS.get(settings.adversarial)
        self._lengths = [len(lesson.encoded.ids) for lesson in task.train]
        self._validation = task.batches(task.validation)

    def _get_train_sampler(self, _dataset: Dataset[Any] | None = None) -> Sampler[Any]:
        return Draws(self._lengths, self.args.train_batch_size, self.args.seed)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW: the heads at a rate of their own; biases and norms do not decay."""
        if self.optimizer is None:
            groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
            for name, parameter in (model or self.model).named_parameters():
                if parameter.requires_grad:
                    groups.setdefault((name.startswith("trunk."), parameter.ndim > 1), []).append(parameter)
            rates = {True: self.args.learning_rate * self._trunk_rate, False: self.args.head_learning_rate}
            described = [
                {"params": parameters, "lr": rates[of_trunk], "weight_decay": self.args.weight_decay if matrix else 0.0}
                for (of_trunk, matrix), parameters in groups.items()
            ]
            # Fused: one pass over the weights in place of eight, on a processor too.
            self.optimizer = torch.optim.AdamW(described, fused=True)
        return self.optimizer

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
        *,
        perturbation: Tensor | None = None,
    ) -> Tensor:
        """The sum of the heads' mean losses; a head without labels in the batch adds nothing."""
        del return_outputs, num_items_in_batch
        found = answered(_forward(model, inputs, perturbation), inputs)
        # Zero where nobody said anything, and yet a tensor that can be gone back from.
        nothing = found["sentiment"].logits.sum() * 0.0
        return sum(losses(found, self._weights).values(), start=nothing)

    def training_step(self, model: nn.Module, inputs: Batch, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        """One backward pass; several where training is adversarial."""
        if self._adversary is None:
            return super().training_step(model, inputs, num_items_in_batch)
        model.train()
        batch = self._prepare_inputs(inputs)

        def loss_of(perturbation: Tensor) -> Tensor:
            with self.compute_loss_context_manager():
                return self.compute_loss(model, batch, perturbation=perturbation)

        return self._adversary(loss_of, batch["attention_mask"], self.model.width, self.accelerator.backward)

    def evaluate(
        self,
        eval_dataset: object = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Loss and F1 of each head on the validation part, logged under the names that ``history`` knows.

        Raises:
            DivergedError: The loss is not finite.
        """
        del eval_dataset, ignore_keys, metric_key_prefix
        self.model.eval()
        with torch.inference_mode():
            batches = (self._prepare_inputs(batch) for batch in self._validation)
            found = joined([answered(_forward(self.model, batch), batch) for batch in batches])
            loss = float(sum(losses(found, self._weights).values()))
        if not math.isfinite(loss):
            raise DivergedError(
                f"the validation loss is {loss} after step {self.state.global_step}: training has diverged; lower "
                f"retrain.learning_rate ({self.args.learning_rate:g}) or retrain.head_learning_rate "
                f"({self.args.head_learning_rate:g})"
            )
        metrics = logged(loss, scores(found, self._labels))
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def _forward(model: nn.Module, batch: Batch, perturbation: Tensor | None = None) -> Logits:
    logits: Logits = model(batch["input_ids"], batch["attention_mask"], batch["case_ids"], perturbation)
    return logits
