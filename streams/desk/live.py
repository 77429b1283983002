"""The view, kept up to date by a thread that follows the topics, over the death of brokers too."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec
import structlog
from kafka.errors import KafkaError

from streams.brokers.errors import BrokerError, BrokerUnreachableError, TopicError
from streams.brokers.following import Follower
from streams.brokers.presence import Presence
from streams.contract.alerts import Trend
from streams.contract.credentials import hide_credentials
from streams.contract.records import Prediction
from streams.contract.topics import all_topics
from streams.desk.hub import Hub
from streams.desk.view.shown import Heard
from streams.desk.view.trends import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kafka.consumer.fetcher import ConsumerRecord
    from msgspec import Struct

    from streams.contract.settings import Settings
    from streams.desk.view.shown import Place
    from streams.desk.view.view import View

T = TypeVar("T")

_POLL_SECONDS = 0.1
_PAUSE_SECONDS = 1.0
_STATUS_SECONDS = 1.0
_STOP_SECONDS = 5.0
_RATE_SECONDS = 10.0

log = structlog.get_logger(__name__)


class StaleViewError(BrokerError):
    """The view does not know what others have done since, so that nothing may be decided by it."""


class Live:
    """What the page shows, as of now. A context manager that follows the topics meanwhile.

    Where the brokers were away everything is read again into a new view: a broker may have lost what it had.

    Args:
        settings: Where the brokers are, the topics, and how much is kept.
        make_view: A view that knows nothing yet.
        about: What a page is told of the desk beside the view.
    """

    def __init__(self, settings: Settings, make_view: Callable[[], View], about: Mapping[str, Any]) -> None:
        self.hub = Hub()
        self._settings = settings
        self._make_view = make_view
        self._about = about
        self._view = make_view()
        self._is_current = False
        self._records = _followed(settings, self._view)
        self._decoders = {kind: msgspec.json.Decoder(kind) for kind in self._records.values()}
        self._status: dict[str, Any] = {"loaded": False, "problem": None, "per_second": 0.0}
        self._read: deque[tuple[float, int]] = deque()
        self._stop = threading.Event()
        self._loaded = threading.Event()
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)

    def look(self, ask: Callable[[View], T]) -> T:
        """Ask the view something, while nothing changes in it."""
        return self.hub.reading(lambda: ask(self._view))

    def look_now(self, ask: Callable[[View], T]) -> T:
        """Ask the view something that a decision rests on.

        Raises:
            StaleViewError: The topics are being read, so that the view may lack what others have done since.
        """

        def asked() -> T:
            if not self._is_current:
                raise StaleViewError("the topics are being read again, so nothing was done: try again in a moment")
            return ask(self._view)

        return self.hub.reading(asked)

    def snapshot(self) -> bytes:
        """Everything that a page shows, as JSON; to be called by the hub."""
        return msgspec.json.encode(
            {"about": self._about, "status": self._status, "sections": self._view.snapshot() if self.is_loaded else {}}
        )

    @property
    def is_loaded(self) -> bool:
        """Whether all is known that was on the topics at the start."""
        return bool(self._status["loaded"])

    def wait_until_loaded(self, timeout: float) -> None:
        """Return once all is known that was on the topics at the start.

        Raises:
            BrokerUnreachableError: That takes longer than so many seconds; the message says why.
        """
        if not self._loaded.wait(timeout):
            why = self._status["problem"] or "the topics are still being read"
            raise BrokerUnreachableError(f"the desk knew nothing within {timeout:g} s: {why}")

    def _run(self) -> None:
        keep = self._settings.desk.keep
        partitions = self._settings.topics.partitions
        prediction_topic, trend_topic = (self._topic(kind) for kind in (Prediction, Trend))
        last = {prediction_topic: 0, trend_topic: -(-keep * WINDOWS // partitions)}
        while not self._stop.is_set():
            try:
                with Follower(self._settings.kafka, list(self._records), from_beginning=True, last=last) as follower:
                    self._require_topics(follower)
                    self._follow(follower)
            except (BrokerError, KafkaError, OSError) as error:
                self._tell_problem(str(error))
            except Exception as error:  # a thread that ends unseen would leave every page as it was
                log.exception("the topics cannot be followed: trying on", error=repr(error))
                self._tell_problem("the desk itself failed: its log says why")
            self._stop.wait(_PAUSE_SECONDS)

    def _follow(self, follower: Follower) -> None:
        view = self._make_view()
        while not follower.is_at_end and not self._stop.is_set():
            self._take(view, follower.poll(_POLL_SECONDS))
        if self._stop.is_set():
            return

        def begin() -> bytes:
            self._view = view
            self._is_current = True
            self._status |= {"loaded": True, "problem": None}
            return self.snapshot()

        self.hub.publish("snapshot", begin)
        self._loaded.set()
        try:
            self._keep_up(view, follower)
        finally:
            # Before anything else: what is decided meanwhile would rest on what was.
            self._is_current = False

    def _keep_up(self, view: View, follower: Follower) -> None:
        presence = Presence(self._settings.kafka)
        next_status = time.monotonic()
        while not self._stop.is_set():
            records = follower.poll(_POLL_SECONDS)
            if records:
                self._tell(view, records)
            elif presence.change() is False:
                raise BrokerUnreachableError(f"no broker listens at {self._settings.kafka.bootstrap_servers}")
            if time.monotonic() >= next_status:
                next_status = time.monotonic() + _STATUS_SECONDS
                self._tell_rate()

    def _tell(self, view: View, records: list[ConsumerRecord]) -> None:
        # Decoded before, so that the lock is held for little.
        heard = self._decoded(records)
        if not heard:
            return

        def change() -> bytes:
            changed = {place for one in heard for place in view.hear(one)}
            return _changes(view, changed)

        self.hub.publish("changes", change)

    def _take(self, view: View, records: list[ConsumerRecord]) -> None:
        for heard in self._decoded(records):
            view.hear(heard)

    def _decoded(self, records: list[ConsumerRecord]) -> list[Heard]:
        found = []
        predictions = 0
        for raw in records:
            kind = self._records[raw.topic]
            if kind is Prediction:
                predictions += 1
                continue
            if (heard := self._heard(raw, kind)) is not None:
                found.append(heard)
        if predictions:
            self._read.append((time.monotonic(), predictions))
        return found

    def _heard(self, raw: ConsumerRecord, kind: type[Struct]) -> Heard | None:
        try:
            record = None if raw.value is None else self._decoders[kind].decode(raw.value)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            place = f"{raw.topic}[{raw.partition}]@{raw.offset}"
            log.warning("left out: not as expected on this topic", place=place, error=str(error))
            return None
        return Heard(kind, raw.key or b"", record, raw.timestamp / 1000)

    def _tell_rate(self) -> None:
        now = time.monotonic()
        while self._read and self._read[0][0] < now - _RATE_SECONDS:
            self._read.popleft()
        rate = round(sum(count for _, count in self._read) / _RATE_SECONDS, 1)
        if rate != self._status["per_second"]:
            self._publish_status({"per_second": rate})

    def _tell_problem(self, problem: str) -> None:
        problem = hide_credentials(problem)
        if self._stop.is_set() or problem == self._status["problem"]:
            return
        log.warning("the topics cannot be followed: the page shows what was known", problem=problem)
        self._publish_status({"problem": problem})

    def _publish_status(self, changes: dict[str, Any]) -> None:
        def change() -> bytes:
            self._status |= changes
            return msgspec.json.encode(self._status)

        self.hub.publish("status", change)

    def _require_topics(self, follower: Follower) -> None:
        found = {partition.topic for partition in follower.partitions}
        if missing := [topic for topic in self._records if topic not in found]:
            where = self._settings.kafka.bootstrap_servers
            raise TopicError(f"no topic {', '.join(missing)} at {where}: `tocsin topics create` makes it")

    def _topic(self, wanted: type[Struct]) -> str:
        return next(topic for topic, kind in self._records.items() if kind is wanted)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.hub.close()
        # A daemon: one that is held up by brokers that do not answer may be left behind.
        self._thread.join(_STOP_SECONDS)


def _followed(settings: Settings, view: View) -> dict[str, type[Struct]]:
    """Record by topic, for all that the view wants to hear; predictions are counted."""
    wanted = view.kinds | {Prediction}
    return {spec.name: spec.record for spec in all_topics(settings) if spec.record in wanted}


def _changes(view: View, changed: set[Place]) -> bytes:
    return msgspec.json.encode(
        [{"section": place.section, "key": place.key, "doc": view.doc(place)} for place in sorted(changed)]
    )
