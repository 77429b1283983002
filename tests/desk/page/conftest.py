"""The page in a real browser, on a real broker."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright
from support import toy_model, versions
from support.desk import chromium
from support.desk_page import MARKUP

from models.registry import Registry
from streams.cli.desk_page import serve_desk
from streams.contract.service_settings import DeskSettings
from streams.contract.settings import ModelSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from streams.contract.settings import Settings
    from streams.desk.server import DeskServer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as running:
        yield running


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of two versions, the second of which serves; their report would like to run a script."""
    folder = tmp_path_factory.mktemp("versions")
    registry = Registry(str(folder / "registry"))
    for number in range(2):
        files = toy_model.write_files(folder / f"version-{number}", versions.FIRST)
        (files / "report.html").write_text(f"<title>r</title><p>Report {number + 1}</p>{MARKUP}", encoding="utf-8")
        registry.register(files, "encoder", **toy_model.facts())
        registry.set_alias("encoder", "champion", number + 1)
    return folder / "registry"


@pytest.fixture
def settings(stream_settings: Settings, two_versions: Path, tmp_path: Path) -> Settings:
    registry = shutil.copytree(two_versions, tmp_path / "registry")
    return stream_settings.model_copy(
        update={
            "desk": DeskSettings(port=0),
            "model": ModelSettings(registry=str(registry), cache=tmp_path / "cache"),
        }
    )


@pytest.fixture
def server(settings: Settings) -> Iterator[DeskServer]:
    with serve_desk(settings, "ann") as running:
        running.live.wait_until_loaded(30)
        yield running


@pytest.fixture
def open_page(browser: Browser, server: DeskServer) -> Iterator[Callable[..., Page]]:
    """Opens the desk in a browser of its own; what goes wrong in a page fails the test."""
    contexts = []
    problems: list[str] = []

    def opened(name: str = "now", **options: object) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(server.address)
        expect(page.locator("#connection")).to_have_text("Live")
        page.goto(f"{server.url}#{name}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []
