"""Makes the pictures of docs/desk.md anew: ``PYTHONPATH=tests python -m support.desk_pictures``."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright
from support.desk import chromium, tell
from support.desk_models import judged_versions
from support.desk_records import Told
from support.desk_story import morning
from support.labels import make_label
from support.messages import produce

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.tansu import TansuBroker
from streams.cli.desk_page import serve_desk
from streams.contract.labels import label_key
from streams.contract.service_settings import DeskSettings
from streams.contract.settings import KafkaSettings, ModelSettings, Settings
from streams.contract.topics import all_topics, predictions_topic

if TYPE_CHECKING:
    from playwright.sync_api import Page

_WIDE = {"width": 1240, "height": 800}
_PHONE = {"width": 390, "height": 780}


def make_pictures(folder: Path) -> list[Path]:
    """Show the morning in a browser, and keep what it looks like.

    Args:
        folder: Where the PNG files go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    labels = [make_label(f"m-{number}", time=now) for number in range(137)]
    with TansuBroker() as broker, tempfile.TemporaryDirectory() as registry, sync_playwright() as playwright:
        judged_versions(Path(registry))
        settings = Settings(
            kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers),
            desk=DeskSettings(port=0),
            model=ModelSettings(registry=registry),
        )
        with admin_client(settings.kafka) as admin:
            create_topics(admin, all_topics(settings))
        tell(settings, morning(now))
        tell(settings, [Told(label_key(label.message_id, label.labeller), label) for label in labels])
        with serve_desk(settings, "ann") as server, chromium(playwright) as browser:
            server.live.wait_until_loaded(30)

            def shown(name: str, size: dict[str, int], scheme: str, part: str, ready: str) -> Path:
                context = browser.new_context(viewport=size, color_scheme=scheme, timezone_id="UTC")
                page = context.new_page()
                page.goto(server.address)
                expect(page.locator("#connection")).to_have_text("Live")
                page.goto(f"{server.url}#{part}")
                expect(page.locator(ready).first).to_be_visible()
                produce(settings, predictions_topic(settings.topics), [(b"", b"{}", [])] * 124)
                _begin(page, part)
                page.wait_for_timeout(1500)
                file = folder / f"desk-{name}.png"
                page.screenshot(path=file)
                context.close()
                return file

            return [
                shown("now", _WIDE, "light", "now", "article.alert"),
                shown("replies", _WIDE, "light", "replies", "#draft"),
                shown("labels", _WIDE, "dark", "labels", ".option"),
                shown("models", _WIDE, "light", "models", ".reasons"),
                shown("phone", _PHONE, "dark", "now", "article.alert"),
            ]


def _begin(page: Page, part: str) -> None:
    """Do a little, so that the picture shows what can be done."""
    if part == "replies":
        page.get_by_role("button", name="I was charged the monthly fee twice").click()
    elif part == "labels":
        page.keyboard.press("1")
        page.keyboard.press("b")


if __name__ == "__main__":
    for made in make_pictures(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")):
        sys.stdout.write(f"{made} {made.stat().st_size / 1000:.0f} kB\n")
