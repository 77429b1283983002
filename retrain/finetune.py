"""Fine-tuning: a trunk and its heads, trained together on a data set, in fp32 or bfloat16, on a GPU or without one.

Read from top to bottom it is what happens: the heads are fitted on the trunk as it is (``warm_start``); settings are
searched for, where that is wanted (``search``); then trunk and heads are trained together by transformers' Trainer
(``tuner``), and the epoch that does best on validation is handed back, the warm start being epoch 0 of them.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from transformers import TrainerState
from transformers.trainer import TRAINER_STATE_NAME

from retrain.arguments import FinetuneError, arguments
from retrain.batches import lessons
from retrain.callbacks import KeepBest, MarkWhole, Told
from retrain.checkpoints import Checkpoints
from retrain.history import ended, epochs
from retrain.network import Network
from retrain.rows import HEADS
from retrain.search import search
from retrain.tuned import Tuned
from retrain.tuner import Task, Tuner
from retrain.warm_start import warm_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.bert import Trunk
    from models.heads import Heads
    from models.tokens import TextTokenizer
    from retrain.batches import Lesson
    from retrain.dataset import Dataset
    from retrain.rows import Row
    from streams.contract.model_settings import RetrainSettings

    Tell = Callable[[str, int, int], None]

STAGE = "fine-tuning"
"""Name of the stage that takes longest, as it is told."""

# What a run's result depends on; a change of any other setting, such as the schedule, does not make it another run.
_SHAPING = {
    *("method", "frozen_layers", "lora_rank", "adversarial", "epochs", "patience", "batch", "learning_rate"),
    *("head_learning_rate", "warm_up", "weight_decay", "dropout", "max_gradient_norm", "bf16", "trials", "seed"),
}


def finetune(
    dataset: Dataset,
    trunk: Trunk,
    tokenizer: TextTokenizer,
    heads: Heads | None,
    settings: RetrainSettings,
    folder: Path,
    tell: Tell,
) -> Tuned:
    """Train a trunk and its heads on a data set's training part; its validation part says when to stop.

    The same seed, data, settings and machine give the same weights. A run that was killed goes on from its last
    checkpoint when it is called again with the same, and ends in the same weights too.

    Args:
        dataset: Its frozen and recent parts are not looked at.
        trunk: The encoder to begin from.
        tokenizer: Its tokenizer.
        heads: The heads to begin from, or None to fit first ones.
        settings: Method, rates and the rest.
        folder: Checkpoints lie here. It may be removed once the result is safe.
        tell: Told of a stage's name, and how much of it is done, of how much.

    Raises:
        FinetuneError: There is nothing to learn or to validate on, or a setting does not fit the trunk or the machine.
        DivergedError: The loss ran away.
    """
    train, validation = _telling(dataset.train, "train"), _telling(dataset.validation, "validation")
    if settings.method == "frozen" and (settings.frozen_layers or 0) > trunk.layers:
        raise FinetuneError(
            f"retrain.frozen_layers = {settings.frozen_layers}, and the trunk has {trunk.layers} layers: freeze fewer"
        )
    learnt, judged = (lessons(rows, tokenizer, dataset.labels) for rows in (train, validation))
    checkpoints = Checkpoints(folder, _identity(dataset, [*learnt, *judged], trunk, heads, settings))
    task = Task(
        trunk=trunk,
        heads=warm_start(train, dataset.labels, trunk, tokenizer, heads, seed=settings.seed, tell=tell),
        tokenizer=tokenizer,
        labels=dataset.labels,
        class_weights=dataset.class_weights,
        train=learnt,
        validation=judged,
    )
    if settings.trials:
        settings = search(task, settings, folder, tell)

    resumed = checkpoints.latest()
    told = TrainerState() if resumed is None else TrainerState.load_from_json(str(resumed / TRAINER_STATE_NAME))
    tuner = Tuner(
        task,
        settings,
        arguments(settings, folder, len(train), checkpoints=True, judge_start=resumed is None),
        lambda _: task.network(settings),
        [KeepBest(settings.patience, checkpoints), MarkWhole(checkpoints), Told(STAGE, tell)],
    )
    # A run may have been killed after its patience was at an end, and before anybody had its result.
    if not ended(epochs(told.log_history), settings.patience):
        tuner.train(resume_from_checkpoint=None if resumed is None else str(resumed))
        told = tuner.state
    checkpoints.load_best(tuner.model)
    return Tuned(*tuner.model.to_parts(), epochs(told.log_history), settings)


def _telling(rows: Sequence[Row], part: str) -> list[Row]:
    """Rows that teach or judge a head: one with nothing but a reply does neither."""
    telling = [row for row in rows if any(row.says(head) for head in HEADS)]
    if not telling:
        raise FinetuneError(
            f"the {part} part of the data set holds no labelled text: import labels, or add seed examples"
        )
    return telling


def _identity(
    dataset: Dataset, told: Sequence[Lesson], trunk: Trunk, heads: Heads | None, settings: RetrainSettings
) -> str:
    """Hash of all that the result follows from; the tokenizer and its cut by what they make of the texts."""
    digest = sha256(dataset.sha256.encode())
    for lesson in told:
        digest.update(repr(lesson).encode())
    digest.update(settings.model_dump_json(include=_SHAPING).encode())
    weights = dict(trunk.weights)
    if heads is not None:
        weights = {name: tensor.numpy() for name, tensor in Network(trunk, heads).state_dict().items()}
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].tobytes())
    return digest.hexdigest()
