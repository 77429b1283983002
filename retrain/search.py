"""A search for better rates, decay and dropout, by Optuna through the Trainer.

Each trial is a whole training run of the same method, judged by its best epoch on validation. What is done stands in
a small database beside the checkpoints, so that a search that was killed goes on after its last whole trial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optuna

from retrain.arguments import arguments
from retrain.callbacks import KeepBest, Told
from retrain.checkpoints import SEARCH
from retrain.history import best, epochs
from retrain.tuner import DivergedError, Tuner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optuna.trial import BaseTrial

    from retrain.tuner import Task
    from streams.contract.model_settings import RetrainSettings

    Tell = Callable[[str, int, int], None]

# Rates are tried from so many times less to so many times more than what the settings say, on a logarithmic scale.
_RATE_FACTOR = 5.0
_MOST_DECAY = 0.1
_MOST_DROPOUT = 0.3

_SEARCHED = ("learning_rate", "head_learning_rate", "weight_decay", "dropout")
_STUDY = "rates"
# One that diverged is done too. Of one that was killed the database says that it runs.
_DONE = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED, optuna.trial.TrialState.FAIL)


def search(task: Task, settings: RetrainSettings, folder: Path, tell: Tell) -> RetrainSettings:
    """Try so many settings as ``trials`` says, the given ones first.

    Args:
        task: What is to be learnt.
        settings: Where to begin; method, epochs and all else stay as they are.
        folder: The run's folder.
        tell: Told of each trial's steps.

    Returns:
        The settings with the best trial's values.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept: dict[str, Any] = {"study_name": _STUDY, "storage": f"sqlite:///{folder / SEARCH}.db", "load_if_exists": True}
    study = optuna.create_study(direction="maximize", **kept)
    done = len(study.get_trials(states=_DONE))
    if not done:
        study.enqueue_trial({name: getattr(settings, name) for name in _SEARCHED})
    if done < settings.trials:
        tuner = Tuner(
            task,
            settings,
            arguments(settings, folder / SEARCH, len(task.train), checkpoints=False, judge_start=True),
            lambda trial: task.network(_chosen(settings, trial)),
            [KeepBest(settings.patience, None), Told("trial", tell)],
        )
        for number in range(done, settings.trials):
            tuner.hyperparameter_search(
                hp_space=lambda trial: _space(settings, trial),
                compute_objective=lambda _: best(epochs(tuner.state.log_history)).score,
                n_trials=1,
                direction="maximize",
                backend="optuna",
                hp_name=lambda trial: str(trial.number + 1),
                # Each trial with draws of its own, which do not hang on where a search was broken off: it would else
                # begin its draws anew, and try again what it has tried.
                sampler=optuna.samplers.TPESampler(seed=settings.seed + number),
                # Too high a rate is an answer as well: the next trial.
                catch=(DivergedError,),
                **kept,
            )
    return settings.model_copy(update=study.best_params)


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
