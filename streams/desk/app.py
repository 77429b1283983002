"""The page's server: its files, its stream of events, its actions. Starlette; nothing here knows Kafka."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import msgspec
import structlog
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from models.manifest import VersionError
from streams.brokers.errors import BrokerError
from streams.contract.credentials import hide_credentials
from streams.desk.actions.office import ActionError, registry_at_hand
from streams.desk.hub import Subscriber
from streams.desk.passage import PERSON, Passage
from streams.desk.security import REPORT_POLICY, RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from streams.desk.actions.table import Action
    from streams.desk.live import Live
    from streams.desk.people import Person
    from streams.desk.ports import Retraining
    from streams.desk.security import Guard
    from streams.desk.versions import Versions

T = TypeVar("T")
Asks = ParamSpec("Asks")

_PING_SECONDS = 15
_RETRY_MS = 1000
# What a proxy between must not do to a stream of events.
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

log = structlog.get_logger(__name__)


class Session(msgspec.Struct, forbid_unknown_fields=True):
    """How a browser shows that it knows the token."""

    token: str


class _PageFiles(StaticFiles):
    """The page's scripts and styles, asked for again at each load: a browser that is told nothing keeps them for days.

    After an update, those of the version before would call this desk.
    """

    def file_response(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401  as Starlette has them
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


class DeskApp:
    """The routes.

    Args:
        guard: Lets requests in.
        live: What the page shows.
        actions: What it may ask for, by path.
        versions: Model versions.
        retraining: Tells how far labellers agree.
        static: Folder of the page's files.
    """

    def __init__(
        self,
        guard: Guard,
        live: Live,
        actions: Mapping[str, Action],
        versions: Versions,
        retraining: Retraining,
        static: Path,
    ) -> None:
        self._guard = guard
        self._live = live
        self._actions = actions
        self._versions = versions
        self._retraining = retraining
        self._static = static

    def asgi(self) -> ASGIApp:
        """The application, guarded."""
        routes = [
            Route("/", self._page),
            Mount("/static", _PageFiles(directory=self._static)),
            Route("/api/session", self._open, methods=["POST"]),
            Route("/api/session", self._session),
            Route("/api/events", self._events),
            Route("/api/agreement", self._agreement),
            Route("/api/models", self._models),
            Route("/api/models/{version:int}", self._model),
            Route("/api/models/{version:int}/files/{name}", self._file),
            Route("/api/{path:path}", self._act, methods=["POST"]),
        ]
        handlers: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
            HTTPException: _http_problem,
            **dict.fromkeys((RefusedError, ActionError), _own_problem),
            VersionError: _problem(404),
            BrokerError: _problem(503),
            Exception: _problem(500),
        }
        return Passage(Starlette(routes=routes, exception_handlers=handlers), self._guard)

    async def _page(self, _request: Request) -> Response:
        return FileResponse(self._static / "index.html", headers={"Cache-Control": "no-cache"})

    async def _open(self, request: Request) -> Response:
        self._guard.check_origin(request.headers)
        person = self._guard.person_with(await _body(request, Session, lambda session: session.token))
        return _json(_told_of(person), {"Set-Cookie": self._guard.cookie_of(person)})

    async def _session(self, request: Request) -> Response:
        return _json(_told_of(request.scope[PERSON]))

    async def _events(self, _request: Request) -> Response:
        return EventSourceResponse(self._stream(), ping=_PING_SECONDS, sep="\n", headers=_STREAM_HEADERS)

    async def _stream(self) -> AsyncIterator[dict[str, str | int]]:
        subscriber = Subscriber(asyncio.get_running_loop())
        with self._live.hub.subscribed(subscriber, self._live.snapshot):
            yield {"retry": _RETRY_MS}
            while (event := await subscriber.next()) is not None:
                yield {"id": event.id, "event": event.name, "data": event.data.decode()}

    async def _agreement(self, _request: Request) -> Response:
        measure = self._retraining.agreements
        if measure is None:
            return _json({"installed": False, "heads": []})
        return _json({"installed": True, "heads": await run_in_threadpool(measure)})

    async def _models(self, _request: Request) -> Response:
        return _json(await _from_registry(self._versions.overview))

    async def _model(self, request: Request) -> Response:
        return _json(await _from_registry(self._versions.version, request.path_params["version"]))

    async def _file(self, request: Request) -> Response:
        version, name = request.path_params["version"], request.path_params["name"]
        file = await _from_registry(self._versions.file, version, name)
        headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "private, max-age=3600"}
        return Response(file.content, media_type=file.media_type, headers=headers)

    async def _act(self, request: Request) -> Response:
        path = request.path_params["path"]
        action = self._actions.get(path)
        if action is None:
            raise ActionError(f"the desk has no action {path!r}", 404)
        asked = await _body(request, action.asks, lambda decoded: decoded)
        person: Person = request.scope[PERSON]
        if person.name is not None:
            # Whose token it is, whatever the browser says.
            asked = msgspec.structs.replace(asked, by=person.name)
        done = await run_in_threadpool(action.do, asked)
        log.info("done", action=path, by=asked.by)
        return _json(done)


async def _from_registry(ask: Callable[Asks, T], *args: Asks.args, **kwargs: Asks.kwargs) -> T:
    with registry_at_hand():
        return await run_in_threadpool(ask, *args, **kwargs)


async def _body(request: Request, kind: type[Any], take: Callable[[Any], Any]) -> Any:  # noqa: ANN401  as asked
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ActionError("send JSON, with Content-Type: application/json", 415)
    try:
        return take(msgspec.json.decode(await request.body(), type=kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ActionError(f"this was not understood: {error}", 422) from None


def _told_of(person: Person) -> dict[str, object]:
    """What the page is told of who has opened it."""
    return {"key": person.key, "name": person.name, "read_only": person.read_only}


def _json(content: object, headers: Mapping[str, str] | None = None) -> Response:
    sent = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(content), media_type="application/json", headers=sent)


def _told(message: str, status: int) -> Response:
    # Errors of a registry or of a broker tell where it is, and an address may hold a password.
    answer = _json({"error": hide_credentials(message)})
    answer.status_code = status
    return answer


async def _own_problem(_request: Request, error: Exception) -> Response:
    return _told(str(error), getattr(error, "status", 500))


async def _http_problem(_request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    return _told({404: "there is nothing here", 405: "not by this method"}.get(status, "refused"), status)


def _problem(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def tell(request: Request, error: Exception) -> Response:
        if status >= 500:  # noqa: PLR2004  HTTP's own: the server's fault
            log.warning("failed", path=request.url.path, error=repr(error))
        unknown = status == 500  # noqa: PLR2004  likewise: nobody foresaw it, and its words may hold anything
        return _told("the desk failed at this: its log says why" if unknown else str(error), status)

    return tell
