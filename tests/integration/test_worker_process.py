"""What a worker process imports: a model is served without the libraries that train it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.messages import produce
from support.streams import message, read_predictions, worker

if TYPE_CHECKING:
    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration

TRAINING_LIBRARIES = {"torch", "transformers", "onnx", "sklearn", "statsmodels", "pandas", "apscheduler"}


def test_a_worker_never_imports_torch_or_transformers(stream_settings: Settings) -> None:
    settings = stream_settings
    topic = next(iter(settings.topics.inputs))
    produce(settings, topic, [(*message(1), [])])
    # Python itself tells every module that this very process imports.
    with worker(settings, PYTHONPROFILEIMPORTTIME="1") as running:
        read_predictions(settings, 1)
        running.process.terminate()
        lines = running.process.stderr.splitlines()
    imported = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines if line.startswith("import time:")}
    assert "onnxruntime" in imported
    assert imported.isdisjoint(TRAINING_LIBRARIES)
