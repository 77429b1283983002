"""A process's small HTTP server: ``/metrics``, ``/healthz`` and ``/readyz``.

It runs in threads of its own, so that it answers, and tells the truth, even when the event loop does not.
"""

from __future__ import annotations

import json
import socket
import threading
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, NamedTuple, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from prometheus_client import CollectorRegistry


class _ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _ThreadingWSGIServer6(_ThreadingWSGIServer):
    address_family = socket.AF_INET6


class Probe(NamedTuple):
    """Answer to a probe: whether all is well, and what was looked at."""

    ok: bool
    checks: dict[str, str]


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Probes come every few seconds: nothing is logged."""


class ProbeServer:
    """Serves metrics and probes until closed.

    Args:
        host: Address to listen on.
        port: Port, 0 for a free one; see ``url`` afterwards.
        registry: Metrics to show.
        health: Whether the process works; a supervisor restarts it where not.
        ready: Whether it does its work now.
        setting: Name of the setting that the port comes from, for the error.

    Raises:
        OSError: The address is taken; the message names it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        *,
        health: Callable[[], Probe],
        ready: Callable[[], Probe],
        setting: str = "metrics.port",
    ) -> None:
        metrics = make_wsgi_app(registry)
        try:
            self._server = make_server(
                host,
                port,
                _route(metrics, {"/healthz": health, "/readyz": ready}),
                _ThreadingWSGIServer6 if ":" in host else _ThreadingWSGIServer,
                _QuietHandler,
            )
        except OSError as error:
            raise OSError(
                error.errno, f"cannot listen on {host}:{port} ({error.strerror}): set {setting} to a free one, or 0"
            ) from error
        self.host = host
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Base address, such as ``http://127.0.0.1:9464``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _route(metrics: WSGIApplication, probes: dict[str, Callable[[], Probe]]) -> WSGIApplication:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics":
            return metrics(environ, start_response)
        if path in probes:
            ok, checks = probes[path]()
            body = json.dumps({"ok": ok, "checks": checks}).encode()
            start_response("200 OK" if ok else "503 Service Unavailable", [("Content-Type", "application/json")])
            return [body]
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"/metrics, /healthz, /readyz\n"]

    return app
