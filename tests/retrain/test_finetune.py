"""Fine-tuning on toys: that it learns, what it leaves alone, that it can be repeated, and that it survives a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace as with_
from support import toy_bert, toy_rows
from support.toy_model import MAX_TOKENS

from models.base_files import TOKENIZER
from models.bert import load_trunk
from models.tokens import TextTokenizer
from streams.contract.model_settings import RetrainSettings

if TYPE_CHECKING:
    from retrain.tuned import Tuned

pytest.importorskip("torch")
tuning_run = pytest.importorskip("support.tuning_run")
arguments = pytest.importorskip("retrain.arguments")
finetune = pytest.importorskip("retrain.finetune")
tuner = pytest.importorskip("retrain.tuner")

pytestmark = pytest.mark.train

TESTS = Path(__file__).parents[1]
QUERY = "encoder.layer.{}.attention.self.query.weight"


def weights(tuned: Tuned) -> dict[str, np.ndarray]:
    heads = {
        "topic": tuned.heads.topic,
        "sentiment": tuned.heads.sentiment,
        "entity": tuned.heads.entity.hidden,
        "towards": tuned.heads.towards.output,
    }
    return {**tuned.trunk.weights, **{name: head.weight for name, head in heads.items()}}


def same(one: Tuned, other: Tuned) -> bool:
    return all(np.array_equal(weights(one)[name], weight) for name, weight in weights(other).items())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    return tuning_run.run(tmp_path_factory.mktemp("undisturbed"))


def test_it_learns_more_than_the_warm_start_knew(tmp_path: Path) -> None:
    tuned = tuning_run.run(tmp_path, method="full", dropout=0.0, epochs=6, patience=6, head_learning_rate=5e-2)
    start, *rest = tuned.history
    assert max(epoch.score for epoch in rest) > start.score + 0.1
    assert [epoch.step for epoch in tuned.history] == [6 * number for number in range(7)]


def test_the_best_epoch_is_handed_back_be_it_the_warm_start(tmp_path: Path) -> None:
    tuned = tuning_run.run(tmp_path, method="full", epochs=1, learning_rate=1.0, head_learning_rate=1.0)
    start, only = tuned.history
    assert only.score < start.score
    trunk = load_trunk(tmp_path / "base")
    assert np.array_equal(tuned.trunk.weights[QUERY.format(1)], trunk.weights[QUERY.format(1)])


def test_training_ends_where_it_no_longer_helps(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    tuned = tuning_run.run(
        tmp_path,
        epochs=5,
        patience=1,
        learning_rate=1.0,
        head_learning_rate=1.0,
        tell=lambda *what: told.append(what),
    )
    assert len(tuned.history) == 2
    of_stage = [(done, total) for stage, done, total in told if stage == finetune.STAGE]
    assert of_stage == [*((step, 30) for step in range(7)), (30, 30)]


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(tmp_path: Path, undisturbed: Tuned) -> None:
    assert same(tuning_run.run(tmp_path), undisturbed)
    assert not same(tuning_run.run(tmp_path, seed=14), undisturbed)


def run_and_be_killed(folder: Path, when: str) -> None:
    """A run in a process of its own, which kills itself on the way."""
    killed = subprocess.run(
        [sys.executable, "-m", "support.tuning_run", str(folder), when],
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]


@pytest.mark.timeout(300)  # a process of its own, which imports torch
@pytest.mark.parametrize("when", ["step", "checkpoint"])
def test_a_run_that_was_killed_goes_on_and_ends_in_the_same_weights(
    tmp_path: Path, undisturbed: Tuned, when: str
) -> None:
    run_and_be_killed(tmp_path, when)
    half = tmp_path / "run" / f"checkpoint-{tuning_run.KILLED_AT}"
    assert half.is_dir() == (when == "checkpoint")
    told: list[int] = []
    resumed = tuning_run.run(
        tmp_path, tell=lambda stage, done, _: told.append(done) if stage == finetune.STAGE else None
    )
    # In the midst of the second epoch, where the last whole checkpoint is.
    assert told[0] == tuning_run.KILLED_AT - 1
    assert same(resumed, undisturbed)
    # But for the training loss, which is that since the checkpoint.
    scored = [
        [(epoch.step, epoch.validation_loss, epoch.scores) for epoch in run.history] for run in (resumed, undisturbed)
    ]
    assert scored[0] == scored[1]


def test_a_finished_run_that_is_asked_for_again_is_only_read(tmp_path: Path, undisturbed: Tuned) -> None:
    tuning_run.run(tmp_path, patience=4)
    told: list[int] = []
    again = tuning_run.run(
        tmp_path, patience=4, tell=lambda stage, done, _: told.append(done) if stage == finetune.STAGE else None
    )
    assert set(told) == {18}
    assert same(again, undisturbed)
    assert again.history == undisturbed.history


@pytest.mark.parametrize("change", ["cut", "pieces"])
def test_a_run_whose_texts_are_tokenised_otherwise_begins_anew(tmp_path: Path, change: str) -> None:
    def steps(tokenizer: TextTokenizer | None) -> list[int]:
        told: list[int] = []
        tuning_run.run(
            tmp_path,
            epochs=1,
            tokenizer=tokenizer,
            tell=lambda stage, done, _: told.append(done) if stage == finetune.STAGE else None,
        )
        return told

    assert steps(None)[0] == 0
    # Finished: it would only be read.
    assert set(steps(None)) == {6}
    tokenizer = (tmp_path / "base" / TOKENIZER).read_text(encoding="utf-8")
    other = {
        "cut": (tokenizer, 5),
        "pieces": (tokenizer.replace('"acme"', '"nobody"'), MAX_TOKENS),
    }[change]
    assert steps(TextTokenizer(*other))[0] == 0


def test_a_run_that_was_killed_after_its_patience_was_at_an_end_does_not_go_on(tmp_path: Path) -> None:
    wild = {"epochs": 5, "patience": 1, "learning_rate": 1.0, "head_learning_rate": 1.0}
    ended = tuning_run.run(tmp_path, **wild)
    told: list[str] = []
    again = tuning_run.run(tmp_path, tell=lambda stage, *_: told.append(stage), **wild)
    assert finetune.STAGE not in told
    assert same(again, ended)
    assert again.history == ended.history


def test_the_lowest_layers_are_left_alone_where_they_are_frozen(tmp_path: Path) -> None:
    tuned = tuning_run.run(
        tmp_path, method="frozen", frozen_layers=1, dropout=0.0, epochs=6, patience=6, head_learning_rate=5e-2
    )
    trunk = load_trunk(tmp_path / "base")
    assert max(epoch.score for epoch in tuned.history[1:]) > tuned.history[0].score
    changed = {name for name, weight in tuned.trunk.weights.items() if not np.array_equal(weight, trunk.weights[name])}
    assert changed
    assert all(name.startswith("encoder.layer.1.") for name in changed)


def test_half_of_the_layers_are_left_alone_where_nothing_else_is_said(tmp_path: Path) -> None:
    tuned = tuning_run.run(tmp_path, method="frozen", frozen_layers=None, dropout=0.0, epochs=2)
    trunk = load_trunk(tmp_path / "base")
    changed = {name for name, weight in tuned.trunk.weights.items() if not np.array_equal(weight, trunk.weights[name])}
    assert {name.split(".")[2] for name in changed} == {"1"}


def test_low_rank_additions_are_merged_into_the_trunk(tmp_path: Path) -> None:
    tuned = tuning_run.run(
        tmp_path, method="lora", lora_rank=1, dropout=0.0, epochs=6, patience=6, head_learning_rate=5e-2
    )
    trunk = load_trunk(tmp_path / "base")
    assert max(epoch.score for epoch in tuned.history[1:]) > tuned.history[0].score
    assert tuned.trunk.weights.keys() == trunk.weights.keys()
    difference = tuned.trunk.weights[QUERY.format(0)] - trunk.weights[QUERY.format(0)]
    assert np.linalg.matrix_rank(difference, tol=1e-4) == 1
    unchanged = "embeddings.word_embeddings.weight"
    assert np.array_equal(tuned.trunk.weights[unchanged], trunk.weights[unchanged])


@pytest.mark.parametrize("adversarial", ["fgm", "freelb"])
def test_adversarial_steps_change_what_is_learnt(tmp_path: Path, undisturbed: Tuned, adversarial: str) -> None:
    tuned = tuning_run.run(tmp_path, adversarial=adversarial, epochs=1, learning_rate=1e-4)
    assert tuned.history[1].training_loss != undisturbed.history[1].training_loss
    assert np.isfinite(tuned.history[1].validation_loss)


def test_bfloat16_is_a_switch(tmp_path: Path, undisturbed: Tuned) -> None:
    tuned = tuning_run.run(tmp_path, bf16="yes", epochs=1)
    assert tuned.history[1].training_loss == pytest.approx(undisturbed.history[1].training_loss, rel=0.1)
    assert tuned.history[1].training_loss != undisturbed.history[1].training_loss
    assert all(weight.dtype == np.float32 for weight in weights(tuned).values())


def test_a_search_chooses_rates_decay_and_dropout_and_begins_with_the_settings(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    told: set[str] = set()
    tuned = tuning_run.run(tmp_path, trials=2, epochs=1, tell=lambda stage, *_: told.add(stage))
    study = optuna.load_study(study_name="rates", storage=f"sqlite:///{tmp_path / 'run' / 'search.db'}")
    given = tuning_run.settings()
    names = ("learning_rate", "head_learning_rate", "weight_decay", "dropout")
    assert study.trials[0].params == {name: pytest.approx(getattr(given, name)) for name in names}
    assert study.trials[1].params != study.trials[0].params
    assert {name: getattr(tuned.settings, name) for name in names} == study.best_params
    assert {"trial 1", "trial 2", finetune.STAGE} <= told
    # A run that goes on asks the study what it found.
    again = tuning_run.run(tmp_path, trials=2, epochs=1)
    assert same(again, tuned)


def diverging(monkeypatch: pytest.MonkeyPatch, *trials: str) -> None:
    """Have trials diverge after their first epoch."""
    judged = tuner.Tuner.evaluate

    def evaluate(self: Any, *args: Any, **others: Any) -> dict[str, float]:  # noqa: ANN401
        if self.state.trial_name in trials and self.state.global_step:
            raise tuner.DivergedError("the validation loss is nan")
        return judged(self, *args, **others)

    monkeypatch.setattr(tuner.Tuner, "evaluate", evaluate)


def test_a_search_goes_on_where_the_first_trials_diverge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    optuna = pytest.importorskip("optuna")
    diverging(monkeypatch, "1", "2")
    tuned = tuning_run.run(tmp_path, trials=3, epochs=1)
    study = optuna.load_study(study_name="rates", storage=f"sqlite:///{tmp_path / 'run' / 'search.db'}")
    assert [trial.state.name for trial in study.trials] == ["FAIL", "FAIL", "COMPLETE"]
    assert tuned.settings.learning_rate == study.trials[2].params["learning_rate"]


def test_a_search_of_which_every_trial_diverges_names_the_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("optuna")
    diverging(monkeypatch, "1", "2")
    told = r"each of 2 trials has diverged, at learning rates of 0\.003 with 0\.001 for the heads, .*lower retrain\."
    with pytest.raises(tuner.DivergedError, match=told):
        tuning_run.run(tmp_path, trials=2, epochs=1)
    # Called again it tries nothing, and says the same.
    stages: set[str] = set()
    with pytest.raises(tuner.DivergedError, match=told):
        tuning_run.run(tmp_path, trials=2, epochs=1, tell=lambda stage, *_: stages.add(stage))
    assert not {stage for stage in stages if stage.startswith("trial")}


def test_a_trial_that_failed_otherwise_is_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    optuna = pytest.importorskip("optuna")
    with monkeypatch.context() as broken:
        broken.setattr(tuner.Tuner, "evaluate", lambda *_args, **_others: (_ for _ in ()).throw(ValueError("broken")))
        with pytest.raises(ValueError, match="broken"):
            tuning_run.run(tmp_path, trials=1, epochs=1)
    tuned = tuning_run.run(tmp_path, trials=1, epochs=1)
    study = optuna.load_study(study_name="rates", storage=f"sqlite:///{tmp_path / 'run' / 'search.db'}")
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE"]
    assert tuned.settings.learning_rate == pytest.approx(tuning_run.settings().learning_rate)


@pytest.mark.timeout(300)  # a process of its own, which imports torch
def test_a_search_that_was_killed_tries_what_it_would_have_tried_and_ends_in_the_same_weights(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")

    def tried(folder: Path) -> list[dict[str, float]]:
        study = optuna.load_study(study_name="rates", storage=f"sqlite:///{folder / 'run' / 'search.db'}")
        return [trial.params for trial in study.get_trials(states=[optuna.trial.TrialState.COMPLETE])]

    broken, whole = tmp_path / "broken", tmp_path / "whole"
    broken.mkdir()
    whole.mkdir()
    run_and_be_killed(broken, "trial")
    assert len(tried(broken)) == 2
    gone_on = tuning_run.run(broken, **tuning_run.SEARCHED)
    undisturbed = tuning_run.run(whole, **tuning_run.SEARCHED)
    assert tried(broken) == tried(whole)
    assert len({trial["dropout"] for trial in tried(whole)}) == 4
    assert same(gone_on, undisturbed)


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_part_without_a_labelled_text_is_told(tmp_path: Path, part: str) -> None:
    unsaid = [with_(row, topics=None, sentiment=None, intent=None, entities=None) for row in toy_rows.rows(4)]
    with pytest.raises(arguments.FinetuneError, match=f"the {part} part"):
        tuning_run.run(tmp_path, dataset=toy_rows.dataset(**{part: unsaid}))


def test_more_frozen_layers_than_there_are_are_told(tmp_path: Path) -> None:
    with pytest.raises(arguments.FinetuneError, match=r"retrain\.frozen_layers = 3, and the trunk has 2 layers"):
        tuning_run.run(tmp_path, frozen_layers=3)


def test_a_tracker_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(arguments, "find_spec", lambda _name: None)
    with pytest.raises(arguments.FinetuneError, match=r"retrain\.report_to names mlflow.*pip install mlflow"):
        arguments.arguments(RetrainSettings(report_to=("mlflow",)), tmp_path, 10, checkpoints=False, judge_start=True)


def test_a_loss_that_runs_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(tuner.DivergedError, match=r"lower retrain\.learning_rate \(1e\+30\)"):
        tuning_run.run(tmp_path, method="full", epochs=1, learning_rate=1e30, head_learning_rate=1e30)


def test_the_base_is_read_only_for_training(tmp_path: Path) -> None:
    tuning_run.run(tmp_path, method="full", epochs=1)
    before = toy_bert.random_weights()
    assert all(np.array_equal(load_trunk(tmp_path / "base").weights[name], weight) for name, weight in before.items())
