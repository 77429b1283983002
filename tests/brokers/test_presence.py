"""The brokers' going and coming is told once each, and not asked too often."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streams.brokers.broker import free_port
from streams.brokers.presence import Presence
from streams.contract.settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield


def test_each_change_is_told_once() -> None:
    port = free_port()
    now = 0.0
    # One of the addresses is enough.
    kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:1,127.0.0.1:{port}")
    presence = Presence(kafka, every=1.0, clock=lambda: now)

    def at(second: float) -> bool | None:
        nonlocal now
        now = second
        return presence.change()

    with listening(port):
        assert [at(1), at(2)] == [None, None]
    assert [at(3), at(3.5), at(4)] == [False, None, None]
    with listening(port):
        assert [at(4.9), at(5), at(6)] == [None, True, None]
