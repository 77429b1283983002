"""Readers are counted once, answered at the end of their window, and settled once they are kept, with who is owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from models.items.index import ItemIndex
from models.items.ranker import Ranker
from streams.contract.ids import derived_id, output_id
from streams.contract.incoming import Record
from streams.contract.ranking import RankerWeights
from streams.contract.recommendations import (
    Behavior,
    InterestState,
    Item,
    ItemVector,
    ReaderEvent,
    Recommendation,
    RecommendationRequest,
)
from streams.contract.records import encode
from streams.contract.service_settings import RecommendSettings
from streams.contract.settings import Settings, WorkerSettings
from streams.contract.topics import reader_events_topic
from streams.logic.recommend.weights import DEFAULT_WEIGHTS
from streams.worker.readers import Readers
from streams.worker.readership import Findings, Readership
from streams.worker.shelves import Shelves

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SUBJECTS = 3
EACH = 6


@dataclass
class Told:
    """A record as kafka-python gives it, as far as it is looked at."""

    key: bytes
    value: bytes | None
    offset: int = 0
    partition: int = 0


class Site:
    """A site with items about some subjects, its readers, and times in the test's hand.

    Args:
        folder: Of the worker.
        states: What a worker before it left.
        options: Of ``recommend``.
    """

    def __init__(self, folder: Path, states: list[Any] | None = None, **options: object) -> None:
        recommend = {
            "debounce_seconds": 2.0,
            "checkpoint_seconds": 5.0,
            "diversity": 0.0,
            "item_ttl_hours": 48,
            **options,
        }
        self.settings = Settings(recommend=RecommendSettings(**recommend), worker=WorkerSettings(data_dir=folder))
        self.now = 0.0
        self.shelves = Shelves(lambda width: ItemIndex(width, 1000, 48.0), "sha 1", ttl_hours=48.0, clock=NOW.timestamp)
        self.shelves.begin()
        self.shelves.caught_up()
        self.kept: dict[bytes, Told] = {state.key: state for state in states or []}
        self.ranker: Ranker | None = None
        readers = Readers(self.settings, lambda _: list(self.kept.values()))
        self.readership = Readership(
            self.settings,
            self.shelves,
            readers,
            lambda: self.ranker,
            lambda embedder: f"model of {embedder}",
            steady=lambda: self.now,
            clock=NOW.timestamp,
        )
        readers.on_restored = self.readership.take_over
        self._offset = 0
        self._vectors = 0

    def stock(self, embedder: str = "sha 1", *, turned: int = 0, only: int | None = None) -> Site:
        """Bring the items, whose subjects are directions, which another embedder has turned."""
        for subject in range(SUBJECTS) if only is None else [only]:
            for number in range(EACH):
                vector = np.full(SUBJECTS + EACH, 0.01, "<f4")
                vector[(subject + turned) % SUBJECTS] = 1.0
                vector[SUBJECTS + number] = 0.1
                vector /= np.linalg.norm(vector)
                item = Item(
                    id=f"{subject}-{number}", text=f"text {subject}-{number}", time=NOW - timedelta(hours=number)
                )
                self._vectors += 1
                value = encode(ItemVector(item=item, embedder=embedder, vector=vector.tobytes()))
                self.shelves.apply([Told(item.id.encode(), value, self._vectors)])
        return self

    def event(self, user: str, item: str = "", *, request: str = "", action: Any = "click") -> Record:  # noqa: ANN401
        """A reader event: a behavior, or a request."""
        offset = self._offset
        self._offset += 1
        told = ReaderEvent(
            id=output_id("behaviors", 0, offset, "reader-event"),
            user=user,
            topic="behaviors",
            partition=0,
            offset=offset,
            behavior=None if request else Behavior(user=user, item=item, action=action, time=NOW),
            request=RecommendationRequest(id=request, user=user, time=NOW, limit=3) if request else None,
        )
        return Record("reader-events", 0, offset, NOW.timestamp(), user.encode(), encode(told), ())

    def apply(self, *records: Record) -> Findings:
        return self._done(self.readership.apply(records))

    def flush(self) -> Findings:
        return self._done(self.readership.flush())

    def wait(self, seconds: float) -> Findings:
        self.now += seconds
        return self.apply()

    def _done(self, findings: Findings) -> Findings:
        for state in findings.states:
            self.kept[state.key] = Told(state.key, state.value)
        return findings


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path).stock()


def told(findings: Findings) -> list[Recommendation]:
    return [msgspec.json.decode(output.value or b"", type=Recommendation) for output in findings.outputs]


def subjects(recommendation: Recommendation) -> set[str]:
    return {each.item.split("-")[0] for each in recommendation.items}


def test_a_request_is_answered_at_once_under_its_own_id(site: Site) -> None:
    findings = site.apply(site.event("ada", request="r"))
    (answer,) = told(findings)
    assert (answer.id, answer.user, answer.cause, answer.cold, len(answer.items)) == ("r", "ada", "request", True, 3)
    assert (answer.model, answer.ranker) == ("model of sha 1", "default")
    assert findings.outputs[0].key == b"ada"
    assert findings.settled == 0


def test_behaviors_are_answered_together_at_the_end_of_their_window_by_the_last(site: Site) -> None:
    first, last = site.event("ada", "1-0"), site.event("ada", "1-1")
    assert site.apply(first).outputs == []
    site.now = 1.0
    assert site.apply(last).outputs == []
    assert site.readership.due_in() == pytest.approx(1.0)
    assert site.wait(0.9).outputs == []
    (answer,) = told(site.wait(0.1))
    event = msgspec.json.decode(last.value or b"", type=ReaderEvent)
    assert (answer.id, answer.cause, answer.cold) == (derived_id(event.id, "recommendation"), "behavior", False)
    assert [each.item[0] for each in answer.items[:4]] == ["1"] * 4
    assert {"1-0", "1-1"}.isdisjoint(each.item for each in answer.items)
    assert site.wait(10.0).outputs == []


def test_nothing_is_settled_before_it_is_kept_and_what_is_owed_with_it(site: Site) -> None:
    site.apply(site.event("ada", "1-0"))
    assert site.wait(4.9).settled == 0  # answered, and not kept
    ben = site.event("ben", "2-0")
    site.apply(ben)
    findings = site.wait(0.1)  # kept, and ben is not answered
    assert findings.settled == 2
    assert owed(findings) == {"ada": None, "ben": msgspec.json.decode(ben.value or b"", type=ReaderEvent).id}
    assert [answer.user for answer in told(site.wait(1.9))] == ["ben"]
    assert owed(site.wait(5.0)) == {"ben": None}  # or else ben is answered again at each restart
    assert site.readership.due_in() is None


def owed(findings: Findings) -> dict[str, str | None]:
    states = [msgspec.json.decode(output.value or b"", type=InterestState) for output in findings.states]
    return {state.user: state.owed for state in states}


def test_who_is_owed_an_answer_gets_it_from_the_next_owner(site: Site, tmp_path: Path) -> None:
    record = site.event("ada", "1-0")
    site.now = 4.5
    site.apply(record)
    site.now = 4.5 + 1.9
    site.readership._since = 0.0
    assert site.apply().settled == 1
    # Killed when all was acknowledged, and before the window was over; nothing comes after.
    again = Site(tmp_path / "again", list(site.kept.values())).stock()
    assert again.readership.due_in() is None
    again.readership.expect([0])
    assert again.readership.due_in() == 0.0
    assert again.apply().outputs == []
    assert again.readership.due_in() == pytest.approx(2.0)
    (answer,) = told(again.wait(2.0))
    event = msgspec.json.decode(record.value or b"", type=ReaderEvent)
    assert (answer.user, answer.id) == ("ada", derived_id(event.id, "recommendation"))
    assert subjects(answer) >= {"1"}


def test_however_many_are_owed_answers_acknowledgement_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path, checkpoint_events=50).stock()
    monkeypatch.setattr(site.readership, "_steady", lambda: _later(site, 0.02))
    taken = settled = 0
    for turn in range(20):
        findings = site.apply(*(site.event(f"reader {turn}-{number}", "2-0") for number in range(50)))
        taken += 50
        settled += findings.settled
        assert len(findings.outputs) <= 4
    assert settled == taken


def test_a_rebalance_does_not_wait_for_all_answers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.apply(*(site.event(f"reader {number}", "2-0") for number in range(400)))
    monkeypatch.setattr(site.readership, "_steady", lambda: _later(site, 0.02))
    findings = site.flush()
    assert findings.settled == 400
    assert 0 < len(findings.outputs) < 200
    assert sum(event is not None for event in owed(findings).values()) == 400 - len(findings.outputs)


def test_a_checkpoint_comes_after_so_many_events(tmp_path: Path) -> None:
    site = Site(tmp_path, checkpoint_events=3, debounce_seconds=0.0).stock()
    assert site.apply(site.event("ada", "1-0"), site.event("ben", "1-0")).states == []
    findings = site.apply(site.event("ada", "1-1"))
    assert (len(findings.states), findings.settled) == (2, 3)


def test_before_a_partition_is_given_up_all_are_answered_and_settled(site: Site) -> None:
    site.apply(site.event("ada", "1-0"), site.event("ben", "2-0"))
    findings = site.flush()
    assert {answer.user for answer in told(findings)} == {"ada", "ben"}
    assert findings.settled == 2
    site.readership.forget([(reader_events_topic(site.settings.topics), 0)])
    (answer,) = told(site.apply(site.event("ada", request="r")))
    assert (answer.cold, subjects(answer)) == (False, {"1"})


def test_what_was_counted_is_not_counted_again_and_yet_answered(site: Site, tmp_path: Path) -> None:
    record = site.event("ada", "1-0")
    findings = site.apply(record)
    assert (findings.behaviors, findings.repeats) == ({"click": 1}, 0)
    site.wait(5.0)
    # Killed before it was acknowledged: another worker restores what was kept, and reads it again.
    again = Site(tmp_path / "again", list(site.kept.values())).stock()
    findings = again.apply(record)
    assert (findings.behaviors, findings.repeats) == ({}, 1)
    (answer,) = told(again.wait(2.0))
    event = msgspec.json.decode(record.value or b"", type=ReaderEvent)
    assert answer.id == derived_id(event.id, "recommendation")


def test_a_behavior_counts_once_its_item_is_known(tmp_path: Path) -> None:
    site = Site(tmp_path).stock(only=0)
    findings = site.apply(site.event("ada", "1-0"))
    assert findings.unknown == 1
    (answer,) = told(site.wait(2.0))
    assert answer.cold
    site.flush()
    later = Site(tmp_path / "later", list(site.kept.values())).stock()
    (answer,) = told(later.apply(later.event("ada", request="r")))
    assert (answer.cold, subjects(answer)) == (False, {"1"})
    assert "1-0" not in {each.item for each in answer.items}


def test_interests_go_with_another_trunk(site: Site) -> None:
    site.apply(site.event("ada", "1-0"))
    site.wait(5.0)
    site.shelves.exchange("sha 2")
    site.stock("sha 2", turned=1)
    (answer,) = told(site.apply(site.event("ada", request="r")))
    assert answer.model == "model of sha 2"
    assert subjects(answer) == {"1"}


def test_popularity_is_counted_anew_from_restored_readers(site: Site, tmp_path: Path) -> None:
    for number in range(9):
        site.apply(site.event(f"reader {number}", "2-5"))
    site.flush()
    again = Site(tmp_path / "again", list(site.kept.values())).stock()
    (answer,) = told(again.apply(again.event("nobody", request="r")))
    assert answer.cold
    assert answer.items[0].item == "2-5"


def test_another_version_of_the_ranker_is_taken_up_and_one_that_is_refused_is_not(site: Site) -> None:
    site.ranker = Ranker("ranker:2", DEFAULT_WEIGHTS, None)
    (answer,) = told(site.apply(site.event("ada", request="r")))
    assert answer.ranker == "ranker:2"
    strange = RankerWeights(features=("horoscope",), means=(0.0,), scales=(1.0,), coefficients=(1.0,))
    site.ranker = Ranker("ranker:3", strange, None)
    (answer,) = told(site.apply(site.event("ada", request="s")))
    assert (len(answer.items), answer.ranker) == (3, "ranker:2")


def test_without_items_nothing_is_recommended_and_nothing_breaks(tmp_path: Path) -> None:
    site = Site(tmp_path)
    findings = site.apply(site.event("ada", "1-0"), site.event("ada", request="r"))
    assert [answer.items for answer in told(findings)] == [[]]
    assert site.flush().settled == 2


def test_what_is_no_reader_event_is_left_out(site: Site) -> None:
    findings = site.apply(Record("reader-events", 0, 0, 0.0, b"", b"nothing", ()))
    assert (findings.unreadable, findings.outputs) == (1, [])
    assert site.flush().settled == 1


def test_many_answers_that_are_due_hold_up_nobody_who_asks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = [site.event(f"reader {number}", "2-0") for number in range(40)]
    site.apply(*crowd)
    site.now = 2.0
    # Each look at the clock takes twenty milliseconds, as an answer does on a busy machine.
    monkeypatch.setattr(site.readership, "_steady", lambda: _later(site, 0.02))
    findings = site.apply(site.event("ada", request="r"))
    assert told(findings)[0].user == "ada"
    assert 1 <= len(findings.outputs) - 1 <= 4
    rounds = 0
    while site.readership.due_in() == 0.0 and rounds < 100:
        findings.outputs += site.apply().outputs
        rounds += 1
    assert {answer.user for answer in told(findings)} >= {f"reader {number}" for number in range(40)}


def _later(site: Site, seconds: float) -> float:
    site.now += seconds
    return site.now


def test_what_is_counted_when_somebody_asks_is_kept(tmp_path: Path) -> None:
    site = Site(tmp_path).stock(only=0)
    site.apply(site.event("ada", "1-0"))
    site.flush()
    later = Site(tmp_path / "later", list(site.kept.values())).stock()
    later.apply(later.event("ada", request="r"))
    assert [state.key for state in later.flush().states] == [b"ada"]
