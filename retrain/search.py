"""A search for better rates, decay and dropout, by Optuna through the Trainer.

Each trial is a whole training run of the same method, judged by its best epoch on validation. What is done stands in
a small database beside the checkpoints, so that a search that was killed goes on after its last whole trial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import Trial, TrialState

from retrain.arguments import arguments
from retrain.callbacks import KeepBest, Told
from retrain.checkpoints import SEARCH
from retrain.history import best, epochs
from retrain.tuner import DivergedError, Tuner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from optuna.trial import BaseTrial, FrozenTrial
    from transformers.trainer_utils import TrainOutput

    from retrain.tuner import Task
    from streams.contract.model_settings import RetrainSettings

    Tell = Callable[[str, int, int], None]

# Rates are tried from so many times less to so many times more than what the settings say, on a logarithmic scale.
_RATE_FACTOR = 5.0
_MOST_DECAY = 0.1
_MOST_DROPOUT = 0.3

_SEARCHED = ("learning_rate", "head_learning_rate", "weight_decay", "dropout")
_STUDY = "rates"
_DIVERGED = "diverged"


def search(task: Task, settings: RetrainSettings, folder: Path, tell: Tell) -> RetrainSettings:
    """Try so many settings as ``trials`` says, the given ones first.

    Args:
        task: What is to be learnt.
        settings: Where to begin; method, epochs and all else stay as they are.
        folder: The run's folder.
        tell: Told of each trial's steps.

    Returns:
        The settings with the best trial's values.

    Raises:
        DivergedError: Every trial did; the message names the rates.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept: dict[str, Any] = {"study_name": _STUDY, "storage": f"sqlite:///{folder / SEARCH}.db", "load_if_exists": True}
    study = optuna.create_study(direction="maximize", **kept)
    done = sum(map(_is_done, study.trials))
    if not done:
        study.enqueue_trial({name: getattr(settings, name) for name in _SEARCHED})
    if done < settings.trials:
        tuner = _Trials(
            task,
            settings,
            arguments(settings, folder / SEARCH, len(task.train), checkpoints=False, judge_start=True),
            lambda trial: task.network(_chosen(settings, trial)),
            [KeepBest(settings.patience, None), Told("trial", tell)],
        )
        for number in range(done, settings.trials):
            try:
                tuner.hyperparameter_search(
                    hp_space=lambda trial: _space(settings, trial),
                    compute_objective=lambda _: best(epochs(tuner.state.log_history)).score,
                    n_trials=1,
                    direction="maximize",
                    backend="optuna",
                    hp_name=lambda trial: str(trial.number + 1),
                    # Each trial with draws of its own, which do not hang on where a search was broken off: it would
                    # else begin its draws anew, and try again what it has tried.
                    sampler=optuna.samplers.TPESampler(seed=settings.seed + number),
                    # Too high a rate is an answer as well: the next trial.
                    catch=(DivergedError,),
                    **kept,
                )
            except ValueError:
                # The Trainer asks for the best trial after each, and there is none where all so far diverged.
                if sum(map(_is_done, study.trials)) == number:
                    raise
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        raise DivergedError(_all_diverged(study.trials, settings))
    return settings.model_copy(update=study.best_params)


class _Trials(Tuner):
    """Says in the database which trials diverged: one that failed by a full disk, or was killed, is tried again."""

    def train(
        self,
        resume_from_checkpoint: str | bool | None = None,
        trial: Trial | dict[str, Any] | None = None,
        ignore_keys_for_eval: list[str] | None = None,
    ) -> TrainOutput:
        """Train as one trial."""
        try:
            return super().train(resume_from_checkpoint, trial, ignore_keys_for_eval)
        except DivergedError:
            if isinstance(trial, Trial):
                trial.set_user_attr(_DIVERGED, value=True)
            raise


def _is_done(trial: FrozenTrial) -> bool:
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or _has_diverged(trial)


def _has_diverged(trial: FrozenTrial) -> bool:
    return _DIVERGED in trial.user_attrs


def _all_diverged(trials: Sequence[FrozenTrial], settings: RetrainSettings) -> str:
    tried = [trial.params for trial in trials if _has_diverged(trial)]
    rates = ", ".join(f"{one['learning_rate']:g} with {one['head_learning_rate']:g} for the heads" for one in tried)
    return (
        f"each of {len(tried)} trials has diverged, at learning rates of {rates}: lower retrain.learning_rate "
        f"({settings.learning_rate:g}) or retrain.head_learning_rate ({settings.head_learning_rate:g})"
    )


def _chosen(settings: RetrainSettings, trial: BaseTrial | None) -> RetrainSettings:
    return settings if trial is None else settings.model_copy(update=_space(settings, trial))


def _space(settings: RetrainSettings, trial: BaseTrial) -> dict[str, float]:
    """A trial's values; asked for again, they are the same."""
    rates = {
        name: trial.suggest_float(name, rate / _RATE_FACTOR, rate * _RATE_FACTOR, log=True)
        for name, rate in (
            ("learning_rate", settings.learning_rate),
            ("head_learning_rate", settings.head_learning_rate),
        )
    }
    return {
        **rates,
        "weight_decay": trial.suggest_float("weight_decay", 0.0, max(_MOST_DECAY, settings.weight_decay)),
        "dropout": trial.suggest_float("dropout", 0.0, max(_MOST_DROPOUT, settings.dropout)),
    }
