"""A receiver of webhooks that answers as it is told, and remembers what came."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Posted:
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """Listens on a free port of the loopback interface. A context manager."""

    def __init__(self) -> None:
        self.posts: list[Posted] = []
        self.hold = threading.Event()
        """Answers nobody while it is not set."""
        self.hold.set()
        self.answers: deque[tuple[int, dict[str, str]]] = deque()
        """Status and headers of the next answers; 200 when there are none."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.posts.append(Posted(dict(self.headers.items()), body))
                receiver.hold.wait(30)
                status, headers = receiver.answers.popleft() if receiver.answers else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                with suppress(ConnectionError):  # who asked may be dead
                    self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/replies?token=secret"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
