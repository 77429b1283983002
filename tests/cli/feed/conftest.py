"""The command, a broker, and a feed to be polled."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from support.commands import Tocsin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.brokers.tansu import TansuBroker

FEED = b"""<rss version="2.0"><channel><title>Daily Quay</title>
<item><title>Ferry firm halts sailings</title><guid>1</guid></item>
<item><title>Rates held</title><guid>2</guid></item></channel></rss>"""


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """What is tested here is the same on every broker."""
    return tansu_broker


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clean_environment: None) -> Tocsin:
    return Tocsin(monkeypatch, capsys)


@pytest.fixture
def feed_url() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("If-None-Match") == '"v1"'
            self.send_response(304 if known else 200)
            self.send_header("ETag", '"v1"')
            self.send_header("Content-Length", "0" if known else str(len(FEED)))
            self.end_headers()
            self.wfile.write(b"" if known else FEED)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/feed.xml"
    http.shutdown()
    thread.join()
    http.server_close()
