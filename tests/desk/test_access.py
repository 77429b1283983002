"""What can be checked by a machine of the page's use by everybody: names, headings, contrast, width."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright
from support.desk import chromium, tell
from support.desk_story import morning

from streams.cli.desk_page import serve_desk
from streams.contract.service_settings import DeskSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from streams.contract.settings import Settings
    from streams.desk.server import DeskServer

pytestmark = pytest.mark.integration

PAGES = ("now", "replies", "labels", "models")

CHECKS = Path(__file__).parents[1] / "support"
CONTRAST = (CHECKS / "page_contrast.js").read_text(encoding="utf-8")
FAULTS = (CHECKS / "page_faults.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as running:
        yield running


@pytest.fixture
def server(stream_settings: Settings) -> Iterator[DeskServer]:
    tell(stream_settings, morning(datetime.now(UTC)))
    with serve_desk(stream_settings.model_copy(update={"desk": DeskSettings(port=0)}), "ann") as running:
        running.live.wait_until_loaded(30)
        yield running


def shown(page: Page, server: DeskServer, name: str) -> None:
    page.goto(f"{server.url}#{name}")
    what = {"now": "article.alert", "replies": "#draft", "labels": ".option", "models": ".versions tr"}[name]
    expect(page.locator(what).first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_and_every_control_has_a_name(browser: Browser, server: DeskServer, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.goto(server.address)
    for name in PAGES:
        shown(page, server, name)
        if name == "labels":
            page.keyboard.press("1")
        assert page.evaluate(FAULTS) == [], name
        assert page.evaluate(CONTRAST) == [], name
    page.keyboard.press("?")
    assert page.evaluate(CONTRAST) == []
    page.keyboard.press("Escape")
    shown(page, server, "now")
    page.get_by_role("button", name="Silence").first.click()
    assert page.evaluate(FAULTS) == []
    assert page.evaluate(CONTRAST) == []
    context.close()


def test_nothing_is_wider_than_a_phone(browser: Browser, server: DeskServer) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(server.address)
    for name in PAGES:
        shown(page, server, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    context.close()


def test_what_is_empty_says_what_to_do(browser: Browser, stream_settings: Settings) -> None:
    with serve_desk(stream_settings.model_copy(update={"desk": DeskSettings(port=0)}), "ann") as server:
        server.live.wait_until_loaded(30)
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.address)
        expect(page.locator("#connection")).to_have_text("Live")
        for name, words in (
            ("now", "tocsin worker"),
            ("replies", "tocsin answers import"),
            ("labels", "Nothing waits for a label"),
            ("models", "Nothing has happened yet"),
        ):
            page.goto(f"{server.url}#{name}")
            expect(page.locator(f"#page-{name}")).to_contain_text(words)
        context.close()
