"""What a worker asks of the registry, and what it tells everybody of the versions that it serves.

The registry is read and changed in threads, since it may be far away; what is told goes out beside that, so that
whoever tells waits for no broker.
"""

from __future__ import annotations

import asyncio
import os
import socket
from datetime import UTC, datetime
from functools import partial
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, Literal

import structlog

from models import promoting
from models.aliases import AliasConflictError, PinnedError
from models.manifest import VersionError
from models.promoting import Details, Story, event_id
from streams.contract.model_records import ModelEvent
from streams.logic.rollout import pause_after
from streams.worker.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.aliases import Aliases, State
    from models.promoting import Move
    from models.registry import Registry
    from streams.contract.model_records import ModelEventKind
    from streams.contract.outgoing import Output
    from streams.contract.settings import Settings
    from streams.logic.shadow import Judgement
    from streams.worker.publisher import BatchPublisher

# Workers may take one version back at one moment; beyond that it is a registry that lists its files late.
_CONFLICTS_AT_ONCE = 5

_Outcome = Literal["over", "conflict", "away"]
"""There is nothing to try again; another was faster; the registry is out of reach."""

log = structlog.get_logger(__name__)


class StaleRegistryError(Exception):
    """The registry does not show yet what a pointer tells of it."""


class Registrar:
    """The registry as one worker sees it.

    Args:
        settings: Name of the model, and the topics.
        registry: Where the versions are.
        publisher: Started before anything is told, and stopped after this.
    """

    def __init__(self, settings: Settings, registry: Registry, publisher: BatchPublisher) -> None:
        self._name = settings.model.name
        self._topics = settings.topics
        self._registry = registry
        self._teller = Teller(publisher)
        self.worker = f"worker {socket.gethostname()}:{os.getpid()}"
        """Who asks and tells."""

    async def state(self, *, at_least: int = 0) -> State:
        """Where the aliases point.

        Args:
            at_least: Number of the state that a pointer has told of.

        Raises:
            StaleRegistryError: The registry does not show that state yet.
            VersionError: The aliases' file is corrupt.
            OSError: The registry cannot be read.
        """
        state = await asyncio.to_thread(self._registry.state, self._name)
        if state.epoch < at_least:
            raise StaleRegistryError(
                f"the registry shows state {state.epoch} of {self._name}, and a pointer tells of {at_least}"
            )
        return state

    async def stop(self) -> None:
        """Give what is not told yet a moment; nothing is told after this."""
        await self._teller.stop()

    async def announce(self) -> None:
        """Tell what the registry says, where whoever changed it died before it was told.

        Raises:
            VersionError: The aliases' file is corrupt.
            OSError: The registry cannot be read.
        """
        self._teller.tell(await asyncio.to_thread(self._standing))

    async def roll_back(
        self, version: int, reason: str, figures: Mapping[str, float], *, since: int | None = None
    ) -> None:
        """Have a version taken back for everybody, unless it is pinned or the champion has been decided on anew.

        It is tried until it is made or is not to be: again at once where another process was faster, and after 1, 2, 4
        ... 60 seconds where the registry is out of reach.

        Args:
            version: What did worse than the one before.
            reason: Why, in words.
            figures: The same in numbers.
            since: Number of the state by which the version served, or was tried: a person who has promoted it again
                since then knows more. Without it the version alone is compared.
        """
        story = Story(by=self.worker, reason=reason, details=Details(metrics=figures))
        pauses = 0
        for tried in count(1):
            outcome = await self._move(lambda: self._take_back(version, since, story))
            if outcome == "over":
                return
            if outcome == "away" or tried > _CONFLICTS_AT_ONCE:
                pauses += 1
                await asyncio.sleep(pause_after(pauses))

    async def settle_challenge(self, version: int, champion: int, judgement: Judgement) -> bool:
        """Let a challenger take the place of the champion that it was compared with, or dismiss it.

        Returns:
            Whether that is over; where not, the aliases have moved meanwhile, or the registry is out of reach.
        """
        reason = f"In a shadow run of {self.worker} {judgement.reason}."
        story = Story(by=self.worker, reason=reason, details=Details(metrics=judgement.figures))
        settle: Callable[..., Move] = promoting.dismiss
        if judgement.is_let_in:
            settle = partial(promoting.accept, champion=champion)
        outcome = await self._move(lambda: settle(self._registry, self._name, version, story).outputs(self._topics))
        return outcome == "over"

    def tell(self, kind: ModelEventKind, version: int, epoch: int, **more: Any) -> None:  # noqa: ANN401  ModelEvent's
        """Tell of something that this worker did and that moved no alias; returns at once.

        Args:
            kind: What.
            version: Which version it is about.
            epoch: Of the pointer that led to it.
            more: Further fields of ``ModelEvent``.
        """
        event = ModelEvent(
            id=event_id(self._name, kind, version, epoch, self.worker),
            model=self._name,
            kind=kind,
            time=datetime.now(UTC),
            by=self.worker,
            version=version,
            epoch=epoch,
            **more,
        )
        self._teller.tell([promoting.event_output(self._topics, event)])

    def _standing(self) -> list[Output]:
        """The pointers of the aliases as they stand."""
        pointers = promoting.announce(self._registry, self._name)
        return [promoting.pointer_output(self._topics, pointer) for pointer in pointers]

    def _take_back(self, version: int, since: int | None, story: Story) -> list[Output]:
        """Roll back where that still is to be; what is to be told then."""
        seen = self._registry.state(self._name)
        if seen.aliases.champion != version:
            change = seen.aliases.change
            # Perhaps by this very change, where only the answer to it was lost.
            return self._standing() if change is not None and change.by == self.worker else []
        if since is not None and self._is_decided_anew(since, seen.epoch):
            log.info("somebody has promoted the version again meanwhile: it is not taken back", version=version)
            return []
        return promoting.roll_back(self._registry, self._name, story, expected=version).outputs(self._topics)

    def _is_decided_anew(self, since: int, epoch: int) -> bool:
        """Whether one of the changes after a state, up to another, was about the champion."""
        states = (self._registry.state(self._name, number).aliases for number in range(since, epoch + 1))
        return any(_is_about_champion(before, after) for before, after in pairwise(states))

    async def _move(self, make: Callable[[], Sequence[Output]]) -> _Outcome:
        """Change the registry, in a thread, and tell what that gives to tell."""
        try:
            outputs = await asyncio.to_thread(make)
        except AliasConflictError as error:
            log.info("another was faster at the registry", error=str(error))
            return "conflict"
        except PinnedError as error:
            log.warning("the registry is not changed", error=str(error))
            return "over"
        except OSError as error:
            log.warning("the registry cannot be changed now, and it is tried again", error=str(error))
            return "away"
        except VersionError as error:
            log.error("the registry cannot be changed: do it by hand", error=str(error))  # noqa: TRY400  the message says all
            return "over"
        self._teller.tell(outputs)
        return "over"


def _is_about_champion(before: Aliases, after: Aliases) -> bool:
    """Whether a change was a decision on the champion; who promotes what serves already changes nothing else either."""
    if (before.champion, before.pin) != (after.champion, after.pin):
        return True
    return (before.challenger, before.previous) == (after.challenger, after.previous)
