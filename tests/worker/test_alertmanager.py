"""The pusher's requests, against a server that answers as it is told to; the real Alertmanager has tests of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from structlog.testing import capture_logs
from support.alerts import make_alert

from streams.contract.alerts import TellingMessage
from streams.contract.settings import AlertmanagerSettings, SettingsError
from streams.worker.alertmanager import AlertmanagerPusher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.worker.alertmanager import Outcome


class Server(ThreadingHTTPServer):
    """Keeps what it was told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.hold = threading.Event()
        self.hold.set()
        self.requests: list[tuple[str, str | None, list[dict[str, Any]]]] = []

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        """Answer as the server was told to."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.hold.wait(10)
        self.server.requests.append((self.path, self.headers["authorization"], body))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.hold.set()
        running.shutdown()
        thread.join()


def push(
    server: Server,
    act: Callable[[AlertmanagerPusher], None],
    until: Callable[[list[Outcome]], object],
    url: str = "",
    **changes: Any,  # noqa: ANN401  of the settings
) -> list[Outcome]:
    """Run a pusher until its outcomes are as they should be."""
    outcomes: list[Outcome] = []

    async def main() -> None:
        settings = AlertmanagerSettings(**{"url": url or f"http://{server.place}", "resend_seconds": 30.0, **changes})
        pusher = AlertmanagerPusher(settings, is_silenced=lambda _: False, on_push=outcomes.append)
        pusher.start()
        act(pusher)
        async with asyncio.timeout(20):
            while not until(outcomes):  # noqa: ASYNC110  the outcomes do not tell
                await asyncio.sleep(0.01)
        await pusher.stop()

    asyncio.run(main())
    return outcomes


def test_annotations_hold_masked_text_alone_and_not_too_much_of_it(server: Server) -> None:
    message = TellingMessage(
        id="m",
        time=make_alert().startsAt,
        source="mail of ann@quay.example",
        text="call +44 20 7946 0958\n" + "now " * 200,
        sentiment="negative",
        score=0.9,
    )
    alert = make_alert(
        annotations={"summary": "so says ann@quay.example", "raw": "secret"},
        evidence=msgspec.structs.replace(make_alert().evidence, messages=[message, message]),
    )
    push(server, lambda pusher: pusher.tell(alert), lambda outcomes: outcomes)
    ((_, _, (told,)),) = server.requests
    assert told["annotations"].keys() == {"summary", "evidence"}
    assert told["annotations"]["summary"] == "so says [email]"
    lines = told["annotations"]["evidence"].split("\n")
    assert len(lines) == 2
    assert lines[0].startswith("mail of [email] (negative 0.90): call [phone] now now")
    assert len(lines[0]) < 300


@pytest.mark.parametrize(
    "url", ["", "entity/larkmoor", "//desk.example", "http://", "http://a b/", "http://xn--a/", "javascript:1"]
)
def test_a_generator_url_that_is_none_is_left_out(server: Server, url: str) -> None:
    push(server, lambda pusher: pusher.tell(make_alert(generatorURL=url)), lambda outcomes: outcomes)
    ((_, _, (told,)),) = server.requests
    assert "generatorURL" not in told


def test_the_address_may_have_a_path_and_a_password_that_no_log_tells(server: Server) -> None:
    server.status = 503
    url = f"http://tocsin:hunter2@{server.place}/am/"
    with capture_logs() as logs:
        push(server, lambda pusher: pusher.tell(make_alert()), lambda outcomes: outcomes, url)
    path, authorization, _ = server.requests[0]
    assert path == "/am/api/v2/alerts"
    assert authorization is not None
    assert authorization.startswith("Basic ")
    assert [(entry["log_level"], entry["problem"]) for entry in logs] == [("warning", "HTTP 503")]
    assert "hunter2" not in str(logs)
    assert server.place in str(logs)


@pytest.mark.parametrize(
    "url", [None, "", "localhost:9093", "ftp://am", "http://", "http://am..example", "http://xn--a"]
)
def test_an_address_that_is_none_is_refused_by_the_settings_name(url: str | None) -> None:
    with pytest.raises(SettingsError, match=r"alertmanager\.url"):
        AlertmanagerPusher(AlertmanagerSettings(url=url), is_silenced=lambda _: False)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503, 302])
def test_what_is_no_fault_of_the_alerts_is_tried_again(server: Server, status: int) -> None:
    server.status = status

    def recovered(outcomes: list[Outcome]) -> bool:
        if outcomes:
            server.status = 200
        return "ok" in outcomes

    with capture_logs() as logs:
        outcomes = push(server, lambda pusher: pusher.tell(make_alert()), recovered)
    assert outcomes[0] == "failed"
    assert "refused" not in outcomes
    assert [entry["log_level"] for entry in logs] == ["warning", "info"]


def test_many_alerts_go_in_several_requests(server: Server) -> None:
    def act(pusher: AlertmanagerPusher) -> None:
        for number in range(150):
            pusher.tell(make_alert(f"entity/company {number}"))

    assert push(server, act, lambda outcomes: len(outcomes) == 3) == ["ok"] * 3
    assert [len(body) for _, _, body in server.requests] == [64, 64, 22]


def test_a_server_that_never_answers_holds_up_neither_the_stream_nor_the_end(server: Server) -> None:
    server.hold.clear()
    outcomes = push(
        server, lambda pusher: pusher.tell(make_alert()), lambda outcomes: "failed" in outcomes, timeout_seconds=0.2
    )
    assert set(outcomes) == {"failed"}


def test_what_is_due_at_the_end_is_still_told(server: Server) -> None:
    def act(pusher: AlertmanagerPusher) -> None:
        pusher.tell(make_alert())

    push(server, act, lambda _: True)
    assert len(server.requests) == 1


def test_a_question_that_fails_ends_no_pusher(server: Server) -> None:
    answers = iter([True])

    def is_silenced(_: object) -> bool:
        if next(answers, False):
            raise RuntimeError("no answer")
        return False

    outcomes: list[Outcome] = []

    async def main() -> None:
        settings = AlertmanagerSettings(url=f"http://{server.place}")
        pusher = AlertmanagerPusher(settings, is_silenced=is_silenced, on_push=outcomes.append)
        pusher.start()
        pusher.tell(make_alert())
        async with asyncio.timeout(20):
            while "ok" not in outcomes:  # noqa: ASYNC110  the outcomes do not tell
                await asyncio.sleep(0.01)
        await pusher.stop()

    with capture_logs() as logs:
        asyncio.run(main())
    assert outcomes == ["failed", "ok"]
    assert "no answer" in str(logs)
