"""A feed on a server of the test."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx
import pytest
from support.feeds import Server

from streams.sources.rss import RssFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def open_feed(server: Server, tmp_path: Path) -> Iterator[Callable[[], RssFeed]]:
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=5) as client:
        yield lambda: RssFeed(server.url, client, tmp_path)
