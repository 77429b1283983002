"""The page itself: who may open it, what it shows and when, and how it is moved about on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from playwright.sync_api import expect
from pydantic import SecretStr
from support.alerts import make_alert
from support.desk import tell
from support.desk_page import MARKUP, NOW, records_of, told
from support.desk_records import Told, make_reply, make_request, make_trend, make_turn
from support.desk_story import morning

from streams.cli.desk_page import serve_desk
from streams.contract.alerts import Silence
from streams.contract.service_settings import DeskSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from streams.contract.settings import Settings
    from streams.desk.server import DeskServer

pytestmark = pytest.mark.integration


def test_people_open_it_by_tokens_of_their_own(browser: Browser, settings: Settings) -> None:
    tokens = {"bo": SecretStr("the-token-of-bo-alone"), "wall": SecretStr("the-token-of-a-screen")}
    desk = DeskSettings(port=0, tokens=tokens, read_only=("wall",))
    tell(settings, [told(make_alert())])
    with serve_desk(settings.model_copy(update={"desk": desk}), "ann") as server:
        assert "token" not in server.address
        for name, shown in (("bo", 1), ("wall", 0)):
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{server.url}#token={tokens[name].get_secret_value()}")
            expect(page.locator("#me")).to_have_text(name)
            expect(page.locator("article.alert")).to_be_visible()
            expect(page.locator("article.alert").get_by_role("button", name="Silence")).to_have_count(shown)
            if shown:
                page.locator("article.alert").get_by_role("button", name="Silence").click()
                page.get_by_role("dialog").get_by_role("button", name="Silence").click()
                (silence,) = records_of(settings, Silence)
                assert silence.createdBy == "bo"
            context.close()


def test_an_alert_appears_without_a_reload_and_is_announced(open_page: Callable[..., Page], settings: Settings) -> None:
    page = open_page()
    page.evaluate("window.same = true")
    expect(page.locator(".alerts")).to_contain_text("Nothing rings")
    tell(settings, [told(make_alert(level="red"))])
    expect(page.locator("article.alert h3")).to_have_text("larkmoor", timeout=10_000)
    expect(page.locator("#assertive")).to_contain_text("New red alert: Negative talk of larkmoor surges")
    expect(page.locator("#count-now")).to_have_text(re.compile("^1"))
    assert page.evaluate("window.same")


def test_markup_from_outside_is_shown_and_not_obeyed(open_page: Callable[..., Page], settings: Settings) -> None:
    alert = make_alert()
    message = msgspec.structs.replace(alert.evidence.messages[0], text=MARKUP, source=MARKUP)
    evidence = msgspec.structs.replace(alert.evidence, messages=[message], entities={MARKUP: 0.5})
    alert = msgspec.structs.replace(alert, evidence=evidence, annotations={"summary": MARKUP})
    trend = make_trend(f"entity/{MARKUP}", NOW, 9, 3, (1.0, 0.2))
    turn = make_turn("c-1", MARKUP, NOW, source=MARKUP)
    reply = make_reply("c-1", NOW, text=MARKUP, detail=MARKUP, evidence=[MARKUP], unsupported=[MARKUP])
    tell(
        settings,
        [
            told(alert),
            Told(trend.subject.encode(), trend),
            Told(b"q-1", make_request(1, MARKUP, NOW)),
            Told(b"c-1", turn),
            Told(b"c-1", reply),
        ],
    )
    page = open_page()
    elements = page.evaluate("document.querySelectorAll('script, img').length")
    for name, place in (
        ("now", ".alert .evidence"),
        ("now", ".subjects tbody"),
        ("replies", ".thread"),
        ("labels", ".card .message"),
    ):
        page.goto(f"{page.url.partition('#')[0]}#{name}")
        expect(page.locator(place)).to_contain_text("<script>window.ran = 1</script>")
    expect(page.locator("#draft")).to_have_value(MARKUP)
    assert page.evaluate("document.querySelectorAll('script, img').length") == elements
    assert page.evaluate("window.ran") is None


def test_a_report_is_shown_in_a_frame_in_which_nothing_runs(open_page: Callable[..., Page]) -> None:
    page = open_page("models")
    page.get_by_role("button", name="Report").click()
    frame = page.frame_locator("iframe.report")
    expect(frame.locator("p")).to_have_text("Report 2")
    assert page.evaluate("window.ran") is None
    assert all("window.ran" not in frame.name for frame in page.frames)


def test_no_request_leaves_the_host(open_page: Callable[..., Page], server: DeskServer, settings: Settings) -> None:
    tell(settings, morning(NOW))
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    for name in ("now", "replies", "labels", "models"):
        page.goto(f"{server.url}#{name}")
        expect(page.locator(f"#page-{name}")).to_be_visible()
    page.get_by_role("button", name="Report").click()
    expect(page.frame_locator("iframe.report").locator("p")).to_be_visible()
    page.goto(f"{server.url}#now")
    expect(page.locator("article.alert").first).to_be_visible()
    assert len(asked) > 20
    assert {url for url in asked if not url.startswith((server.url, "data:"))} == set()


def test_without_the_token_nothing_is_shown(browser: Browser, server: DeskServer) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}#token=wrong")
    expect(page.get_by_role("heading", name="This desk is locked")).to_be_visible()
    assert "wrong" not in page.url
    page.get_by_label("Token").fill("another guess")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert").filter(has_text="not this desk's token")).to_be_visible()
    assert server.guard.shared is not None
    token = server.guard.shared.token
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Open").click()
    expect(page.locator("#connection")).to_have_text("Live")
    assert token not in page.url
    assert token not in str(page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])"))
    context.close()


def test_a_desk_that_comes_back_tells_what_happened_meanwhile(browser: Browser, settings: Settings) -> None:
    desk = DeskSettings(port=0, token=SecretStr("a-token-of-some-length"))
    context = browser.new_context()
    page = context.new_page()
    with serve_desk(settings.model_copy(update={"desk": desk}), "ann") as server:
        page.goto(server.address)
        expect(page.locator("#connection")).to_have_text("Live")
        port = server.port
    expect(page.locator("#connection")).to_have_text("Reconnecting")
    expect(page.get_by_role("alert").filter(has_text="The desk does not answer")).to_be_visible()
    tell(settings, [told(make_alert())])
    again = desk.model_copy(update={"port": port})
    with serve_desk(settings.model_copy(update={"desk": again}), "ann"):
        expect(page.locator("article.alert h3")).to_have_text("larkmoor", timeout=15_000)
    context.close()


def test_the_page_works_by_keyboard(open_page: Callable[..., Page], settings: Settings) -> None:
    tell(settings, morning(NOW))
    page = open_page()
    expect(page.locator("article.alert").first).to_be_visible()
    page.reload()
    expect(page.locator("article.alert").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    for key, name in (("r", "replies"), ("l", "labels"), ("m", "models"), ("n", "now")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.locator(f"#page-{name}")).to_be_visible()
        expect(page.get_by_role("navigation").locator("[aria-current=page]")).to_have_attribute("href", f"#{name}")


def test_focus_stays_while_things_change(open_page: Callable[..., Page], settings: Settings) -> None:
    tell(settings, [told(make_alert()), told(make_alert("entity/pennick"))])
    page = open_page()
    button = page.locator("article.alert", has_text="pennick").get_by_role("button", name="False alarm")
    button.focus()
    tell(settings, [told(make_alert("entity/pennick", level="red"))])
    expect(page.locator("article.level-red")).to_contain_text("pennick")
    expect(button).to_be_focused()
