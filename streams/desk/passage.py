"""What every request passes on its way in, and every answer on its way out. Plain ASGI, since events are streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.datastructures import Headers, MutableHeaders

from streams.desk.security import HEADERS, RefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from streams.desk.security import Guard

MAX_BODY_BYTES = 65_536
PERSON = "tocsin.person"
"""Where a request's scope holds who makes it."""

_API = "/api/"
_SESSION = "/api/session"


class Passage:
    """Checks host and session, bounds bodies, and puts the headers of security on every answer.

    Args:
        app: What is guarded.
        guard: Lets requests in.
    """

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            self._let_in(scope)
            body = _Bounded(receive)
            await self._app(scope, body.receive, _with_headers(send))
        except RefusedError as error:
            await _refuse(_with_headers(send), error)

    def _let_in(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self._guard.check_host(headers)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise RefusedError(f"this is too long: {MAX_BODY_BYTES} bytes at most", 413)
        path, method = scope["path"], scope["method"]
        # The session is opened by the token itself.
        if path.startswith(_API) and (path, method) != (_SESSION, "POST"):
            scope[PERSON] = self._guard.check_session(method, headers)


class _Bounded:
    """A body that is not told its length may still be too long."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > MAX_BODY_BYTES:
            raise RefusedError(f"this is too long: {MAX_BODY_BYTES} bytes at most", 413)
        return message


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


async def _refuse(send: Send, error: RefusedError) -> None:
    body = msgspec.json.encode({"error": str(error)})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
