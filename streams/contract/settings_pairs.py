"""Settings that are each possible and do not go together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from streams.contract.settings import Settings


def check_pairs(settings: Settings) -> None:
    """Refuse settings that do not go together.

    Raises:
        ValueError: The message names both, and says why.
    """
    _check_drafts_end(settings)
    _check_offsets_move(settings)
    _check_heartbeats(settings)
    _check_topics(settings)
    _check_models(settings)


def _check_drafts_end(settings: Settings) -> None:
    deadline, timeout = settings.replies.deadline_seconds, settings.worker.shutdown_timeout_seconds
    if (settings.replies.enabled or settings.briefs.enabled) and deadline >= timeout:
        raise ValueError(
            f"replies.deadline_seconds ({deadline:g}) must be below worker.shutdown_timeout_seconds ({timeout:g}): "
            "a worker that stops waits for the drafts in hand, and would be ended in the midst of them"
        )


def _check_offsets_move(settings: Settings) -> None:
    # Heartbeats of the surge clock come all the time, so that there is always something that is not committed yet.
    waits = {
        "enrich.batch_wait_seconds": settings.enrich.batch_wait_seconds,
        "surge.checkpoint_seconds": settings.surge.checkpoint_seconds if settings.surge.enabled else 0.0,
        "recommend.checkpoint_seconds": settings.recommend.checkpoint_seconds if settings.recommend.enabled else 0.0,
    }
    name = max(waits, key=waits.__getitem__)
    commit, timeout = settings.kafka.commit_interval_seconds, settings.worker.stall_timeout_seconds
    if waits[name] + commit >= timeout:
        raise ValueError(
            f"{name} ({waits[name]:g}) and kafka.commit_interval_seconds ({commit:g}) must together be below "
            f"worker.stall_timeout_seconds ({timeout:g}): no offset is committed sooner, so that a worker at work "
            "would be taken for one that does not move, and end again and again"
        )


def _check_heartbeats(settings: Settings) -> None:
    interval, timeout = settings.kafka.heartbeat_interval_seconds, settings.kafka.session_timeout_seconds
    if interval >= timeout:
        raise ValueError(
            f"kafka.heartbeat_interval_seconds ({interval:g}) must be below kafka.session_timeout_seconds "
            f"({timeout:g}): every worker would be taken out of the group between two heartbeats; a third is usual"
        )


def _check_topics(settings: Settings) -> None:
    names = Counter(spec.name for spec in all_topics(settings))
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise ValueError(
            f"the topic {', '.join(twice)} is named for two things: topics.inputs, recommend.items_topic and "
            "recommend.behaviors_topic must differ from one another and from Tocsin's own topics (topics.prefix)"
        )


def _check_models(settings: Settings) -> None:
    if settings.generator.name == settings.model.name:
        raise ValueError(
            f"generator.name and model.name are both {settings.model.name}: their versions would stand in one row, and "
            "the champion of one would be the other's"
        )
