"""The server's routes, over HTTP, without a broker."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec import Struct
from pydantic import SecretStr
from support import toy_model
from support.desk import make_retraining

from models.manifest import VersionError
from models.registry import Registry
from streams.brokers.errors import BrokerUnreachableError
from streams.contract.service_settings import DeskSettings
from streams.contract.settings import ModelSettings, Settings
from streams.desk.actions.office import ActionError, Asked
from streams.desk.actions.table import Action
from streams.desk.app import DeskApp
from streams.desk.listening import Serving, listen
from streams.desk.security import KEY_HEADER, Guard
from streams.desk.server import STATIC
from streams.desk.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-token-of-some-length"  # noqa: S105  a test's own
TOKENS = {"bo": "the-token-of-bo-alone", "wall": "the-token-of-a-screen"}
REPORT = b"<!doctype html><title>r</title><script>document.title = 'ran'</script>"


class Do(Asked, frozen=True, kw_only=True):
    what: str = ""


class Agreed(Struct):
    head: str


def act(asked: Do) -> dict[str, Any]:
    problems: dict[str, Exception] = {
        "refuse": ActionError("not like this", 409),
        "broker": BrokerUnreachableError("no broker lets us in"),
        "version": VersionError("no such version in s3://svc:S3cretPw@minio:9000/models"),
        "moved": ActionError("svc:S3cretPw@minio:9000/models/encoder/2 is missing", 409),
        "bug": RuntimeError("a customer's name"),
    }
    if asked.what in problems:
        raise problems[asked.what]
    return {"by": asked.by}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("desk")
    files = toy_model.write_files(folder / "toy")
    (files / "report.html").write_bytes(REPORT)
    (files / "report.md").write_text("# A report\n", encoding="utf-8")
    (files / "plot.png").write_bytes(b"\x89PNG\r\n")
    registry = Registry(str(folder / "registry"))
    registry.register(files, "encoder", **toy_model.facts())
    registry.set_alias("encoder", "champion", 1)
    return registry


@pytest.fixture(scope="module")
def guard() -> Guard:
    people = {name: SecretStr(token) for name, token in TOKENS.items()}
    return Guard(DeskSettings(token=SecretStr(TOKEN), tokens=people, read_only=("wall",)), 80)


@pytest.fixture(scope="module")
def versions(registry: Registry) -> Versions:
    return Versions(Settings(model=ModelSettings(registry=registry.url)), make_retraining().decision)


@pytest.fixture(scope="module")
def address(versions: Versions, guard: Guard) -> Iterator[str]:
    retraining = make_retraining(agreements=lambda: [Agreed("topic")])
    app = DeskApp(guard, None, {"do": Action(Do, act)}, versions, retraining, STATIC).asgi()
    listener = listen("127.0.0.1", 0)
    with Serving(app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def stranger(address: str) -> Iterator[httpx.Client]:
    """A browser that knows nothing yet."""
    with httpx.Client(base_url=address) as client:
        yield client


def origin_of(client: httpx.Client) -> str:
    return str(client.base_url).rstrip("/")


@pytest.fixture
def page(stranger: httpx.Client, guard: Guard) -> httpx.Client:
    """The page, its session open."""
    answer = stranger.post("/api/session", json={"token": TOKEN}, headers={"Origin": origin_of(stranger)})
    assert answer.json() == {"key": guard.person_with(TOKEN).key, "name": None, "read_only": False}
    stranger.headers.update({"Origin": origin_of(stranger), KEY_HEADER: answer.json()["key"]})
    return stranger


def test_the_page_itself_holds_nothing_and_needs_no_token(stranger: httpx.Client) -> None:
    page = stranger.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    script = stranger.get("/static/js/main.js")
    assert script.headers["content-type"].startswith("text/javascript")


def test_no_file_of_the_page_outlives_an_update_in_a_browser(stranger: httpx.Client) -> None:
    for path in ("/", "/static/js/main.js", "/static/css/base.css"):
        first = stranger.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = stranger.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.headers["cache-control"] == "no-cache"
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/", "/static/js/main.js", "/api/models", "/nothing", "/api/session"])
def test_every_answer_says_what_a_browser_may_do_with_it(stranger: httpx.Client, path: str) -> None:
    headers = stranger.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/api/session", "/api/models", "/api/models/1", "/api/agreement", "/api/events"])
def test_nothing_is_told_without_the_token(stranger: httpx.Client, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert "tocsin desk" in answer.json()["error"]


def test_nothing_is_done_without_the_token(stranger: httpx.Client) -> None:
    own, other = {"Origin": origin_of(stranger)}, {"Origin": "http://a.example"}
    assert stranger.post("/api/do", json={"by": "ann"}, headers=own).status_code == 401
    assert stranger.post("/api/session", json={"token": "wrong"}, headers=own).status_code == 401
    assert stranger.post("/api/session", json={"token": TOKEN}, headers=other).status_code == 403


def test_the_session_is_kept_by_a_cookie(page: httpx.Client, guard: Guard) -> None:
    assert guard.cookie in page.cookies
    assert page.get("/api/session").json()["key"] == guard.person_with(TOKEN).key


def test_whose_token_it_is_stands_with_what_is_done_whatever_the_browser_says(stranger: httpx.Client) -> None:
    own = {"Origin": origin_of(stranger)}
    told = stranger.post("/api/session", json={"token": TOKENS["bo"]}, headers=own).json()
    assert (told["name"], told["read_only"]) == ("bo", False)
    answer = stranger.post("/api/do", json={"by": "ann"}, headers=own | {KEY_HEADER: told["key"]})
    assert answer.json() == {"by": "bo"}


def test_who_may_only_look_sees_all_and_changes_nothing(stranger: httpx.Client) -> None:
    own = {"Origin": origin_of(stranger)}
    told = stranger.post("/api/session", json={"token": TOKENS["wall"]}, headers=own).json()
    assert told["read_only"] is True
    assert stranger.get("/api/models").status_code == 200
    answer = stranger.post("/api/do", json={"by": "wall"}, headers=own | {KEY_HEADER: told["key"]})
    assert answer.status_code == 403
    assert "wall may look" in answer.json()["error"]


def test_an_action_is_done(page: httpx.Client) -> None:
    answer = page.post("/api/do", json={"by": "ann"})
    assert (answer.status_code, answer.json()) == (200, {"by": "ann"})


def test_a_program_may_act_with_the_token_alone(stranger: httpx.Client) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert stranger.post("/api/do", json={"by": "cron"}, headers=headers).json() == {"by": "cron"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "`by`"),
        ({"by": ""}, "$.by"),
        ({"by": "   "}, "$.by"),
        ({"by": "x" * 200}, "$.by"),
        ({"by": "ann", "other": 1}, "`other`"),
        ([], "object"),
    ],
)
def test_what_is_not_understood_is_told(page: httpx.Client, body: object, words: str) -> None:
    answer = page.post("/api/do", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("what", "status", "words"),
    [
        ("refuse", 409, "not like this"),
        ("broker", 503, "no broker lets us in"),
        ("version", 404, "no such version in s3://********@minio:9000/models"),
        ("moved", 409, "********@minio:9000/models/encoder/2 is missing"),
        ("bug", 500, "its log says why"),
    ],
)
def test_what_cannot_be_done_is_told_in_words(page: httpx.Client, what: str, status: int, words: str) -> None:
    answer = page.post("/api/do", json={"by": "ann", "what": what})
    assert (answer.status_code, words in answer.json()["error"]) == (status, True)
    assert "customer" not in answer.text
    assert "S3cretPw" not in answer.text


def test_only_json_is_read(page: httpx.Client) -> None:
    form = page.post("/api/do", data={"by": "ann"})
    assert form.status_code == 415
    plain = page.post("/api/do", content=b'{"by": "ann"}', headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415


def test_a_long_body_is_refused_whether_or_not_it_says_its_length(page: httpx.Client) -> None:
    long = b'{"by": "ann", "what": "' + b"x" * 70_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    assert page.post("/api/do", content=long, headers=headers).status_code == 413
    streamed = page.post("/api/do", content=iter([long[:40_000], long[40_000:]]), headers=headers)
    assert streamed.status_code == 413


def test_what_is_not_there_is_told(page: httpx.Client) -> None:
    for answer in (page.get("/nothing"), page.post("/api/nothing", json={}), page.get("/static/none.js")):
        assert answer.status_code == 404
    assert page.get("/static/../app.py").status_code == 404
    assert page.get("/api/do").status_code == 405


def test_another_hosts_name_is_refused_before_anything_else(page: httpx.Client) -> None:
    for path in ("/", "/static/js/main.js", "/api/session"):
        assert page.get(path, headers={"Host": "evil.example.com"}).status_code == 421


def test_versions_are_told(page: httpx.Client) -> None:
    overview = page.get("/api/models").json()
    assert (overview["champion"], overview["previous"], [one["version"] for one in overview["versions"]]) == (
        1,
        None,
        [1],
    )
    version = page.get("/api/models/1").json()
    assert (version["report"], version["plots"], version["decision"]) == ("report.html", ["plot.png"], None)
    assert page.get("/api/models/7").status_code == 404


@pytest.mark.parametrize("path", ["/api/models", "/api/models/1", "/api/models/1/files/plot.png"])
def test_a_registry_that_is_away_is_told_as_that(
    page: httpx.Client, versions: Versions, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def away() -> Registry:
        raise PermissionError(13, "Permission denied", "/models")

    monkeypatch.setattr(versions, "_registry", away)
    answer = page.get(path)
    assert answer.status_code == 503
    assert answer.json()["error"].startswith("the model registry cannot be read or written: ")
    assert "'/models'" in answer.json()["error"]


def test_a_version_that_is_refused_says_why_and_hides_no_other(registry: Registry, tmp_path: Path) -> None:
    folder = shutil.copytree(registry.url, tmp_path / "registry")
    mine = Registry(str(folder))
    for number in (2, 3):
        mine.register(toy_model.write_files(tmp_path / f"toy-{number}"), "encoder", **toy_model.facts())
    mine.set_alias("encoder", "champion", 2)
    (folder / "encoder/2/manifest.json").write_text("{", encoding="utf-8")
    # What lies beside it is as little to be trusted.
    (folder / "encoder/3/decision.json").write_text("{", encoding="utf-8")
    shown = Versions(Settings(model=ModelSettings(registry=mine.url)), make_retraining().decision).overview()
    assert (shown["champion"], shown["previous"]) == (2, 1)
    newest, broken, oldest = shown["versions"]
    assert (newest["version"], "decision.json of encoder:3" in newest["refused"]) == (3, True)
    assert (broken["version"], "encoder/2/manifest.json" in broken["refused"]) == (2, True)
    assert (oldest["version"], oldest["precision"], "refused" in oldest) == (1, "int8", False)


def test_a_report_may_run_nothing_and_be_framed_by_the_page_alone(page: httpx.Client) -> None:
    answer = page.get("/api/models/1/files/report.html")
    assert answer.content == REPORT
    policy = answer.headers["content-security-policy"]
    assert "sandbox;" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert page.get("/api/models/1/files/plot.png").headers["content-type"] == "image/png"


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json", ".claim", "none.md", "..%2F..%2Faliases%2F1.json"])
def test_no_other_file_is_told(page: httpx.Client, name: str) -> None:
    # 405: a name with a slash is no file, and by this method no action.
    assert page.get(f"/api/models/1/files/{name}").status_code in (404, 405)


def test_a_report_that_was_tampered_with_is_not_shown(versions: Versions, registry: Registry) -> None:
    report = Path(registry.url, "encoder/1/report.md")
    report.write_text("# Another", encoding="utf-8")
    with pytest.raises(VersionError, match=r"report\.md of encoder:1 is missing or corrupt"):
        versions.file(1, "report.md")


def test_a_report_that_became_larger_is_not_read_whole(versions: Versions, registry: Registry) -> None:
    report = Path(registry.url, "encoder/1/report.md")
    with report.open("r+b") as file:
        file.truncate(1 << 33)
    with pytest.raises(VersionError, match=r"report\.md has more than \d+ bytes"):
        versions.file(1, "report.md")
    report.unlink()


def test_agreement_is_measured_where_it_can_be(page: httpx.Client) -> None:
    assert page.get("/api/agreement").json() == {"installed": True, "heads": [{"head": "topic"}]}
