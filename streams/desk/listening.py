"""An ASGI application on a port of this machine, in a thread."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Self

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_GRACE_SECONDS = 2
_STOP_SECONDS = 10.0
_BACKLOG = 128


class Serving:
    """Serves an application until closed. A context manager.

    Args:
        app: The application.
        listener: Where; it is closed at the end.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._listener = listener
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
                lifespan="off",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        # Signals stay the process's own: uvicorn takes them in the main thread alone.
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="desk-page", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._listener.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; requests wait in it until they are served.

    Raises:
        OSError: The address cannot be had; the message names the setting.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        raise OSError(
            error.errno, f"cannot listen on {host}:{port} ({why}): set desk.port to a free one, or 0"
        ) from error
    return listener
