"""An Alertmanager that is not there when something begins to ring."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from benchmarks.support.chaos.trial import READING_ALONE, Bench, Fault, Found, Trial
from benchmarks.support.chaos.waiting import wait_for
from streams.brokers.broker import free_port
from streams.brokers.client import producer
from streams.contract.records import encode
from streams.contract.signals import Signal, Signals
from streams.contract.topics import signals_topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.contract.settings import Settings

_MESSAGES = 200
_SUBJECT = "entity/larkmoor"
_HOURS = 30
_WINDOW_SECONDS = 300
_SURGING_WINDOWS = 6
_CALM, _SURGE = (1, 4), (24, 4)
_AWAY = "alertmanager cannot be told"
_RESEND_SECONDS = 2.0
_LONGEST_SECONDS = 90.0


def down(bench: Bench) -> Found:
    """A subject surges while nobody listens at Alertmanager's address; then somebody does."""
    port = free_port()
    further = READING_ALONE | {
        "TOCSIN_SURGE__ENABLED": "true",
        "TOCSIN_SURGE__IDLE_SECONDS": "3",
        "TOCSIN_SURGE__CHECKPOINT_SECONDS": "0.5",
        "TOCSIN_ALERTMANAGER__URL": f"http://127.0.0.1:{port}",
        "TOCSIN_ALERTMANAGER__RESEND_SECONDS": f"{_RESEND_SECONDS:g}",
    }
    with Trial(bench, bench.versions.served, further) as trial:
        trial.crew.add()
        trial.crew.wait_until_ready()
        # Before anything of now is read, or the surge would be of windows that are over.
        _tell_of_a_surge(trial.stream.settings)
        trial.crew.wait_for_log(_AWAY)
        with trial.feed() as feed:
            before = trial.stream.committed()
            feed.wait_for_more(_MESSAGES)
            wait_for(lambda: trial.stream.committed() > before + _MESSAGES / 2, _LONGEST_SECONDS, "for the stream")
            with _alertmanager(port) as told:
                wait_for(lambda: told.count(_SUBJECT) > 1, _LONGEST_SECONDS, "for the alert to be told, and told again")
                times = told.count(_SUBJECT)
        found = Found(trial.settle(feed))
    found.require(not trial.crew.exits, f"a worker ended with {trial.crew.exits}")
    found.seen = f"the stream went on meanwhile; the alert was told {times} times once somebody listened"
    return found


def _tell_of_a_surge(settings: Settings) -> None:
    """Signals of a subject over the last hours: calm, and cursed by everybody at the end."""
    now = datetime.now(UTC).timestamp() // _WINDOW_SECONDS * _WINDOW_SECONDS
    windows = _HOURS * 3600 // _WINDOW_SECONDS
    number = 0
    with producer(settings.kafka) as sender:
        for window in range(windows):
            start = now - (windows - window) * _WINDOW_SECONDS
            negative, other = _SURGE if window >= windows - _SURGING_WINDOWS else _CALM
            count = negative + other
            signals = []
            for at in range(count):
                when = start + (at + 0.5) / count * _WINDOW_SECONDS
                signals.append(_signal(number, when, is_negative=at < negative))
                number += 1
            topic = signals_topic(settings.topics)
            sender.send(topic, key=_SUBJECT.encode(), value=encode(Signals(signals=signals)))
        sender.flush()


def _signal(number: int, when: float, *, is_negative: bool) -> Signal:
    return Signal(
        id=f"signal-{number}",
        subject=_SUBJECT,
        message_id=f"s-{number}",
        time=datetime.fromtimestamp(when, UTC),
        sentiment="negative" if is_negative else "neutral",
        score=0.9,
        source="wire",
        kind="news",
        topic="elsewhere",
        partition=0,
        offset=number,
        # As far as it has come itself: what follows is later.
        watermark=(datetime.fromtimestamp(when, UTC) - timedelta(seconds=1)).timestamp(),
        model="encoder:1",
        fingerprint=f"{number:016x}",
        text=f"What was said, {number}",
    )


class _Told:
    """Subjects of the alerts that were posted."""

    def __init__(self) -> None:
        self._subjects: list[str] = []
        self._lock = threading.Lock()

    def add(self, alerts: list[dict[str, Any]]) -> None:
        with self._lock:
            self._subjects += [alert["labels"].get("subject", "") for alert in alerts]

    def count(self, subject: str) -> int:
        with self._lock:
            return self._subjects.count(subject)


@contextmanager
def _alertmanager(port: int) -> Iterator[_Told]:
    """Who takes alerts as Alertmanager does; the real one is told in tests/integration/test_alertmanager.py."""
    told = _Told()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.add(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield told
        finally:
            server.shutdown()


FAULTS = (
    Fault(
        "alertmanager-down",
        "an Alertmanager that is away delays nothing, and is told what fires once it is back, again and again",
        "trial: a surge while nobody listens; tests with the real one (tests/integration/test_alertmanager.py)",
        down,
    ),
)
