"""Which models the schedule trains, by the libraries that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.cli.common import CommandError
from streams.cli.retrain import _trainable
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from streams.contract.model_settings import RetrainSettings


pytestmark = pytest.mark.usefixtures("clean_environment")


def with_method(method: str) -> Settings:
    settings = Settings()
    rules: RetrainSettings = settings.retrain.model_copy(update={"method": method})
    return settings.model_copy(update={"retrain": rules})


def names(settings: Settings) -> list[str]:
    return [learner.name for learner in _trainable(settings)]


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.learner.find_spec", lambda name: None if name in {"torch", "transformers"} else name)


def test_with_all_libraries_every_model_is_trained() -> None:
    assert names(Settings()) == ["encoder", "generator", "ranker"]


@pytest.mark.usefixtures("without_torch")
def test_a_schedule_whose_every_run_would_fail_does_not_begin() -> None:
    with pytest.raises(CommandError, match=r"retrain\.method = frozen needs torch and transformers.*pip install"):
        _trainable(with_method("frozen"))


@pytest.mark.usefixtures("without_torch")
def test_what_needs_no_torch_is_trained_without_it_and_the_rest_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert names(with_method("heads")) == ["encoder", "ranker"]
    assert "generator is not trained here" in capsys.readouterr().err


@pytest.mark.usefixtures("without_torch")
def test_where_nothing_calls_for_the_encoders_runs_the_rest_is_trained() -> None:
    settings = with_method("frozen")
    idle = {"cron": "", "min_new_labels": 0, "on_drift": False}
    asked = settings.model_copy(update={"retrain": settings.retrain.model_copy(update=idle)})
    assert names(asked) == ["ranker"]
