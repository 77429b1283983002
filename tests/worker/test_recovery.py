"""Reading state back: the latest of each key, nothing for ever, and nothing that a stranger wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.messages import produce

from streams.contract.records import encode
from streams.contract.signals import SurgeState
from streams.contract.topics import surge_state_topic
from streams.logic.surge.state import FORM
from streams.worker.recovery import Recovery, RecoveryError

if TYPE_CHECKING:
    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration


def state(key: str, content: bytes) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    return key.encode(), encode(SurgeState(key=key, form=FORM, state=content)), []


def read(settings: Settings) -> dict[str, bytes]:
    found = [
        each for partition in range(settings.topics.partitions) for each in Recovery(settings).surge_state(partition)
    ]
    assert len({each.key for each in found}) == len(found)
    return {each.key: each.state for each in found}


def test_the_latest_state_of_each_key_is_read_and_what_was_removed_is_gone(stream_settings: Settings) -> None:
    topic = surge_state_topic(stream_settings.topics)
    produce(stream_settings, topic, [state("entity/a", b"1"), state("entity/b", b"1"), state("entity/a", b"2")])
    produce(stream_settings, topic, [(b"entity/b", None, []), state("entity/c", b"3")])
    assert read(stream_settings) == {"entity/a": b"2", "entity/c": b"3"}


def test_what_a_stranger_wrote_is_left_out(stream_settings: Settings) -> None:
    topic = surge_state_topic(stream_settings.topics)
    produce(stream_settings, topic, [(b"x", b"no state", []), (b"y", b"\xff", []), state("entity/a", b"1")])
    assert read(stream_settings) == {"entity/a": b"1"}


def test_a_topic_that_is_missing_is_told(unmade_settings: Settings) -> None:
    with pytest.raises(RecoveryError, match=r"surge-state.*topics create"):
        Recovery(unmade_settings).surge_state(0)


def test_what_takes_too_long_is_given_up_and_names_the_setting(stream_settings: Settings) -> None:
    topic = surge_state_topic(stream_settings.topics)
    produce(stream_settings, topic, [state("entity/a", b"1")] * 50)
    surge = stream_settings.surge.model_copy(update={"recovery_timeout_seconds": 1e-9})
    hurried = stream_settings.model_copy(update={"surge": surge})
    with pytest.raises(RecoveryError, match=r"surge\.recovery_timeout_seconds"):
        read(hurried)
