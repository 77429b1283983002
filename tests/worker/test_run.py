"""A whole worker run in this process: what it listens on, and how it is stopped."""

from __future__ import annotations

import gc
import json
import os
import signal
import threading
import urllib.request
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest
from support.messages import consume_all, feed
from support.processes import wait_for

from models.readings import Reading
from streams.contract.domain import load_domain
from streams.contract.settings import Settings, SettingsError, WorkerSettings
from streams.contract.topics import predictions_topic
from streams.worker.run import EXIT_OK, run_worker
from streams.worker.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# Faust leaves the event loop of its consumer's thread, and tasks in it, to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collected"),
]


class Model:
    """As much of an encoder as a worker asks for."""

    model = "toy:1"
    manifest = SimpleNamespace(name="toy", version=1, precision="fp32")
    embedder_sha256 = "0" * 64

    def read(self, texts: Sequence[str]) -> list[Reading]:
        reading = Reading(
            topics=[], topic_scores={}, sentiment="neutral", sentiment_scores={}, intent=None, intent_scores=None,
            entities=[], truncated=False,
        )  # fmt: skip
        return [reading] * len(texts)

    def training_reference(self) -> None:
        return None


def listening() -> set[tuple[str, int]]:
    return {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process().net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


def run_until_stopped(settings: Settings, meanwhile: Callable[[str], None]) -> int:
    """Run a worker here; ``meanwhile`` is told its address in another thread, and SIGTERM follows."""
    problems: list[BaseException] = []

    def act(url: str) -> None:
        try:
            meanwhile(url)
        except BaseException as error:  # noqa: BLE001  raised below, in the test's own thread
            problems.append(error)
        os.kill(os.getpid(), signal.SIGTERM)

    def on_url(url: str) -> None:
        threading.Thread(target=act, args=(url,)).start()

    code = run_worker(settings, Serving(Model()), load_domain("finance"), on_url)
    for problem in problems:
        raise problem
    return code


def test_a_worker_listens_on_its_metrics_port_alone_and_spares_what_stays(stream_settings: Settings) -> None:
    feed(stream_settings, 20)
    before = listening()

    def look(url: str) -> None:
        def is_ready() -> bool:
            try:
                with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310  our own server
                    return bool(json.load(answer)["ok"])
            except OSError:
                return False

        wait_for(is_ready, what="for the worker to be ready")
        wait_for(lambda: len(consume_all(stream_settings, predictions_topic(stream_settings.topics), 20)) == 20)
        assert listening() - before == {("127.0.0.1", int(url.rsplit(":", 1)[1]))}
        assert gc.get_freeze_count() > 0

    assert run_until_stopped(stream_settings, look) == EXIT_OK
    assert listening() == before
    assert gc.get_freeze_count() == 0


def test_a_worker_may_be_stopped_before_it_has_started(stream_settings: Settings) -> None:
    # Which also says that it stopped within worker.shutdown_timeout_seconds: else it fails.
    assert run_until_stopped(stream_settings, lambda _: None) == EXIT_OK


def test_a_folder_that_cannot_be_made_is_told_by_its_setting(tmp_path: Path, clean_environment: None) -> None:
    (tmp_path / "file").touch()
    settings = Settings(worker=WorkerSettings(data_dir=tmp_path / "file" / "data"))
    with pytest.raises(SettingsError, match=r"worker\.data_dir: .*data cannot be made: Not a directory"):
        run_worker(settings, Serving(Model()), load_domain("finance"))
