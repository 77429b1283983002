"""A worker that stops does not wait until every document is embedded anew."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
from structlog.testing import capture_logs

from models.answers.index import AnswerIndex
from streams.contract.settings import Settings
from streams.worker.library import Library
from streams.worker.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from streams.worker.library import Embed

_MANY = 2000


class Encoder:
    """Takes its time."""

    model = "slow:1"
    embedder_sha256 = "one"

    def __init__(self) -> None:
        self.is_embedding = threading.Event()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if texts != ["a"]:
            self.is_embedding.set()
            threading.Event().wait(0.01)
        return np.ones((len(texts), 1), np.float32)


def test_a_stop_does_not_wait_for_what_was_kept_to_be_embedded_anew(tmp_path: Path) -> None:
    encoder, embedded = Encoder(), []

    def open_index(_: Path, embed: Embed, embedder: str) -> AnswerIndex:
        embedded.extend(embed([f"document {number}"]) for number in range(_MANY))
        return AnswerIndex(embed, embedder)

    settings = Settings()
    settings = settings.model_copy(update={"worker": settings.worker.model_copy(update={"data_dir": tmp_path})})
    library = Library(settings, Serving(encoder), open_index)  # type: ignore[arg-type]
    library._controls = SimpleNamespace(is_caught_up=True, start=lambda: None, close=lambda: None)  # type: ignore[assignment]
    library.start()
    assert encoder.is_embedding.wait(10)
    with capture_logs() as logs:
        library.stop()
    assert len(embedded) < _MANY
    assert not [entry for entry in logs if entry["log_level"] == "error"]
    assert library.search(["anything"], 3) == [[]]
