"""A fine-tuning run on toys, in this process, or in one of its own that kills itself on the way.

As a program: ``python -m support.tuning_run FOLDER step|checkpoint|trial``.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from support import toy_bert, toy_rows
from support.toy_model import MAX_TOKENS

from models.base_files import TOKENIZER
from models.bert import load_trunk
from models.tokens import TextTokenizer
from retrain.finetune import STAGE, finetune
from retrain.tuner import Tuner
from streams.contract.model_settings import RetrainSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.heads import Heads
    from retrain.dataset import Dataset
    from retrain.tuned import Tuned

# 48 rows in batches of 8: six steps an epoch, and a checkpoint after each.
KILLED_AT = 9
KILLED_IN = "trial 3"
SEARCHED = {"trials": 4, "epochs": 1}


def settings(**changed: object) -> RetrainSettings:
    quick = {"batch": 8, "epochs": 3, "patience": 3, "frozen_layers": 1, "learning_rate": 3e-3}
    return RetrainSettings(**quick | changed)  # type: ignore[arg-type]


def run(
    folder: Path,
    *,
    heads: Heads | None = None,
    tokenizer: TextTokenizer | None = None,
    dataset: Dataset | None = None,
    tell: Callable[[str, int, int], None] = lambda *_: None,
    **changed: object,
) -> Tuned:
    """Fine-tune the toy; checkpoints go into ``run`` in the folder."""
    # Sums in one order, whatever the machine is doing; and toys are quicker on one thread.
    torch.set_num_threads(1)
    base = folder / "base"
    base.mkdir(exist_ok=True)
    trunk = load_trunk(toy_bert.write(base))
    ours = tokenizer or TextTokenizer(base / TOKENIZER, MAX_TOKENS)
    return finetune(dataset or toy_rows.dataset(), trunk, ours, heads, settings(**changed), folder / "run", tell)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _main(folder: str, when: str) -> None:
    def tell(stage: str, done: int, _total: int) -> None:
        if stage == STAGE and done == KILLED_AT and when == "step":
            _die()
        if stage == KILLED_IN and when == "trial":
            _die()

    if when == "checkpoint":
        whole = Tuner._save_rng_state

        def dying(tuner: Tuner, output_dir: str) -> None:
            if tuner.state.global_step == KILLED_AT:
                _die()
            whole(tuner, output_dir)

        Tuner._save_rng_state = dying  # type: ignore[method-assign]
    run(Path(folder), tell=tell, **(SEARCHED if when == "trial" else {}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
