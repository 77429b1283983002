"""The desk's parts put together for tests: a view, what writes into a list, and the browser."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import pytest
from support.desk_records import Told, topic_of
from support.messages import produce

from retrain.decisions import decision_of
from retrain.label_requests import in_turn
from streams.contract.domain import load_domain
from streams.contract.records import encode
from streams.contract.settings import Settings
from streams.desk.actions.office import Office
from streams.desk.live import StaleViewError
from streams.desk.ports import Retraining
from streams.desk.view.shown import Heard, Place
from streams.desk.view.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from msgspec import Struct
    from playwright.sync_api import Browser, Playwright

T = TypeVar("T")

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def make_view(keep: int = 50) -> View:
    """A view that knows nothing yet."""
    return View("encoder", keep, in_turn)


def hear(view: View, *told: Told, time: datetime = NOON) -> set[Place]:
    """Have a view hear records; what is different by them."""
    return {place for key, record in told for place in view.hear(Heard(type(record), key, record, time.timestamp()))}


def forget(view: View, kind: type[Struct], key: bytes, time: datetime = NOON) -> set[Place]:
    """Have a view hear that a key was taken out of a compacted topic."""
    return view.hear(Heard(kind, key, None, time.timestamp()))


def tell(settings: Settings, told: Iterable[Told]) -> None:
    """Put records on their topics."""
    by_topic: dict[str, list[Told]] = {}
    for one in told:
        by_topic.setdefault(topic_of(settings, type(one.record)), []).append(one)
    for topic, records in by_topic.items():
        produce(settings, topic, [(key, encode(record), []) for key, record in records])


@dataclass
class Written:
    """Takes what would be written to topics."""

    records: list[tuple[str, bytes, Struct | None]] = field(default_factory=list)

    def put(self, topic: str, key: bytes, record: Struct | None) -> None:
        """As ``Writer.put``."""
        self.records.append((topic, key, record))

    def of(self, kind: type[T]) -> list[T]:
        """Records of a kind, in order."""
        return [record for _, _, record in self.records if isinstance(record, kind)]


@dataclass
class Looked:
    """Stands for ``Live``: a view that nothing follows."""

    view: View
    is_current: bool = True

    def look(self, ask: Callable[[View], T]) -> T:
        """As ``Live.look``."""
        return ask(self.view)

    def look_now(self, ask: Callable[[View], T]) -> T:
        """As ``Live.look_now``."""
        if not self.is_current:
            raise StaleViewError("the topics are being read again")
        return ask(self.view)


def make_office(view: View, written: Written, settings: Settings | None = None) -> Office:
    """What actions need, at noon."""
    return Office(settings or Settings(), load_domain("finance"), Looked(view), written, lambda: NOON)


def make_retraining(**changes: object) -> Retraining:
    """Of retraining what needs no training; nothing is moved."""

    def refuse(*_: object) -> None:
        raise AssertionError("nobody moves a model in this test")

    given = {
        "in_turn": in_turn,
        "agreements": list,
        "decision": decision_of,
        "promote": refuse,
        "roll_back": refuse,
    }
    return Retraining(**(given | changes))


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """A real browser; without one the test is skipped, or fails where it must not be."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        reason = "no chromium on the path: on Debian, apt-get install chromium"
        if os.environ.get("TOCSIN_REQUIRE_BROWSER") == "1":
            pytest.fail(f"TOCSIN_REQUIRE_BROWSER=1, but {reason}")
        pytest.skip(reason)
    flags = ["--disable-dev-shm-usage"] + ["--no-sandbox"] * (os.geteuid() == 0)
    browser = playwright.chromium.launch(executable_path=program, args=flags)
    try:
        yield browser
    finally:
        browser.close()
