"""What the heads are trained to lower, and how well they do: each on the texts of which somebody gave its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from models.tagging import OUTSIDE
from retrain.batches import UNKNOWN
from retrain.rows import HEADS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.manifest import Labels
    from retrain.batches import Batch
    from retrain.network import Logits
    from retrain.rows import Head

    Weights = Mapping[Head, Tensor]
    """Of each label in the loss, float32 [labels]; a head that is not in it weighs all alike."""


class Answered(NamedTuple):
    """A head's logits and the right answers, of all to which there is one."""

    logits: Tensor
    """float32 [answers, labels]."""
    targets: Tensor
    """int64 [answers]; or float32 [answers, labels] where several labels may hold."""


def label_weights(class_weights: Mapping[Head, Mapping[str, float]], labels: Labels) -> dict[Head, Tensor]:
    """Class weights by name as tensors in the order of the labels; a label without one weighs 1."""
    names: dict[Head, Sequence[str]] = {
        "topic": labels.topics,
        "sentiment": labels.sentiments,
        "intent": labels.intents,
        "entities": labels.entity_tags,
        "towards": labels.sentiments,
    }
    return {head: torch.tensor([given.get(name, 1.0) for name in names[head]]) for head, given in class_weights.items()}


def answered(logits: Logits, batch: Batch) -> dict[Head, Answered]:
    """Of each head the part of a batch that it can learn from, which may be none."""
    pairs: dict[Head, tuple[Tensor | None, Tensor]] = {
        "topic": (logits.topic, batch["topic"]),
        "sentiment": (logits.sentiment, batch["sentiment"]),
        "intent": (logits.intent, batch["intent"]),
        "entities": (logits.entities, batch["entities"]),
        # The mean over an entity's pieces, since that is what is served.
        "towards": (torch.einsum("nl,nlc->nc", batch["spans"], logits.towards[batch["span_rows"]]), batch["towards"]),
    }
    return {head: _known(given, targets) for head, (given, targets) in pairs.items() if given is not None}


def _known(logits: Tensor, targets: Tensor) -> Answered:
    # Where several topics may hold, either all of a row's are known or none is.
    known = (targets if not targets.is_floating_point() else targets[:, 0]) != UNKNOWN
    return Answered(logits[known], targets[known])


def losses(of: Mapping[Head, Answered], weights: Weights) -> dict[Head, Tensor]:
    """The mean loss of each head over its answers; a head without any is left out.

    A mean, so that each head has its say in the trunk however few its labels are.
    """
    return {head: _loss(one, weights.get(head)) for head, one in of.items() if len(one.targets)}


def _loss(one: Answered, weight: Tensor | None) -> Tensor:
    logits = one.logits.float()
    if one.targets.is_floating_point():
        return nn.functional.binary_cross_entropy_with_logits(logits, one.targets, pos_weight=weight)
    return nn.functional.cross_entropy(logits, one.targets, weight=weight)


def joined(parts: Sequence[Mapping[Head, Answered]]) -> dict[Head, Answered]:
    """The answers of several batches together."""
    return {
        head: Answered(
            torch.cat([part[head].logits for part in parts]), torch.cat([part[head].targets for part in parts])
        )
        for head in HEADS
        if head in parts[0]
    }


def scores(of: Mapping[Head, Answered], labels: Labels) -> dict[Head, float]:
    """F1 of each head that has answers: macro over the labels that occur; of entities micro over words' tags but O."""
    return {head: _score(head, one, labels) for head, one in of.items() if len(one.targets)}


def _score(head: Head, one: Answered, labels: Labels) -> float:
    several = one.targets.is_floating_point()
    given = ((one.logits > 0) if several else one.logits.argmax(dim=-1)).cpu().numpy()
    targets = one.targets.int().cpu().numpy()
    if head == "entities":
        tags = [number for number, tag in enumerate(labels.entity_tags) if tag != OUTSIDE]
        return float(f1_score(targets, given, labels=tags, average="micro", zero_division=0))
    present = np.flatnonzero(targets.any(axis=0)) if several else np.unique(targets)
    return float(f1_score(targets, given, labels=present, average="macro", zero_division=0))
