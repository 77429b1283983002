"""Every way in which another version comes to serve: the registry's aliases move, and this is what is told of it.

The registry decides, by compare-and-set: of two that move an alias at once, one is refused. The pointers and the event
of a move are for whoever follows the topics; a pointer's epoch is the number of the aliases' state, so a pointer that
comes late, or twice, changes nothing. Whoever made a move and died before it was told is made up for by ``announce``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from models.aliases import AliasConflictError, Remark, require_unpinned
from models.manifest import VersionError
from streams.contract.cloudevents import headers
from streams.contract.model_records import ModelEvent, ModelPointer, pointer_key
from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.topics import model_events_topic, model_pointers_topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.aliases import State
    from models.registry import Registry
    from streams.contract.model_records import ModelEventKind, PointedAlias
    from streams.contract.settings import TopicsSettings

_POINTED: tuple[PointedAlias, ...] = ("champion", "challenger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What the event of a move tells beside who and why."""

    reasons: Sequence[str] = ()
    """Where there is more to say than the pointer's one reason."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] | None = None
    """Of the version, where it is not that of its manifest."""
    request: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Who moves an alias, and why."""

    by: str
    reason: str = ""
    details: Details = Details()


@dataclass(frozen=True, slots=True)
class Move:
    """A change of the aliases that was made, and what is to be told of it."""

    pointers: tuple[ModelPointer, ...]
    event: ModelEvent

    @property
    def pointer(self) -> ModelPointer:
        """The one that the move was about."""
        return self.pointers[0]

    def outputs(self, topics: TopicsSettings) -> list[Output]:
        """The records to publish: the pointers first, since they change what serves."""
        return [*(pointer_output(topics, pointer) for pointer in self.pointers), event_output(topics, self.event)]


def promote(
    registry: Registry, name: str, version: int, story: Story, *, expected: int | UnsetType | None = UNSET
) -> Move:
    """Make a version the champion, and the champion until now the previous one.

    Where it is the champion already, its pointer rises all the same, so that a worker that refused it tries again.

    Args:
        registry: Where the versions are.
        name: Name of the model.
        version: Which one is to serve.
        story: Who does so, and why.
        expected: The champion by which the decision was made (None: that there is none).

    Raises:
        AliasConflictError: There is another champion than expected, or another process was faster.
        PinnedError: The champion is pinned.
        VersionError: There is no such version.
    """
    before = registry.state(name)
    _expect(before, name, expected)
    changes: dict[str, Any] = {"champion": version}
    if before.aliases.champion not in (None, version):
        changes["previous"] = before.aliases.champion
    return _move(registry, name, before, _without_challenger(before, changes), "promoted", story)


def roll_back(registry: Registry, name: str, story: Story, *, expected: int | UnsetType | None = UNSET) -> Move:
    """Make the previous version the champion again; the one before it becomes the previous one again.

    Args:
        registry: Where the versions are.
        name: Name of the model.
        story: Who does so, and why.
        expected: The champion that is to go.

    Raises:
        AliasConflictError: There is another champion than expected, or another process was faster.
        PinnedError: The champion is pinned.
        VersionError: There is no previous version.
    """
    before = registry.state(name)
    _expect(before, name, expected)
    target = before.aliases.previous
    if target is None:
        raise VersionError(
            f"{name} has no previous version to roll back to: `tocsin models list` shows what there is, and `tocsin "
            "models promote VERSION` lets another serve"
        )
    changes = {"champion": target, "previous": _previous_of(registry, name, before, target)}
    return _move(registry, name, before, _without_challenger(before, changes), "rolled_back", story)


def challenge(
    registry: Registry, name: str, version: int, story: Story, *, expected: int | UnsetType | None = UNSET
) -> Move:
    """Let a version read along in the champion's shadow; the workers judge it and promote or dismiss it.

    Args:
        registry: Where the versions are.
        name: Name of the model.
        version: Which one is to read along.
        story: Who lets it, and why.
        expected: The champion by which the decision was made.

    Raises:
        AliasConflictError: There is another champion than expected, or another process was faster.
        PinnedError: The champion is pinned.
        VersionError: There is no such version.
    """
    before = registry.state(name)
    _expect(before, name, expected)
    require_unpinned(before.aliases, version)
    return _move(registry, name, before, {"challenger": version}, "challenged", story)


def accept(registry: Registry, name: str, version: int, story: Story, *, champion: int) -> Move:
    """Make a challenger the champion that it was compared with.

    Raises:
        AliasConflictError: It is no challenger any more, there is another champion, or another process was faster.
        PinnedError: The champion is pinned.
    """
    before = registry.state(name)
    _expect(before, name, champion)
    if before.aliases.challenger != version:
        raise AliasConflictError(f"version {version} of {name} is no challenger any more")
    changes = {"champion": version, "previous": champion, "challenger": None}
    return _move(registry, name, before, changes, "promoted", story)


def dismiss(registry: Registry, name: str, version: int, story: Story) -> Move:
    """Let a challenger read along no more.

    Raises:
        AliasConflictError: It is no challenger any more, or another process was faster.
    """
    before = registry.state(name)
    if before.aliases.challenger != version:
        raise AliasConflictError(f"version {version} of {name} is no challenger any more")
    return _move(registry, name, before, {"challenger": None}, "rejected", story)


def pin(registry: Registry, name: str, version: int | None, story: Story) -> Move:
    """Let a version serve, the champion where none is given, and no other until it is unpinned.

    Raises:
        AliasConflictError: Another process was faster.
        VersionError: There is no such version, or no champion; or another one is pinned.
    """
    before = registry.state(name)
    champion = before.aliases.champion
    wanted = champion if version is None else version
    if wanted is None:
        raise VersionError(f"{name} has no champion to pin: say which version")
    changes: dict[str, Any] = {"champion": wanted, "pin": _remark(story)}
    if champion not in (None, wanted):
        changes["previous"] = champion
    return _move(registry, name, before, _without_challenger(before, changes), "pinned", story)


def unpin(registry: Registry, name: str, story: Story) -> Move:
    """Let others take the champion's place again.

    Raises:
        AliasConflictError: Another process was faster.
        VersionError: Nothing is pinned.
    """
    before = registry.state(name)
    if before.aliases.pin is None:
        raise VersionError(f"no version of {name} is pinned")
    return _move(registry, name, before, {"pin": None}, "unpinned", story)


def announce(registry: Registry, name: str) -> list[ModelPointer]:
    """The pointers of the aliases as they stand; equal however often they are asked for.

    Raises:
        VersionError: The aliases' file is corrupt.
    """
    state = registry.state(name)
    remark = state.aliases.change or Remark("unknown", datetime.fromtimestamp(0, UTC))
    return [_pointer(name, alias, state, remark) for alias in _POINTED if getattr(state.aliases, alias) is not None]


def pointer_output(topics: TopicsSettings, pointer: ModelPointer) -> Output:
    """The record of a pointer."""
    return Output(model_pointers_topic(topics), pointer_key(pointer.model, pointer.alias), encode(pointer))


def event_output(topics: TopicsSettings, event: ModelEvent) -> Output:
    """The record of an event."""
    about = headers(id=event.id, type="tocsin.model-event", time=event.time)
    return Output(model_events_topic(topics), event.model.encode(), encode(event), about)


def event_id(*parts: object) -> str:
    """Id of an event out of what makes it one of a kind: 32 hexadecimal digits."""
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def _move(
    registry: Registry, name: str, before: State, changes: Mapping[str, Any], kind: ModelEventKind, story: Story
) -> Move:
    remark, details = _remark(story), story.details
    moved = [alias for alias in _POINTED if alias in changes or (alias == "champion" and "pin" in changes)]
    version = changes.get(moved[0]) or getattr(before.aliases, moved[0])
    # Before the registry moves: what fails between that and the telling would leave a move that nobody hears of.
    lineage = _lineage(registry, name, version, changes) if details.lineage is None else details.lineage
    after = registry.change(name, before, changes, remark)
    reasons = list(details.reasons) or ([story.reason] if story.reason else [])
    ended = before.aliases.challenger if changes.get("challenger", UNSET) is None else None
    if ended not in (None, version):
        reasons.append(f"Version {ended} challenges no more: it was judged by version {before.aliases.champion}.")
    event = ModelEvent(
        id=event_id(name, kind, after.epoch),
        model=name,
        kind=kind,
        time=remark.time,
        by=story.by,
        version=version,
        previous=before.aliases.champion,
        epoch=after.epoch,
        request=details.request,
        reasons=reasons,
        metrics=dict(details.metrics),
        lineage=dict(lineage),
    )
    return Move(tuple(_pointer(name, alias, after, remark) for alias in moved), event)


def _lineage(registry: Registry, name: str, version: int, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a version was made from; nothing, where one that no alias is moved to does not tell."""
    try:
        return registry.manifest(name, version).lineage
    except (VersionError, OSError):
        if version in (changes.get(alias) for alias in _POINTED):
            raise
        # Whatever is wrong with a challenger, or with what was pinned, it may be let go.
        return {}


def _pointer(name: str, alias: PointedAlias, state: State, remark: Remark) -> ModelPointer:
    return ModelPointer(
        model=name,
        alias=alias,
        version=getattr(state.aliases, alias),
        epoch=state.epoch,
        time=remark.time,
        by=remark.by,
        reason=remark.reason,
    )


def _remark(story: Story) -> Remark:
    return Remark(story.by, datetime.now(UTC), story.reason)


def _expect(before: State, name: str, expected: int | UnsetType | None) -> None:
    if expected is not UNSET and before.aliases.champion != expected:
        raise AliasConflictError(
            f"the champion of {name} is {before.aliases.champion or 'not set'} by now and no longer "
            f"{expected or 'unset'}, so nothing is changed: look at `tocsin models list`, and decide again"
        )


def _without_challenger(before: State, changes: dict[str, Any]) -> dict[str, Any]:
    """With a challenge ended where another champion comes, or the one that serves is to stay.

    The gate judged the challenger by the champion of then, and by no other.
    """
    stays = changes["champion"] == before.aliases.champion and "pin" not in changes
    return changes | ({} if stays or before.aliases.challenger is None else {"challenger": None})


def _previous_of(registry: Registry, name: str, before: State, version: int) -> int | None:
    """What was the previous version when this one was the champion last, so that one may roll back twice."""
    for epoch in range(before.epoch - 1, 0, -1):
        aliases = registry.state(name, epoch).aliases
        if aliases.champion == version:
            return aliases.previous
    return None
