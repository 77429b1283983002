"""Moving the registry's aliases and telling it, for the retraining job and the command line.

The broker is asked first, so that nothing moves that cannot be told; then the registry moves, by compare-and-set; then
the pointers and the event are published, and acknowledged. Where that last step fails, or the process dies before it,
the registry holds: ``announce`` tells what it says, and every worker that starts does so too.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka.errors import KafkaError
from msgspec import UNSET, UnsetType

from models import promoting
from models.promoting import Details, Story
from streams.brokers.admin import describe_topics
from streams.brokers.client import admin_client, producer
from streams.brokers.errors import BrokerError, TopicError
from streams.brokers.placing import place_of
from streams.contract.topics import kept_in_place, model_events_topic, model_pointers_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from models.promoting import Move
    from models.registry import Registry
    from streams.contract.model_records import ModelEvent, ModelPointer
    from streams.contract.outgoing import Output
    from streams.contract.settings import KafkaSettings, Settings


_NO_DETAILS = Details()


class UntoldError(BrokerError):
    """The registry has moved, and the brokers do not take what is to be told of it."""


def promote(
    settings: Settings,
    registry: Registry,
    version: int,
    by: str,
    reason: str,
    *,
    expected: int | UnsetType | None = UNSET,
    details: Details = _NO_DETAILS,
) -> ModelPointer:
    """Make a version the champion, and tell every worker.

    Args:
        settings: Name of the model, topics, brokers.
        registry: Where the versions are.
        version: Which one is to serve.
        by: Who decides: a person, or the gate.
        reason: Why, in a sentence.
        expected: The champion by which the decision was made (None: that there is none); any where absent.
        details: What the event tells beside: figures of the decision, more reasons, lineage, the run's request.

    Returns:
        The pointer that was published.

    Raises:
        AliasConflictError: There is another champion than expected, or another process was faster; nothing is changed.
        PinnedError: The champion is pinned; nothing is changed, and the message says by whom and since when.
        VersionError: There is no such version.
        BrokerError: No broker answers, or a topic is missing: nothing is changed.
        UntoldError: The registry moved, and it could not be told.
    """
    story = Story(by=by, reason=reason, details=details)
    name = settings.model.name
    return _tell(settings, lambda: promoting.promote(registry, name, version, story, expected=expected))


def challenge(
    settings: Settings,
    registry: Registry,
    version: int,
    by: str,
    reason: str,
    *,
    expected: int | UnsetType | None = UNSET,
    details: Details = _NO_DETAILS,
) -> ModelPointer:
    """Let a version read along in the champion's shadow; the workers measure, and promote or dismiss it themselves.

    What the retraining job does in the place of ``promote`` where ``swap.shadow`` is set. Arguments, results and errors
    are those of ``promote``.
    """
    story = Story(by=by, reason=reason, details=details)
    name = settings.model.name
    return _tell(settings, lambda: promoting.challenge(registry, name, version, story, expected=expected))


def rollback(
    settings: Settings,
    registry: Registry,
    by: str,
    reason: str,
    *,
    expected: int | UnsetType | None = UNSET,
) -> ModelPointer:
    """Make the previous version the champion again, and tell every worker; errors as of ``promote``."""
    story, name = Story(by=by, reason=reason), settings.model.name
    return _tell(settings, lambda: promoting.roll_back(registry, name, story, expected=expected))


def pin(settings: Settings, registry: Registry, version: int | None, by: str, reason: str) -> ModelPointer:
    """Let a version serve (the champion where None), and no other until it is unpinned; errors as of ``promote``."""
    story = Story(by=by, reason=reason)
    return _tell(settings, lambda: promoting.pin(registry, settings.model.name, version, story))


def unpin(settings: Settings, registry: Registry, by: str, reason: str) -> ModelPointer:
    """Let others take the champion's place again; errors as of ``promote``."""
    story = Story(by=by, reason=reason)
    return _tell(settings, lambda: promoting.unpin(registry, settings.model.name, story))


def announce(settings: Settings, registry: Registry) -> list[ModelPointer]:
    """Tell the workers what the registry says, which changes nothing for those that know it.

    Raises:
        VersionError: The registry's aliases are corrupt.
        BrokerError: No broker answers, or none takes it.
    """
    pointers = promoting.announce(registry, settings.model.name)
    with _sender(settings) as send:
        send([promoting.pointer_output(settings.topics, pointer) for pointer in pointers])
    return pointers


def tell_event(settings: Settings, event: ModelEvent) -> None:
    """Publish an event that moves nothing, such as that of a rejection.

    Raises:
        BrokerError: No broker answers, or none takes it.
    """
    with _sender(settings) as send:
        send([promoting.event_output(settings.topics, event)])


def _tell(settings: Settings, move: Callable[[], Move]) -> ModelPointer:
    with _sender(settings) as send:
        made = move()
        send(made.outputs(settings.topics))
    return made.pointer


@contextmanager
def _sender(settings: Settings) -> Iterator[Callable[[Sequence[Output]], None]]:
    """What publishes with acknowledgement; a broker answers and the topics exist by the time it is given."""
    kafka, topics, kept = settings.kafka, settings.topics, kept_in_place(settings)
    _require(kafka, [model_pointers_topic(topics), model_events_topic(topics)])
    with producer(kafka, linger_ms=0) as connected:

        def send(outputs: Sequence[Output]) -> None:
            for output in outputs:
                try:
                    place = place_of(connected, output.topic, output.key, kept.get(output.topic))
                    sent = connected.send(
                        output.topic, key=output.key, value=output.value, headers=output.headers, partition=place
                    )
                    sent.get(timeout=kafka.delivery_timeout_seconds)
                except KafkaError as error:
                    raise UntoldError(
                        f"{output.topic} does not take what is told of the model ({error}): what the registry says "
                        "holds; once the brokers are well, `tocsin models announce` tells it"
                    ) from error

        yield send


def _require(kafka: KafkaSettings, names: list[str]) -> None:
    try:
        with admin_client(kafka) as admin:
            known = {topic.name for topic in describe_topics(admin, names, config=False)}
    except KafkaError as error:
        raise TopicError(
            f"the brokers at {kafka.bootstrap_servers} tell nothing of {', '.join(names)}: {error}"
        ) from error
    if missing := [name for name in names if name not in known]:
        raise TopicError(f"no topic {', '.join(missing)} at {kafka.bootstrap_servers}: `tocsin topics create` makes it")
