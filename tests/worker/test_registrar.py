"""What a worker asks of the registry: it is asked again until it is done, or is not to be."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from support import versions

from models import promoting
from models.aliases import AliasConflictError
from models.manifest import VersionError
from models.promoting import Story
from models.registry import Registry
from streams.contract.model_records import ModelEvent, ModelPointer
from streams.contract.settings import ModelSettings, Settings
from streams.worker.registrar import Registrar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.aliases import State
    from streams.contract.outgoing import Output

NAME = versions.NAME
ANN = Story(by="ann", reason="a test")
BAD, SERVED_BY = 2, 2


class Topics:
    """Take what is told."""

    def __init__(self) -> None:
        self.events: list[ModelEvent] = []
        self.pointers: list[ModelPointer] = []

    async def publish(self, outputs: Sequence[Output]) -> list[Output]:
        for output in outputs:
            if output.topic.endswith("model-events"):
                self.events.append(msgspec.json.decode(output.value, type=ModelEvent))
            else:
                self.pointers.append(msgspec.json.decode(output.value, type=ModelPointer))
        return []


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Version 2 has taken the place of version 1."""
    registry = Registry(str(tmp_path / "registry"))
    for labels in (versions.FIRST, versions.RENAMED, versions.GROWN):
        versions.add(registry, labels)
    for version in (1, BAD):
        promoting.promote(registry, NAME, version, ANN)
    return registry


def roll_back(registry: Registry, *, since: int | None = SERVED_BY, within: float = 10.0) -> Topics:
    topics = Topics()

    async def run() -> None:
        registrar = Registrar(Settings(model=ModelSettings(registry=registry.url)), registry, cast("Any", topics))
        async with asyncio.timeout(within):
            await registrar.roll_back(BAD, "it was slow", {}, since=since)
        await registrar.stop()

    asyncio.run(run())
    return topics


def faults(registry: Registry, monkeypatch: pytest.MonkeyPatch, *errors: Exception, made: bool = False) -> list[float]:
    """Have changes of the registry fail so often, before or after they are made; when each was tried."""
    change, left, tried = registry.change, list(errors), []

    def failing(*arguments: Any) -> State:  # noqa: ANN401  of Registry.change
        tried.append(time.monotonic())
        if not left:
            return change(*arguments)
        if made:
            change(*arguments)
        raise left.pop(0)

    monkeypatch.setattr(registry, "change", failing)
    return tried


def test_a_version_is_taken_back_and_told(registry: Registry) -> None:
    topics = roll_back(registry)
    assert registry.state(NAME).aliases.champion == 1
    assert [(event.kind, event.version) for event in topics.events] == [("rolled_back", 1)]
    assert [(pointer.version, pointer.epoch) for pointer in topics.pointers] == [(1, 3)]


def test_where_another_was_faster_it_is_tried_again_at_once(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 60.0)
    faults(registry, monkeypatch, *[AliasConflictError("another")] * 3)
    topics = roll_back(registry)
    assert registry.state(NAME).aliases.champion == 1
    assert [event.kind for event in topics.events] == ["rolled_back"]


def test_a_registry_that_never_shows_what_is_in_the_way_is_not_asked_without_a_pause(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = faults(registry, monkeypatch, *[AliasConflictError("another")] * 10_000)
    with pytest.raises(TimeoutError):
        roll_back(registry, within=0.5)
    assert 3 <= len(tried) < 10


def test_where_the_registry_is_away_it_is_tried_again_ever_later(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.05)
    tried = faults(registry, monkeypatch, *[OSError("away")] * 3)
    roll_back(registry)
    assert registry.state(NAME).aliases.champion == 1
    pauses = [after - before for before, after in pairwise(tried)]
    assert [pause > expected for pause, expected in zip(pauses, (0.04, 0.09, 0.19), strict=True)] == [True] * 3


def test_where_only_the_answer_was_lost_it_is_told_all_the_same(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.logic.rollout._FIRST_PAUSE_SECONDS", 0.01)
    faults(registry, monkeypatch, OSError("the connection broke off"), made=True)
    topics = roll_back(registry)
    assert (registry.state(NAME).aliases.champion, registry.state(NAME).epoch) == (1, 3)
    assert [(pointer.version, pointer.epoch) for pointer in topics.pointers] == [(1, 3)]


def test_what_another_worker_has_taken_back_is_left_alone(registry: Registry) -> None:
    promoting.roll_back(registry, NAME, ANN)
    topics = roll_back(registry)
    assert registry.state(NAME).epoch == 3
    assert (topics.events, topics.pointers) == ([], [])


def test_what_is_pinned_is_left_alone(registry: Registry) -> None:
    promoting.pin(registry, NAME, BAD, ANN)
    assert roll_back(registry, since=3).events == []
    assert registry.state(NAME).aliases.champion == BAD


def test_what_a_person_has_promoted_again_since_is_left_alone(registry: Registry) -> None:
    promoting.promote(registry, NAME, BAD, ANN)
    assert roll_back(registry).events == []
    assert registry.state(NAME).aliases.champion == BAD
    # And where it came back by way of another.
    promoting.promote(registry, NAME, 3, ANN)
    promoting.promote(registry, NAME, BAD, ANN)
    assert roll_back(registry, since=3).events == []
    assert registry.state(NAME).aliases.champion == BAD


def test_what_was_promoted_again_before_it_was_judged_is_taken_back(registry: Registry) -> None:
    promoting.promote(registry, NAME, BAD, ANN)
    roll_back(registry, since=3)
    assert registry.state(NAME).aliases.champion == 1


def test_a_challenge_is_no_decision_on_the_champion(registry: Registry) -> None:
    promoting.challenge(registry, NAME, 3, ANN)
    promoting.dismiss(registry, NAME, 3, ANN)
    roll_back(registry)
    assert registry.state(NAME).aliases.champion == 1


def test_where_there_is_nothing_to_roll_back_to_it_ends(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    faults(registry, monkeypatch, VersionError("version 1 does not exist"))
    assert roll_back(registry).events == []


def test_telling_waits_for_no_broker(registry: Registry) -> None:
    class Away:
        async def publish(self, _outputs: Sequence[Output]) -> list[Output]:
            await asyncio.Event().wait()
            return []

    async def check() -> None:
        registrar = Registrar(Settings(model=ModelSettings(registry=registry.url)), registry, cast("Any", Away()))
        async with asyncio.timeout(5):
            registrar.tell("swapped", BAD, SERVED_BY)
            await registrar.announce()
            await registrar.roll_back(BAD, "it was slow", {}, since=SERVED_BY)

    asyncio.run(check())
    assert registry.state(NAME).aliases.champion == 1
