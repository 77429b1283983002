"""A training run beside the stream: ``tocsin retrain run`` on a few labels, with the method that needs no torch.

A site would run it on another machine; here it competes for the same cores, at the lowest priority.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from benchmarks.support.soak.folder import Done
from streams.brokers.client import producer
from streams.cli.demonstration.lesson import load_lesson
from streams.contract.domain import load_domain
from streams.contract.labels import label_key
from streams.contract.topics import labels_topic

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.support.stream import Stream

_NICENESS = "19"
_PARTS = 3
_END_SECONDS = 30.0


class Training:
    """Starts runs, one at a time.

    Args:
        stream: Whose labels are learnt; the first run brings a third of the domain's lesson, each later one another.
        folder: Folder for logs, and for the run in hand.
    """

    def __init__(self, stream: Stream, folder: Path) -> None:
        self._stream = stream
        self._folder = folder
        self._count = 0
        self._begin = 0.0
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether a run has begun whose end was not asked for."""
        return self._popen is not None

    def begin(self) -> None:
        """Bring labels in, and start a run.

        Raises:
            BrokerError: The labels are not taken.
        """
        self._bring_labels(self._count % _PARTS)
        self._count += 1
        command = [sys.executable, "-m", "streams.cli.main", "retrain", "run", "--by", "soak", "--json"]
        environment = {
            **os.environ,
            **self._stream.environment,
            "TOCSIN_RETRAIN__METHOD": "heads",
            "TOCSIN_RETRAIN__DATA_DIR": str(self._folder / "retrain"),
        }
        self._begin = time.time()
        with self._log.open("wb") as out, self._log.with_suffix(".err").open("wb") as err:
            self._popen = subprocess.Popen(
                [shutil.which("nice") or "nice", "-n", _NICENESS, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def ended(self) -> Done | None:
        """What became of the run, once, where it is over."""
        if self._popen is None or self._popen.poll() is None:
            return None
        code, self._popen = self._popen.returncode, None
        try:
            record = json.loads(self._log.read_text())
        except ValueError:
            last = self._log.with_suffix(".err").read_text(errors="replace").splitlines()[-3:]
            return Done("retraining", self._begin, time.time(), "failed", f"exit code {code}. {' '.join(last)}")
        outcome = str(record["outcome"])
        detail = f"{outcome}: {' '.join(record['reasons'])}"
        return Done("retraining", self._begin, time.time(), "failed" if outcome == "failed" else "done", detail)

    def cut_off(self) -> Done | None:
        """End the run, where one is under way."""
        if self._popen is None:
            return None
        self._popen.terminate()
        try:
            self._popen.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._popen = None
        return Done("retraining", self._begin, time.time(), "cut off", "the feed was over before")

    @property
    def _log(self) -> Path:
        return self._folder / f"retrain-{self._count}.json"

    def _bring_labels(self, part: int) -> None:
        settings = self._stream.settings
        lesson = load_lesson(load_domain(settings.domain), datetime.now(UTC))
        labels = lesson.labels[part::_PARTS] if lesson is not None else []
        with producer(settings.kafka) as sender:
            sent = [
                sender.send(
                    labels_topic(settings.topics),
                    key=label_key(label.message_id, label.labeller),
                    value=msgspec.json.encode(label),
                )
                for label in labels
            ]
            sender.flush()
            for future in sent:
                future.get(timeout=0)
