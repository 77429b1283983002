"""What the brokers do not let be read is told in a line that names it, not in a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Self

import pytest
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError

from streams.brokers.errors import TopicError
from streams.brokers.following import Follower
from streams.brokers.reading import read_all, read_key
from streams.contract.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

TOPIC = "tocsin.predictions"
NO_RIGHTS = TopicAuthorizationFailedError({TOPIC})


class Refusing:
    """A consumer that gets an error in the place of records, or already of partitions."""

    def __init__(self, error: KafkaError, *, at_once: bool) -> None:
        self._error = error
        self._at_once = at_once
        self.closed = False

    def partitions_for_topic(self, _: str) -> set[int]:
        if self._at_once:
            raise self._error
        return {0}

    def poll(self, **_: object) -> NoReturn:
        raise self._error

    def assign(self, _: object) -> None:
        """As wished."""

    def seek_to_beginning(self, *_: object) -> None:
        """As wished."""

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _follow(settings: Settings) -> None:
    with Follower(settings.kafka, [TOPIC], from_beginning=True) as follower:
        follower.poll(0.1)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NO_RIGHTS, f"{TOPIC} cannot be read.*`tocsin topics acls`"),
        (KafkaTimeoutError("no answer"), f"{TOPIC} cannot be read.*no answer$"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    "read",
    [
        lambda settings: list(read_all(settings, TOPIC)),
        lambda settings: list(read_key(settings, TOPIC, b"key")),
        _follow,
    ],
    ids=["whole", "a key", "following"],
)
def test_a_topic_that_may_not_be_read_is_named(
    read: Callable[[Settings], object],
    at_once: bool,
    error: KafkaError,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    clean_environment: None,
) -> None:
    reader = Refusing(error, at_once=at_once)
    for module in ("reading", "following"):
        monkeypatch.setattr(f"streams.brokers.{module}.consumer", lambda *_, **__: reader)
    with pytest.raises(TopicError, match=told):
        read(Settings())
    assert reader.closed


def test_where_no_topic_is_seen_both_reasons_are_told(monkeypatch: pytest.MonkeyPatch, clean_environment: None) -> None:
    reader = Refusing(NO_RIGHTS, at_once=False)
    monkeypatch.setattr(reader, "partitions_for_topic", lambda _: None)
    monkeypatch.setattr("streams.brokers.reading.consumer", lambda *_, **__: reader)
    with pytest.raises(TopicError, match=rf"no topic {TOPIC} .*`tocsin topics create`.*`tocsin topics acls`"):
        list(read_all(Settings(), TOPIC))
