"""Who is let in to the desk, and by what."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from streams.contract.service_settings import DeskSettings
from streams.contract.settings import SettingsError
from streams.desk.security import KEY_HEADER, Guard, RefusedError, host_name, is_loopback

TOKEN = "a-token-of-some-length"  # noqa: S105  a test's own
HOST = "127.0.0.1:9470"
PAGE = f"http://{HOST}"


@pytest.fixture
def guard() -> Guard:
    return Guard(DeskSettings(token=SecretStr(TOKEN)), 9470)


def own(guard: Guard, **more: str) -> dict[str, str]:
    """Headers of a browser that knows the token."""
    return headers_of(guard, TOKEN) | more


def headers_of(guard: Guard, token: str) -> dict[str, str]:
    person = guard.person_with(token)
    cookie = guard.cookie_of(person).partition(";")[0]
    return {"host": HOST, "cookie": cookie, "origin": PAGE, KEY_HEADER: person.key}


def shared_token(guard: Guard) -> str:
    assert guard.shared is not None
    return guard.shared.token


def test_the_token_is_another_one_at_each_start() -> None:
    first, second = (shared_token(Guard(DeskSettings(), 1)) for _ in range(2))
    assert first != second
    assert len(first) >= 32


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "desk.example.com", "::"])  # noqa: S104  not listened on
def test_other_hosts_need_a_token(host: str) -> None:
    with pytest.raises(SettingsError, match=r"desk\.token"):
        Guard(DeskSettings(host=host), 1)
    Guard(DeskSettings(host=host, token=SecretStr(TOKEN)), 1)


def test_a_short_word_is_no_token() -> None:
    with pytest.raises(SettingsError, match=r"desk\.token is too short"):
        Guard(DeskSettings(token=SecretStr("desk")), 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9470", "localhost:1", "[::1]:9470", "LocalHost"])
def test_names_of_this_host_are_known(guard: Guard, host: str) -> None:
    guard.check_host({"host": host})


@pytest.mark.parametrize("host", ["evil.example.com", "evil.example.com:9470", "127.0.0.1.evil.example.com", "", "["])
def test_a_name_that_was_bound_to_this_host_by_somebody_else_is_refused(guard: Guard, host: str) -> None:
    with pytest.raises(RefusedError) as refused:
        guard.check_host({"host": host} if host else {})
    assert refused.value.status == 421


def test_further_names_are_told_by_the_settings() -> None:
    guard = Guard(DeskSettings(hosts=("Desk.example.com",)), 1)
    guard.check_host({"host": "desk.example.com"})


def test_the_page_may_read_and_write(guard: Guard) -> None:
    guard.check_session("GET", own(guard))
    guard.check_session("POST", own(guard))


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": ""},
        {"cookie": "tocsin_desk_9470=wrong"},
        {"cookie": f"tocsin_desk_9470={TOKEN}"},
        {"authorization": "Bearer wrong", "cookie": ""},
        {"authorization": f"Basic {TOKEN}", "cookie": ""},
    ],
)
def test_who_does_not_know_the_token_sees_nothing(guard: Guard, headers: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as refused:
        guard.check_session("GET", own(guard) | headers)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    "origin", ["http://evil.example.com", "http://127.0.0.1:8888", "null", "http://127.0.0.1:9470.evil.example.com"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_pages_may_do_nothing_though_the_browser_sends_its_cookie(guard: Guard, origin: str, method: str) -> None:
    with pytest.raises(RefusedError) as refused:
        guard.check_session(method, own(guard, origin=origin))
    assert refused.value.status == 403


@pytest.mark.parametrize("missing", ["origin", KEY_HEADER])
def test_a_change_needs_its_origin_and_the_pages_key(guard: Guard, missing: str) -> None:
    headers = own(guard)
    del headers[missing]
    guard.check_session("GET", headers)
    with pytest.raises(RefusedError) as refused:
        guard.check_session("POST", headers)
    assert refused.value.status == 403


def test_a_program_may_send_the_token_itself(guard: Guard) -> None:
    guard.check_session("POST", {"host": HOST, "authorization": f"Bearer {TOKEN}"})
    with pytest.raises(RefusedError):
        guard.check_session("POST", {"host": HOST, "authorization": f"Bearer {TOKEN}", "origin": "http://a.example"})


@pytest.mark.parametrize(
    "foreign", ["{}=1", 'theme={"dark": true}', "a b=c", 'x="', "=", "\u00e9=\u00e9", "tocsin_desk_9470=another", "x"]
)
@pytest.mark.parametrize("is_first", [True, False])
def test_what_other_servers_of_this_host_have_set_keeps_nobody_out(guard: Guard, foreign: str, is_first: bool) -> None:
    headers = own(guard)
    cookies = [foreign, headers["cookie"]] if is_first else [headers["cookie"], foreign]
    assert guard.check_session("POST", headers | {"cookie": "; ".join(cookies)}) == guard.person_with(TOKEN)


def test_the_cookie_is_for_the_page_alone_and_does_not_hold_the_token(guard: Guard) -> None:
    person = guard.person_with(TOKEN)
    cookie = guard.cookie_of(person)
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert TOKEN not in cookie
    assert person.key not in cookie
    with pytest.raises(RefusedError):
        guard.person_with("another-token-of-some-length")


ANN, BO = "the-token-of-ann-alone", "the-token-of-bo-alone"


def of_people(**more: object) -> DeskSettings:
    return DeskSettings(tokens={"ann": SecretStr(ANN), "bo": SecretStr(BO)}, read_only=("bo",), **more)


def test_each_person_is_known_by_a_token_of_their_own() -> None:
    guard = Guard(of_people(host="0.0.0.0"), 9470)  # noqa: S104  not listened on
    assert guard.shared is None
    for method in ("GET", "POST"):
        assert guard.check_session(method, headers_of(guard, ANN)).name == "ann"
    assert guard.check_session("POST", {"host": HOST, "authorization": f"Bearer {ANN}"}).name == "ann"
    # One person's cookie and another one's key are nobody's.
    mixed = headers_of(guard, ANN) | {KEY_HEADER: guard.person_with(BO).key}
    with pytest.raises(RefusedError):
        guard.check_session("POST", mixed)


def test_who_may_only_look_changes_nothing() -> None:
    guard = Guard(of_people(), 9470)
    assert guard.check_session("GET", headers_of(guard, BO)).name == "bo"
    for headers in (headers_of(guard, BO), {"host": HOST, "authorization": f"Bearer {BO}"}):
        with pytest.raises(RefusedError, match="bo may look") as refused:
            guard.check_session("POST", headers)
        assert refused.value.status == 403


def test_a_token_for_whoever_has_it_may_stand_beside_those_of_people() -> None:
    guard = Guard(of_people(token=SecretStr(TOKEN)), 9470)
    assert shared_token(guard) == TOKEN
    assert guard.check_session("POST", headers_of(guard, TOKEN)).name is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"tokens": {"ann": "short"}}, r"the one of ann is too short"),
        ({"tokens": {"ann": ANN, "bo": ANN}}, r"two people have the same token"),
        ({"tokens": {"ann": ANN}, "read_only": ("bo",)}, r"desk\.read_only names bo"),
        ({"tokens": {" ": ANN}}, r"a name has 1 to 128"),
    ],
)
def test_tokens_that_cannot_be_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Guard(DeskSettings.model_validate(settings), 1)


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.9", True), ("::1", True), ("localhost", True), ("::", False)])
def test_what_others_can_reach_is_known(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("header", "name"), [("[::1]:80", "::1"), ("a.b:1", "a.b"), (" A.b ", "a.b"), ("", ""), ("[::1", "::1")]
)
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    assert host_name(header) == name
