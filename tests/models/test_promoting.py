"""Moving the aliases: what is set, what is told, and who comes too late."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import toy_model

from models import promoting
from models.aliases import AliasConflictError, PinnedError
from models.manifest import VersionError
from models.promoting import Details, Story
from models.registry import Registry
from streams.contract.settings import TopicsSettings

if TYPE_CHECKING:
    from models.manifest import Manifest
    from models.promoting import Move

ANN = Story(by="ann", reason="better on refunds")
NAME = "encoder"


@pytest.fixture
def registry(toy_files: Path, tmp_path: Path) -> Registry:
    """Four versions, of which the first serves."""
    registry = Registry(str(tmp_path / "registry"))
    for _ in range(4):
        registry.register(toy_files, NAME, **toy_model.facts())
    promoting.promote(registry, NAME, 1, ANN)
    return registry


def aliases(registry: Registry) -> tuple[int | None, int | None, int | None]:
    now = registry.state(NAME).aliases
    return now.champion, now.challenger, now.previous


def told(move: Move) -> list[tuple[str, int | None]]:
    return [(pointer.alias, pointer.version) for pointer in move.pointers]


def test_a_promotion_sets_the_champion_and_tells_it_with_the_number_of_the_state(registry: Registry) -> None:
    details = Details(reasons=["one", "two"], metrics={"f1": 0.9}, request="r1")
    move = promoting.promote(registry, NAME, 2, Story(by="gate", reason="better", details=details), expected=1)
    assert aliases(registry) == (2, None, 1)
    pointer, event = move.pointer, move.event
    assert (pointer.alias, pointer.version, pointer.epoch, pointer.by) == ("champion", 2, 2, "gate")
    assert registry.state(NAME).epoch == pointer.epoch
    assert (event.kind, event.version, event.previous, event.epoch) == ("promoted", 2, 1, 2)
    assert (event.reasons, event.metrics, event.request) == (["one", "two"], {"f1": 0.9}, "r1")
    assert event.lineage == toy_model.facts()["lineage"]


def test_the_registry_keeps_who_moved_it_and_why(registry: Registry) -> None:
    promoting.promote(registry, NAME, 2, Story(by="ben", reason="try it"))
    first, second = (registry.state(NAME, epoch).aliases.change for epoch in (1, 2))
    assert first is not None
    assert second is not None
    assert (first.by, first.reason, second.by, second.reason) == ("ann", "better on refunds", "ben", "try it")


def test_promoting_what_serves_already_raises_the_pointer_all_the_same(registry: Registry) -> None:
    promoting.promote(registry, NAME, 2, ANN)
    move = promoting.promote(registry, NAME, 2, ANN)
    assert aliases(registry) == (2, None, 1)
    assert (move.pointer.version, move.pointer.epoch) == (2, 3)


def test_a_decision_by_another_champion_changes_nothing(registry: Registry) -> None:
    promoting.promote(registry, NAME, 2, ANN)
    for move in (
        lambda: promoting.promote(registry, NAME, 3, ANN, expected=1),
        lambda: promoting.roll_back(registry, NAME, ANN, expected=1),
    ):
        with pytest.raises(AliasConflictError, match="champion of encoder is 2 by now and no longer 1"):
            move()
    assert registry.state(NAME).epoch == 2


def test_a_version_that_is_not_there_is_not_promoted(registry: Registry) -> None:
    with pytest.raises(VersionError, match="version 9 of encoder does not exist"):
        promoting.promote(registry, NAME, 9, ANN)
    assert aliases(registry) == (1, None, None)


def test_one_may_roll_back_as_often_as_was_promoted(registry: Registry) -> None:
    for version in (2, 3):
        promoting.promote(registry, NAME, version, ANN)
    move = promoting.roll_back(registry, NAME, ANN, expected=3)
    assert (move.event.kind, move.event.version, move.event.previous) == ("rolled_back", 2, 3)
    assert aliases(registry) == (2, None, 1)
    promoting.roll_back(registry, NAME, ANN)
    assert aliases(registry) == (1, None, None)
    with pytest.raises(VersionError, match="no previous version to roll back to"):
        promoting.roll_back(registry, NAME, ANN)


def test_of_two_that_saw_the_same_failure_one_rolls_back(registry: Registry) -> None:
    for version in (2, 3):
        promoting.promote(registry, NAME, version, ANN)
    promoting.roll_back(registry, NAME, ANN, expected=3)
    with pytest.raises(AliasConflictError):
        promoting.roll_back(registry, NAME, ANN, expected=3)
    assert aliases(registry) == (2, None, 1)


def test_a_challenger_takes_the_place_of_the_champion_that_it_was_compared_with(registry: Registry) -> None:
    assert told(promoting.challenge(registry, NAME, 2, ANN)) == [("challenger", 2)]
    assert aliases(registry) == (1, 2, None)
    with pytest.raises(AliasConflictError):
        promoting.accept(registry, NAME, 2, ANN, champion=4)
    move = promoting.accept(registry, NAME, 2, ANN, champion=1)
    assert told(move) == [("champion", 2), ("challenger", None)]
    assert aliases(registry) == (2, None, 1)
    with pytest.raises(AliasConflictError, match="no challenger any more"):
        promoting.dismiss(registry, NAME, 2, ANN)


def test_a_challenger_that_is_dismissed_leaves_the_champion(registry: Registry) -> None:
    promoting.challenge(registry, NAME, 2, ANN)
    move = promoting.dismiss(registry, NAME, 2, ANN)
    assert told(move) == [("challenger", None)]
    assert (move.event.kind, move.event.version) == ("rejected", 2)
    assert aliases(registry) == (1, None, None)
    with pytest.raises(AliasConflictError):
        promoting.accept(registry, NAME, 2, ANN, champion=1)


def damage(registry: Registry, version: int) -> None:
    path = Path(registry.url) / NAME / str(version) / "manifest.json"
    path.write_bytes(path.read_bytes()[:50])


def test_a_challenger_that_is_damaged_is_dismissed_and_that_is_told(registry: Registry) -> None:
    promoting.challenge(registry, NAME, 2, ANN)
    damage(registry, 2)
    move = promoting.dismiss(registry, NAME, 2, ANN)
    assert (move.event.kind, move.event.version, move.event.lineage) == ("rejected", 2, {})
    assert aliases(registry) == (1, None, None)


def test_a_champion_that_is_damaged_is_unpinned_and_that_is_told(registry: Registry) -> None:
    promoting.pin(registry, NAME, None, ANN)
    damage(registry, 1)
    move = promoting.unpin(registry, NAME, ANN)
    assert (move.event.kind, move.event.version, move.event.lineage) == ("unpinned", 1, {})
    assert registry.state(NAME).aliases.pin is None


@pytest.mark.parametrize("reads", range(4))
@pytest.mark.parametrize("change", ["promote", "roll back", "challenge", "accept", "dismiss", "pin", "unpin"])
def test_what_is_moved_is_told_wherever_the_registry_goes_away(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, change: str, reads: int
) -> None:
    promoting.promote(registry, NAME, 2, ANN)
    if change in ("accept", "dismiss"):
        promoting.challenge(registry, NAME, 3, ANN)
    if change == "unpin":
        promoting.pin(registry, NAME, None, ANN)
    move = {
        "promote": lambda: promoting.promote(registry, NAME, 4, ANN),
        "roll back": lambda: promoting.roll_back(registry, NAME, ANN),
        "challenge": lambda: promoting.challenge(registry, NAME, 4, ANN),
        "accept": lambda: promoting.accept(registry, NAME, 3, ANN, champion=2),
        "dismiss": lambda: promoting.dismiss(registry, NAME, 3, ANN),
        "pin": lambda: promoting.pin(registry, NAME, 4, ANN),
        "unpin": lambda: promoting.unpin(registry, NAME, ANN),
    }[change]
    before, manifest, left = registry.state(NAME).epoch, registry.manifest, iter(range(reads))

    def away(name: str, version: int) -> Manifest:
        if next(left, None) is None:
            raise OSError("the registry is away")
        return manifest(name, version)

    monkeypatch.setattr(registry, "manifest", away)
    told = 0
    with suppress(OSError):
        told = len([move()])
    assert registry.state(NAME).epoch - before == told


def test_a_challenge_by_another_champion_than_the_one_that_serves_changes_nothing(registry: Registry) -> None:
    promoting.promote(registry, NAME, 2, ANN)
    with pytest.raises(AliasConflictError, match="champion of encoder is 2 by now and no longer 1"):
        promoting.challenge(registry, NAME, 3, ANN, expected=1)
    assert aliases(registry) == (2, None, 1)
    promoting.challenge(registry, NAME, 3, ANN, expected=2)
    assert aliases(registry) == (2, 3, 1)


@pytest.mark.parametrize("change", ["promote", "roll back", "pin another", "pin"])
def test_a_challenge_ends_where_another_champion_comes_or_the_one_that_serves_is_to_stay(
    registry: Registry, change: str
) -> None:
    promoting.promote(registry, NAME, 2, ANN)
    promoting.challenge(registry, NAME, 3, ANN)
    move = {
        "promote": lambda: promoting.promote(registry, NAME, 4, ANN),
        "roll back": lambda: promoting.roll_back(registry, NAME, ANN),
        "pin another": lambda: promoting.pin(registry, NAME, 4, ANN),
        "pin": lambda: promoting.pin(registry, NAME, None, ANN),
    }[change]()
    assert told(move)[1:] == [("challenger", None)]
    assert aliases(registry)[1] is None
    assert move.event.reasons == [ANN.reason, "Version 3 challenges no more: it was judged by version 2."]
    assert move.event.version == move.pointer.version
    with pytest.raises(AliasConflictError):
        promoting.accept(registry, NAME, 3, ANN, champion=2)


def test_a_champion_that_is_set_without_a_word_ends_a_challenge_too(registry: Registry) -> None:
    promoting.challenge(registry, NAME, 2, ANN)
    registry.set_alias(NAME, "champion", 3, expected=1)
    assert aliases(registry) == (3, None, 1)
    with pytest.raises(AliasConflictError, match="no challenger any more"):
        promoting.accept(registry, NAME, 2, ANN, champion=3)


def test_a_challenge_goes_on_where_the_champion_is_promoted_once_more(registry: Registry) -> None:
    promoting.challenge(registry, NAME, 2, ANN)
    assert told(promoting.promote(registry, NAME, 1, ANN)) == [("champion", 1)]
    assert aliases(registry) == (1, 2, None)


def test_a_challenger_that_is_promoted_by_hand_is_none_any_more(registry: Registry) -> None:
    promoting.challenge(registry, NAME, 2, ANN)
    assert told(promoting.promote(registry, NAME, 2, ANN)) == [("champion", 2), ("challenger", None)]


def test_what_is_pinned_stays(registry: Registry) -> None:
    promoting.promote(registry, NAME, 2, ANN)
    move = promoting.pin(registry, NAME, None, Story(by="ann", reason="audit"))
    assert (move.event.kind, move.pointer.version, move.pointer.epoch) == ("pinned", 2, 3)
    for refused in (
        lambda: promoting.promote(registry, NAME, 3, ANN),
        lambda: promoting.roll_back(registry, NAME, ANN),
        lambda: registry.set_alias(NAME, "champion", 3),
        lambda: promoting.challenge(registry, NAME, 3, ANN),
    ):
        with pytest.raises(PinnedError, match=r"version 2 is pinned by ann since .* UTC \(audit\).*models unpin"):
            refused()
    assert Registry(registry.url).state(NAME).aliases.pin is not None
    assert promoting.unpin(registry, NAME, ANN).event.kind == "unpinned"
    promoting.challenge(registry, NAME, 3, ANN)
    promoting.accept(registry, NAME, 3, ANN, champion=2)
    with pytest.raises(VersionError, match="no version of encoder is pinned"):
        promoting.unpin(registry, NAME, ANN)


def test_another_version_may_be_pinned_and_serves_then(registry: Registry) -> None:
    promoting.pin(registry, NAME, 3, ANN)
    assert aliases(registry) == (3, None, 1)
    promoting.pin(registry, NAME, None, Story(by="ben"))
    with pytest.raises(PinnedError, match="pinned by ben"):
        promoting.pin(registry, NAME, 2, ANN)


def test_what_is_announced_is_what_was_told(registry: Registry) -> None:
    champion = promoting.promote(registry, NAME, 2, ANN).pointer
    assert promoting.announce(registry, NAME) == [champion]
    challenger = promoting.challenge(registry, NAME, 3, ANN).pointer
    pointers = promoting.announce(registry, NAME)
    assert pointers[1] == challenger
    assert [(pointer.version, pointer.epoch) for pointer in pointers] == [(2, 3), (3, 3)]


def test_nothing_is_announced_before_anything_serves(tmp_path: Path) -> None:
    assert promoting.announce(Registry(str(tmp_path)), NAME) == []


def test_records_of_a_move_are_keyed_and_the_pointers_come_first(registry: Registry) -> None:
    promoting.challenge(registry, NAME, 2, ANN)
    outputs = promoting.accept(registry, NAME, 2, ANN, champion=1).outputs(TopicsSettings(prefix="t."))
    assert [(output.topic, output.key) for output in outputs] == [
        ("t.model-pointers", b"encoder/champion"),
        ("t.model-pointers", b"encoder/challenger"),
        ("t.model-events", b"encoder"),
    ]
    assert dict(outputs[2].headers)["ce_type"] == b"tocsin.model-event"


def test_states_of_before_who_and_why_were_kept_are_read(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "registry" / NAME / "aliases" / "2.json").write_text('{"champion": 2, "previous": 1}')
    assert aliases(registry) == (2, None, 1)
    (pointer,) = promoting.announce(registry, NAME)
    assert (pointer.version, pointer.epoch) == (2, 2)
