"""What is done beside the training steps: the best epoch kept, whole checkpoints marked, progress told."""

# ruff: noqa: ANN401, ARG002  the signatures are the Trainer's

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import structlog
from transformers import TrainerCallback

from retrain.history import best, ended, epochs

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import TrainerControl, TrainerState, TrainingArguments

    from retrain.checkpoints import Checkpoints

    Tell = Callable[[str, int, int], None]

_log = structlog.get_logger(__name__)


class KeepBest(TrainerCallback):
    """Keeps the network of the best epoch, and ends training that brings no better one.

    It knows nothing but the log, which checkpoints hold: a run that was killed goes on as if it had not been.

    Args:
        patience: Epochs without a better one after which training ends.
        checkpoints: Where the best is kept; None keeps none.
    """

    def __init__(self, patience: int, checkpoints: Checkpoints | None) -> None:
        self._patience = patience
        self._checkpoints = checkpoints

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """An epoch was judged."""
        history = epochs(state.log_history)
        if best(history) is history[-1] and self._checkpoints is not None:
            self._checkpoints.save_best(kwargs["model"])
        if ended(history, self._patience):
            control.should_training_stop = True


class MarkWhole(TrainerCallback):
    """Marks checkpoints that are wholly written.

    Args:
        checkpoints: The run's folder.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """The last file of a checkpoint was written."""
        self._checkpoints.mark(state.global_step)


class Told(TrainerCallback):
    """Tells of each step, and logs each epoch with the time that is left.

    Args:
        stage: Name of the stage; in a search the number of the trial is put after it.
        tell: Told of the stage, and how many steps of it are done, of how many.
    """

    def __init__(self, stage: str, tell: Tell) -> None:
        self._stage = stage
        self._tell = tell
        self._began = 0.0
        self._first_step = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Training begins, or goes on."""
        self._began, self._first_step = time.monotonic(), state.global_step
        self._tell(self._name(state), state.global_step, state.max_steps)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """A step was made."""
        self._tell(self._name(state), state.global_step, state.max_steps)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """An epoch was judged."""
        last = epochs(state.log_history)[-1]
        done = state.global_step - self._first_step
        pace = (time.monotonic() - self._began) / done if done else None
        _log.info(
            "fine_tuning",
            stage=self._name(state),
            epoch=last.number,
            of=args.num_train_epochs,
            training_loss=last.training_loss,
            validation_loss=round(last.validation_loss, 4),
            score=round(last.score, 4),
            seconds_left=None if pace is None else round(pace * (state.max_steps - state.global_step)),
        )

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Training ended, early perhaps."""
        self._tell(self._name(state), state.max_steps, state.max_steps)

    def _name(self, state: TrainerState) -> str:
        return self._stage if state.trial_name is None else f"{self._stage} {state.trial_name}"
