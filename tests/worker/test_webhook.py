from __future__ import annotations

import base64
import hmac
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from support.webhook import Receiver

from streams.contract.service_settings import RepliesSettings
from streams.contract.settings import SettingsError
from streams.worker.webhook import Posted, Webhook, signature

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = b'{"text":"Your card is on its way."}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def post(url: str, *, pauses: list[float] | None = None, **settings: Any) -> Posted:  # noqa: ANN401
    chosen = RepliesSettings(webhook_url=url, webhook_timeout_seconds=2.0, **settings)
    with Webhook(chosen, pause=[].append if pauses is None else pauses.append) as webhook:
        return webhook.post("reply-1", BODY)


def test_a_reply_is_posted_with_its_id_and_a_signature_that_only_the_secret_makes(receiver: Receiver) -> None:
    assert post(receiver.url, webhook_secret=SecretStr("rosebud")) == Posted("posted", 1)
    (posted,) = receiver.posts
    headers = {name.lower(): value for name, value in posted.headers.items()}
    assert posted.body == BODY
    assert headers["idempotency-key"] == headers["webhook-id"] == "reply-1"
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5
    signed = f"reply-1.{headers['webhook-timestamp']}.".encode() + BODY
    expected = base64.b64encode(hmac.new(b"rosebud", signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_signature_is_that_of_the_standard() -> None:
    # The example of Standard Webhooks' own reference libraries.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_in_the_standards_form_is_decoded(receiver: Receiver) -> None:
    post(receiver.url, webhook_secret=SecretStr("whsec_" + base64.b64encode(b"rosebud").decode()))
    headers = {name.lower(): value for name, value in receiver.posts[0].headers.items()}
    assert headers["webhook-signature"] == signature(b"rosebud", "reply-1", headers["webhook-timestamp"], BODY)


def test_what_may_pass_is_tried_again_with_longer_and_longer_pauses(receiver: Receiver) -> None:
    receiver.answers += [(503, {}), (429, {"retry-after": "7"}), (500, {})]
    pauses: list[float] = []
    assert post(receiver.url, pauses=pauses) == Posted("posted", 4)
    assert 0.25 <= pauses[0] <= 0.5
    assert pauses[1] == 7.0
    assert 1.0 <= pauses[2] <= 2.0
    assert len({posted.headers["idempotency-key"] for posted in receiver.posts}) == 1


def test_what_is_never_taken_is_given_up(receiver: Receiver) -> None:
    receiver.answers += [(500, {})] * 9
    assert post(receiver.url, webhook_attempts=3) == Posted("failed", 3, "HTTP 500")
    assert len(receiver.posts) == 3


def test_nobody_waits_for_longer_than_a_group_waits_for_its_consumer(receiver: Receiver) -> None:
    receiver.answers.append((503, {"retry-after": "3600"}))
    assert post(receiver.url) == Posted("failed", 1, "HTTP 503")


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301])
def test_what_the_receiver_calls_wrong_or_moved_is_not_tried_again(receiver: Receiver, status: int) -> None:
    receiver.answers.append((status, {"location": receiver.url}))
    assert post(receiver.url) == Posted("refused", 1, f"HTTP {status}")
    assert len(receiver.posts) == 1


def test_a_receiver_that_is_away_is_told_without_its_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        told = post(f"http://ann:pass@127.0.0.1:{taken.getsockname()[1]}/hush", webhook_attempts=2)
    assert told == Posted("failed", 2, "ConnectError")


def test_an_answer_that_trickles_in_holds_nobody_up_and_is_no_second_post() -> None:
    posts: list[bytes] = []
    hung_up = threading.Event()

    class Trickling(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posts.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "1000000")
            self.end_headers()
            for _ in range(200):
                try:
                    self.wfile.write(b".")
                except OSError:
                    return hung_up.set()
                hung_up.wait(0.05)
            return None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            pass

    with HTTPServer(("127.0.0.1", 0), Trickling) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        settings = RepliesSettings(
            webhook_url=f"http://127.0.0.1:{server.server_address[1]}/", webhook_timeout_seconds=0.5
        )
        with Webhook(settings) as webhook:
            assert webhook.post("reply-1", BODY) == Posted("posted", 1)
        assert hung_up.wait(10)
        serving.join(10)
    assert posts == [BODY]


def test_an_answer_that_breaks_off_behind_its_head_is_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as threads:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\n.")

        answered = threads.submit(answer)
        assert post(f"http://127.0.0.1:{listening.getsockname()[1]}/", webhook_attempts=1) == Posted("posted", 1)
        answered.result(10)


def test_a_time_out_that_outlasts_a_groups_patience_is_told_by_its_setting() -> None:
    settings = RepliesSettings(webhook_url="http://support.example", webhook_timeout_seconds=60.0)
    with pytest.raises(SettingsError, match=r"replies\.webhook_timeout_seconds: 60 is more than 20"):
        Webhook(settings)


@pytest.mark.parametrize(
    "url",
    [
        *(None, "", "support.example/replies", "ftp://support.example", "http://"),
        *("http://support..example", f"http://{'a' * 64}.example", "http://xn--a"),
    ],
)
def test_an_address_that_is_none_is_told_by_its_setting(url: str | None) -> None:
    with pytest.raises(SettingsError, match=r"replies\.webhook_url"):
        Webhook(RepliesSettings(webhook_url=url))


@pytest.mark.parametrize("secret", ["whsec_%%%", "whsec_\u00e9\u00e9", "whsec_"])
def test_a_secret_that_is_none_is_told_by_its_setting_and_not_shown(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"replies\.webhook_secret") as told:
        Webhook(RepliesSettings(webhook_url="http://support.example", webhook_secret=SecretStr(secret)))
    assert secret.removeprefix("whsec_") == "" or secret.removeprefix("whsec_") not in str(told.value)
