"""The settings in the Trainer's own words, and what is fixed beside them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil
from typing import TYPE_CHECKING

import torch
from transformers import TrainingArguments

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.model_settings import RetrainSettings

# A kill costs about so much of an epoch at most. A checkpoint of MiniLM is 127 MB with three layers frozen: weights
# and two moments of each that learns.
_CHECKPOINTS_AN_EPOCH = 4
# The one that was whole before stays until the next one is.
_CHECKPOINTS_KEPT = 2


class FinetuneError(ValueError):
    """Training cannot begin; the message names the setting or the part of the data, and what to do."""


@dataclass(kw_only=True)
class Arguments(TrainingArguments):
    """The Trainer's own arguments, and ours beside them, so that a search may vary all of them alike."""

    head_learning_rate: float = 1e-3
    dropout: float = 0.1


def arguments(settings: RetrainSettings, folder: Path, rows: int, *, checkpoints: bool, judge_start: bool) -> Arguments:
    """What the Trainer is told.

    Args:
        settings: Method, rates and the rest.
        folder: Of the checkpoints.
        rows: Rows in the training part.
        checkpoints: Whether any are written.
        judge_start: Whether the network is judged before the first step.

    Raises:
        FinetuneError: A tracker is not installed, or the GPU does not compute with bfloat16.
    """
    steps = ceil(rows / settings.batch)
    _check_trackers(settings)
    made = Arguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch,
        learning_rate=settings.learning_rate,
        head_learning_rate=settings.head_learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=ceil(settings.warm_up * steps * settings.epochs),
        weight_decay=settings.weight_decay,
        dropout=settings.dropout,
        max_grad_norm=settings.max_gradient_norm,
        bf16=wants_bf16(settings),
        use_cpu=not torch.accelerator.is_available(),
        seed=settings.seed,
        # Slower on a GPU, and the same weights from the same seed.
        full_determinism=True,
        # Once an epoch, and yet told in steps: else a checkpoint at an epoch's last step would be written before it is
        # judged, and a run that goes on from there would never judge it.
        eval_strategy="steps",
        eval_steps=steps,
        eval_on_start=judge_start,
        logging_strategy="steps",
        logging_steps=steps,
        save_strategy="steps" if checkpoints else "no",
        save_steps=max(1, steps // _CHECKPOINTS_AN_EPOCH),
        save_total_limit=_CHECKPOINTS_KEPT,
        report_to=list(settings.report_to) or "none",
        # Our own callbacks tell of progress, and our own batches are no arguments of the network.
        disable_tqdm=True,
        log_level="error",
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    # Of several GPUs one is used: the Trainer would part each batch by rows, and ours hold entities too.
    made._n_gpu = min(made.n_gpu, 1)  # noqa: SLF001  the Trainer itself sets it so where one is enough
    return made


def _check_trackers(settings: RetrainSettings) -> None:
    missing = [name for name in settings.report_to if find_spec(name) is None]
    if missing:
        raise FinetuneError(
            f"retrain.report_to names {', '.join(missing)}, which is not installed: pip install {' '.join(missing)}, "
            "or take it out of the setting"
        )


def wants_bf16(settings: RetrainSettings) -> bool:
    """Whether to compute in bfloat16; where it would be emulated it is slower, and has to be asked for.

    Raises:
        FinetuneError: It is asked for, and the GPU does not compute with it.
    """
    if settings.bf16 == "auto":
        return _computes_with_bf16()
    if settings.bf16 == "yes" and torch.accelerator.is_available() and not _computes_with_bf16():
        raise FinetuneError("retrain.bf16 = yes, and this GPU does not compute with bfloat16: set auto or no")
    return settings.bf16 == "yes"


def _computes_with_bf16() -> bool:
    if torch.accelerator.is_available():
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
