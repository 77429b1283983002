"""What a worker asks of the registry, and what it tells everybody of the versions that it serves.

The registry is read and changed in threads, since it may be far away; what is told goes out with acknowledgement.
"""

from __future__ import annotations

import asyncio
import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from models import promoting
from models.aliases import AliasConflictError, PinnedError
from models.manifest import VersionError
from models.promoting import Details, Story, event_id
from streams.contract.model_records import ModelEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.aliases import Remark, State
    from models.promoting import Move
    from models.registry import Registry
    from streams.contract.model_records import ModelEventKind
    from streams.contract.outgoing import Output
    from streams.contract.settings import Settings
    from streams.logic.shadow import Judgement
    from streams.worker.publisher import BatchPublisher

log = structlog.get_logger(__name__)


class StaleRegistryError(Exception):
    """The registry does not show yet what a pointer tells of it."""


class Registrar:
    """The registry as one worker sees it.

    Args:
        settings: Name of the model, and the topics.
        registry: Where the versions are.
        publisher: Started before anything is told, and stopped after.
    """

    def __init__(self, settings: Settings, registry: Registry, publisher: BatchPublisher) -> None:
        self._name = settings.model.name
        self._topics = settings.topics
        self._registry = registry
        self._publisher = publisher
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

    async def pin(self) -> Remark | None:
        """Who has pinned the champion; None where nobody has, or the registry does not tell."""
        try:
            return (await self.state()).aliases.pin
        except (VersionError, OSError) as error:
            log.warning("the registry does not tell of pins", error=str(error))
            return None

    async def announce(self) -> None:
        """Tell what the registry says, where whoever changed it died before it was told."""
        pointers = await asyncio.to_thread(promoting.announce, self._registry, self._name)
        await self._publish([promoting.pointer_output(self._topics, pointer) for pointer in pointers])

    async def roll_back(self, version: int, reason: str, figures: Mapping[str, float]) -> None:
        """Have a version taken back for everybody, unless it is the champion no more, or is pinned."""
        story = Story(by=self.worker, reason=reason, details=Details(metrics=figures))
        await self._move(lambda: promoting.roll_back(self._registry, self._name, story, expected=version))

    async def settle_challenge(self, version: int, champion: int, judgement: Judgement) -> bool:
        """Let a challenger take the place of the champion that it was compared with, or dismiss it.

        Returns:
            Whether that is over; where not, the aliases have moved meanwhile, or the registry is out of reach.
        """
        reason = f"In a shadow run of {self.worker} {judgement.reason}."
        story = Story(by=self.worker, reason=reason, details=Details(metrics=judgement.figures))
        if judgement.is_let_in:
            return await self._move(
                lambda: promoting.accept(self._registry, self._name, version, story, champion=champion)
            )
        return await self._move(lambda: promoting.dismiss(self._registry, self._name, version, story))

    async def tell(self, kind: ModelEventKind, version: int, epoch: int, **more: Any) -> None:  # noqa: ANN401  ModelEvent's
        """Tell of something that this worker did and that moved no alias.

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
        await self._publish([promoting.event_output(self._topics, event)])

    async def _move(self, move: Callable[[], Move]) -> bool:
        """Whether there is nothing to try again: it was made, or is not to be."""
        try:
            made = await asyncio.to_thread(move)
        except AliasConflictError as error:
            log.info("another was faster at the registry", error=str(error))
            return False
        except PinnedError as error:
            log.warning("the registry is not changed", error=str(error))
            return True
        except OSError as error:
            log.error("the registry cannot be changed: do it by hand", error=str(error))  # noqa: TRY400  the message says all
            return False
        except VersionError as error:
            log.error("the registry cannot be changed: do it by hand", error=str(error))  # noqa: TRY400  likewise
            return True
        await self._publish(made.outputs(self._topics))
        return True

    async def _publish(self, outputs: Sequence[Output]) -> None:
        refused = await self._publisher.publish(outputs)
        if refused:
            log.error("too large for the brokers, and not told", topics=sorted({output.topic for output in refused}))
