"""A canary in the place of every secret: no output of any command, log, error or metric sings it."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from support.commands import Tocsin
from support.messages import produce
from support.processes import run_tocsin, settings_env, wait_for
from support.streams import message, read_predictions, worker

from streams.contract.service_settings import DeskSettings, RepliesSettings
from streams.contract.settings import AlertmanagerSettings, KafkaSettings, LogSettings, Settings
from streams.contract.settings_reference import list_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CANARY = "kanarienvogel4711"
# A user's part is hidden as well: it may be a key.
ADDRESS = f"user:{CANARY}@127.0.0.1:9"


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    return Tocsin(monkeypatch, capsys)


@pytest.fixture
def canaries(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Every secret, and every address that can hold one."""
    variables = {
        "TOCSIN_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "TOCSIN_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "TOCSIN_KAFKA__SASL_USERNAME": "desk",
        "TOCSIN_KAFKA__SASL_PASSWORD": CANARY,
        "TOCSIN_REPLIES__WEBHOOK_URL": f"https://hooks.example/services/{CANARY}",
        "TOCSIN_REPLIES__WEBHOOK_SECRET": CANARY,
        "TOCSIN_DESK__TOKEN": CANARY,
        "TOCSIN_DESK__TOKENS": json.dumps({"ann": f"{CANARY}-ann"}),
        "TOCSIN_ALERTMANAGER__URL": f"http://{ADDRESS}",
        "TOCSIN_MODEL__REGISTRY": f"s3://user:{CANARY}@bucket/models",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def test_every_secret_setting_is_among_the_canaries(canaries: Mapping[str, str]) -> None:
    named = re.compile(r"password|secret|token$|credential|api_?key")
    secret = {setting.variable for setting in list_settings() if setting.secret}
    assert secret <= canaries.keys()
    # What is called a secret is one: shown as stars, kept out of every repr.
    assert {setting.key for setting in list_settings() if named.search(setting.name) and not setting.secret} == set()


@pytest.mark.parametrize(
    "args",
    [
        ["config", "show"],
        ["config", "show", "--json"],
        ["config", "show", "--toml"],
        ["doctor"],
        ["doctor", "--json"],
        ["topics", "list"],
        ["topics", "create"],
        ["models", "list"],
        ["models", "show", "champion"],
        ["models", "bootstrap"],
        ["lag"],
        ["watch", "predictions"],
        ["labels", "stats"],
        ["feed", f"http://{ADDRESS}/feed.xml?key={CANARY}", "--to", "news", "--once"],
    ],
    ids=" ".join,
)
def test_no_command_tells_a_secret(canaries: Mapping[str, str], tocsin: Tocsin, args: list[str]) -> None:
    outcome = tocsin(*args)
    assert CANARY not in outcome.out
    assert CANARY not in outcome.err
    # It is not silent for another reason.
    assert outcome.out + outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("section", ["kafka", "replies", "desk"])
def test_a_wrong_value_is_named_and_not_quoted(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch, tocsin: Tocsin, section: str
) -> None:
    name = {"kafka": "SASL_PASSWORD", "replies": "WEBHOOK_SECRET", "desk": "TOKEN"}[section]
    monkeypatch.setenv(f"TOCSIN_{section.upper()}", f'{{"{name.lower()}": ["{CANARY}"]}}')
    outcome = tocsin("config", "show")
    assert outcome.code == 1
    assert f"{section}.{name.lower()}" in outcome.err
    assert CANARY not in outcome.err + outcome.out


def test_the_settings_themselves_can_be_printed(clean_environment: None) -> None:
    settings = Settings(
        kafka=KafkaSettings(sasl_password=SecretStr(CANARY)),
        replies=RepliesSettings(webhook_secret=SecretStr(CANARY)),
        desk=DeskSettings(token=SecretStr(CANARY)),
    )
    assert CANARY not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


class _Refusing(BaseHTTPRequestHandler):
    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        self.send_response(500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def refusing() -> Iterator[int]:
    """An Alertmanager that takes nothing; its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.integration
@pytest.mark.parametrize("broker", [pytest.param("tansu_broker", id="tansu")], indirect=True)
@pytest.mark.parametrize("form", ["console", "json"])
def test_no_log_at_debug_and_no_metric_tells_a_secret(stream_settings: Settings, form: str) -> None:
    with refusing() as port:
        settings = stream_settings.model_copy(
            update={
                "log": LogSettings(level="debug", format=form),
                "alertmanager": AlertmanagerSettings(url=f"http://user:{CANARY}@127.0.0.1:{port}"),
                "replies": RepliesSettings(
                    enabled=False,
                    webhook_secret=SecretStr(CANARY),
                    webhook_url=SecretStr(f"https://hooks.example/{CANARY}"),
                ),
                "desk": DeskSettings(token=SecretStr(CANARY)),
                "model": stream_settings.model.model_copy(update={"registry": stream_settings.model.registry}),
            }
        )
        topic = next(iter(settings.topics.inputs))
        produce(settings, topic, [(*message(1), [])])
        with worker(settings) as running:
            read_predictions(settings, 1)
            pages = [running.get(path)[1] for path in ("/metrics", "/healthz", "/readyz", "/")]
            running.process.terminate()
            log = running.process.stderr + running.process.stdout
    assert '"level": "debug"' in log or "[debug" in log
    assert CANARY not in log
    assert CANARY not in "".join(pages)


@pytest.mark.integration
@pytest.mark.parametrize("broker", [pytest.param("tansu_broker", id="tansu")], indirect=True)
def test_the_desk_tells_its_token_to_nobody_but_who_started_it(stream_settings: Settings) -> None:
    settings = stream_settings.model_copy(
        update={
            "desk": DeskSettings(port=0, token=SecretStr(CANARY)),
            "log": LogSettings(level="debug"),
            "model": stream_settings.model.model_copy(update={"registry": f"s3://user:{CANARY}@bucket/models"}),
        }
    )
    with run_tocsin(["desk"], settings_env(settings)) as process:
        wait_for(lambda: "http://127.0.0.1" in process.stdout + process.stderr or not process.running, 60)
        assert process.running, process.stderr
        process.terminate()
        told = process.stdout + process.stderr
    assert CANARY not in told
