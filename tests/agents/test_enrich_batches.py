"""How many messages are read at once: few while the stream keeps up, many in a backlog of short ones."""

from __future__ import annotations

from types import SimpleNamespace

from streams.agents.enrich import _batcher
from streams.contract.settings import EnrichSettings


def backlog(settings: EnrichSettings, size: int, batches: int = 4) -> list[int]:
    """Sizes of the first batches of an endless backlog of messages of so many bytes."""
    batcher = _batcher(settings)
    event = SimpleNamespace(message=SimpleNamespace(value=b"x" * size))
    sizes = []
    for _ in range(batches):
        while not batcher.is_full:
            batcher.add(event, 0.0)
        sizes.append(len(batcher.take()))
    return sizes


def test_a_backlog_of_short_messages_is_read_in_large_batches() -> None:
    assert backlog(EnrichSettings(), 200) == [128, 256, 512, 512]


def test_a_backlog_of_long_messages_is_read_in_the_usual_ones() -> None:
    assert backlog(EnrichSettings(), 10_000) == [128, 128, 128, 128]
    assert backlog(EnrichSettings(), 1_000_000) == [128, 128, 128, 128]


def test_no_batch_is_larger_than_the_setting() -> None:
    assert backlog(EnrichSettings(batch_max=300), 200) == [128, 256, 300, 300]
    assert backlog(EnrichSettings(batch_max=8), 200) == [8, 8, 8, 8]


def test_a_message_without_content_weighs_nothing() -> None:
    batcher = _batcher(EnrichSettings())
    batcher.add(SimpleNamespace(message=SimpleNamespace(value=None)), 0.0)
    assert len(batcher.take()) == 1
