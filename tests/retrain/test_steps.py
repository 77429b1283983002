"""A run that needs what is not installed says so before it reads anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain import steps
from streams.contract.model_settings import RetrainSettings
from streams.contract.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(clean_environment: None, tmp_path: Path) -> Settings:
    return Settings(model=ModelSettings(registry=str(tmp_path)))


@pytest.mark.parametrize("method", ["frozen", "full", "lora"])
def test_without_torch_the_heads_alone_can_learn(
    settings: Settings, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "find_spec", lambda _: None)
    wanted = settings.model_copy(update={"retrain": RetrainSettings(method=method)})  # type: ignore[arg-type]
    with pytest.raises(ModuleNotFoundError, match=f"retrain.method = {method} needs torch"):
        steps.job(wanted, lambda *_: None)
    steps.job(settings.model_copy(update={"retrain": RetrainSettings(method="heads")}), lambda *_: None)
