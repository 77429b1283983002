"""The page in a real browser, on a real broker."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from playwright.sync_api import expect, sync_playwright
from pydantic import SecretStr
from support import toy_model, versions
from support.alerts import make_alert
from support.desk import chromium, tell
from support.desk_records import Told, make_reply, make_request, make_trend, make_turn, topic_of
from support.desk_story import morning
from support.messages import consume_all

from models.registry import Registry
from streams.cli.desk_page import serve_desk
from streams.contract.alerts import Silence, Verdict
from streams.contract.labels import Label, LabelledEntity, SuggestedEntity, label_key
from streams.contract.model_records import ModelPointer
from streams.contract.replies import Reply, Turn
from streams.contract.service_settings import DeskSettings
from streams.contract.settings import ModelSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from msgspec import Struct
    from playwright.sync_api import Browser, Page

    from streams.contract.settings import Settings
    from streams.desk.server import DeskServer

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC).replace(microsecond=0)
MARKUP = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'> & <b>bold</b>"


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


def records_of(settings: Settings, kind: type[Struct], count: int = 1) -> list[Any]:
    records = consume_all(settings, topic_of(settings, kind), count)
    return [None if record.value is None else msgspec.json.decode(record.value, type=kind) for record in records]


def told(alert: Any) -> Told:  # noqa: ANN401  an alert
    return Told(alert.fingerprint.encode(), alert)


def test_a_message_is_labelled_by_keys_alone_and_taken_back(open_page: Callable[..., Page], settings: Settings) -> None:
    tell(
        settings,
        [
            Told(b"q-1", make_request(1, "My card is declined", NOW, "customer", intent="card_declined")),
            Told(b"q-2", make_request(2, "Osterby Bank is quiet", NOW)),
        ],
    )
    page = open_page("labels")
    card = page.locator(".card")
    expect(card).to_contain_text("My card is declined")
    # Negative; payments; what the model read of the intent; done.
    for key in ("1", "8", "Space", "Enter"):
        page.keyboard.press(key)
    expect(card).to_contain_text("Osterby Bank is quiet")
    (label,) = records_of(settings, Label)
    assert (label.message_id, label.labeller) == ("q-1", "ann")
    assert (label.sentiment, label.topics, label.intent) == ("negative", ["payments"], "card_declined")
    expect(page.locator(".progress")).to_contain_text("1 of 200 new labels")
    page.keyboard.press("u")
    expect(card).to_contain_text("My card is declined")
    taken_back = consume_all(settings, topic_of(settings, Label), 2)[-1]
    assert (taken_back.key, taken_back.value) == (label_key("q-1", "ann"), None)
    page.keyboard.press("s")
    expect(card).to_contain_text("Osterby Bank is quiet")


def test_entities_are_marked_by_keys(open_page: Callable[..., Page], settings: Settings) -> None:
    text = "\U0001f514 Osterby Bank fails Mara Lind again"
    tell(settings, [Told(b"q-1", make_request(1, text, NOW)), Told(b"q-2", make_request(2, "Quiet", NOW))])
    page = open_page("labels")
    card = page.locator(".card")
    expect(card).to_contain_text("Osterby")
    # Two words, an organisation, negative; two words further on, a person, of whom nothing is said.
    for key in (
        "w",
        "Shift+ArrowRight",
        "Enter",
        "2",
        "1",
        "w",
        "ArrowRight",
        "Shift+ArrowRight",
        "Enter",
        "1",
        "Enter",
    ):
        page.keyboard.press(key)
    expect(page.get_by_role("button", name="Remove Osterby Bank: organisation, negative")).to_be_visible()
    expect(page.get_by_role("button", name="Remove Mara Lind: person")).to_be_visible()
    expect(page.locator("#polite")).to_contain_text("Marked: Mara Lind: person")
    page.keyboard.press("Enter")
    expect(card).to_contain_text("Quiet")
    (label,) = records_of(settings, Label)
    # In code points: the bell is one.
    assert [(text[each.start : each.end], each.type, each.sentiment) for each in label.entities] == [
        ("Osterby Bank", "ORG", "negative"),
        ("Mara Lind", "PER", None),
    ]
    expect(page.locator(".progress")).to_contain_text("1 of 200 new labels")
    page.keyboard.press("u")
    expect(card).to_contain_text("Osterby")
    assert consume_all(settings, topic_of(settings, Label), 2)[-1].value is None


def test_entities_are_marked_by_pointer_taken_from_the_model_or_denied(
    open_page: Callable[..., Page], settings: Settings
) -> None:
    read = [SuggestedEntity(start=0, end=7, type="ORG", sentiment="neutral")]
    tell(settings, [Told(b"q-1", make_request(1, "Osterby is quiet", NOW, entities=read))])
    page = open_page("labels")
    card = page.locator(".card")
    card.get_by_text("Osterby", exact=True).click()
    card.get_by_role("button", name="place").click()
    card.get_by_role("button", name="not said").click()
    page.get_by_role("button", name="Remove Osterby: place").click()
    card.get_by_role("button", name="There are none").click()
    expect(card).to_contain_text("There are none in it.")
    card.get_by_role("button", name="Take the model's 1").click()
    expect(page.get_by_role("button", name="Remove Osterby: organisation, neutral")).to_be_visible()
    card.get_by_role("button", name="Keep").click()
    (label,) = records_of(settings, Label)
    assert label.entities == [LabelledEntity(start=0, end=7, type="ORG", sentiment="neutral")]


def test_a_false_alarm_is_taken_back(open_page: Callable[..., Page], settings: Settings) -> None:
    alert = make_alert()
    tell(settings, [told(alert)])
    page = open_page()
    page.get_by_role("button", name="False alarm").click()
    page.get_by_role("button", name="It was a false alarm").click()
    expect(page.locator("article.alert")).to_contain_text("false alarm, says ann")
    page.get_by_role("button", name="Not a false alarm after all").click()
    expect(page.get_by_role("button", name="False alarm…")).to_be_visible()
    given, taken_back = consume_all(settings, topic_of(settings, Verdict), 2)
    assert given.key == taken_back.key
    assert taken_back.value is None


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


def test_an_alert_appears_within_two_seconds_without_a_reload_and_is_announced(
    open_page: Callable[..., Page], settings: Settings
) -> None:
    page = open_page()
    page.evaluate("window.same = true")
    expect(page.locator(".alerts")).to_contain_text("Nothing rings")
    tell(settings, [told(make_alert(level="red"))])
    expect(page.locator("article.alert h3")).to_have_text("larkmoor", timeout=2000)
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


def test_two_browsers_see_each_others_silence(open_page: Callable[..., Page], settings: Settings) -> None:
    tell(settings, [told(make_alert())])
    mine, other = open_page(), open_page()
    mine.locator("article.alert").get_by_role("button", name="Silence").click()
    dialog = mine.get_by_role("dialog")
    dialog.get_by_label("For").select_option("8h")
    dialog.get_by_label("Why").fill(f"known outage {MARKUP}")
    dialog.get_by_role("button", name="Silence").click()
    expect(dialog).to_have_count(0)
    for page in (mine, other):
        row = page.get_by_role("region", name="Silences").get_by_role("listitem")
        expect(row).to_contain_text("subject=entity/larkmoor")
        expect(row).to_contain_text("known outage <script>")
        expect(page.locator("article.alert")).to_contain_text("silenced until")
    (silence,) = records_of(settings, Silence)
    assert silence.endsAt - silence.startsAt == timedelta(hours=8)
    other.get_by_role("button", name="End the silence").click()
    expect(mine.get_by_role("region", name="Silences")).to_contain_text("over since")
    expect(mine.locator("article.alert")).not_to_contain_text("silenced until")


def test_what_cannot_be_is_told_in_the_dialog(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.get_by_role("button", name="Watch\u2026").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Subject").fill("fraud")
    dialog.get_by_role("button", name="Watch").click()
    expect(dialog.get_by_role("alert")).to_contain_text("'fraud' is a topic: say topic/fraud")
    dialog.get_by_label("Subject").fill("topic/fraud")
    dialog.get_by_label("Subject").press("Enter")
    expect(page.get_by_role("region", name="Watchlist")).to_contain_text("topic fraud")


def test_a_draft_is_edited_and_sent(open_page: Callable[..., Page], settings: Settings) -> None:
    tell(settings, morning(NOW))
    page = open_page("replies")
    page.get_by_role("button", name="I was charged the monthly fee twice").click()
    draft = page.get_by_label("Draft, for this customer alone")
    expect(draft).to_have_value(re.compile("^Dear Mara Lindqvist"))
    expect(page.locator(".thread")).to_contain_text("Hello, I am [author]")
    expect(page.locator(".sources")).to_contain_text("disappears within three working days")
    draft.fill("Dear Mara Lindqvist, we pay it back today.")
    # What else happens meanwhile takes nothing away.
    tell(settings, [Told(b"c-9", make_turn("c-9", "Another question", NOW))])
    expect(page.locator(".queue")).to_contain_text("Another question")
    expect(draft).to_have_value("Dear Mara Lindqvist, we pay it back today.")
    draft.press("Control+Enter")
    expect(page.locator("#count-replies")).to_have_text(re.compile("^2"))
    sent = records_of(settings, Reply, len([one for one in morning(NOW) if isinstance(one.record, Reply)]) + 1)[-1]
    assert (sent.action, sent.text) == ("send", "Dear Mara Lindqvist, we pay it back today.")
    (label,) = records_of(settings, Label)
    assert (label.reply, label.labeller) == ("Dear [author], we pay it back today.", "ann")
    assert "mara" not in label.text.lower()
    kinds = [turn.kind for turn in records_of(settings, Turn, 9) if turn.conversation == "c-1"]
    assert kinds == ["asked", "answered", "handed_back"]


def test_a_conversation_is_taken_over_for_everybody_to_see(open_page: Callable[..., Page], settings: Settings) -> None:
    tell(
        settings, [Told(b"c-1", make_turn("c-1", "Where is it?", NOW)), Told(b"c-1", make_reply("c-1", NOW, "handoff"))]
    )
    mine, other = open_page("replies"), open_page("replies")
    other.get_by_role("button", name="You are ann").click()
    other.get_by_role("textbox", name="Name").fill("bo")
    other.get_by_role("textbox", name="Name").press("Enter")
    mine.get_by_role("button", name="Take over").click()
    expect(mine.get_by_role("heading", name="You have it in hand")).to_be_visible()
    expect(mine.get_by_label("Your answer")).to_be_visible()
    expect(other.get_by_role("heading", name="ann has it in hand")).to_be_visible()
    expect(other.get_by_label("Your answer")).to_have_count(0)
    other.get_by_role("button", name="Hand back to Tocsin").click()
    expect(mine.get_by_role("heading", name="Handed to a person")).to_be_visible()


def test_a_version_is_rolled_back_once_it_is_confirmed(open_page: Callable[..., Page], settings: Settings) -> None:
    page = open_page("models")
    champion = page.locator("tr", has_text="champion")
    expect(champion).to_contain_text("encoder:2")
    page.get_by_role("button", name="Roll back to 1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill("calls complaints praise")
    dialog.get_by_role("button", name="Roll back").click()
    expect(champion).to_contain_text("encoder:1")
    expect(page.get_by_role("region", name="History")).to_contain_text("calls complaints praise")
    (pointer,) = records_of(settings, ModelPointer)
    assert (pointer.alias, pointer.version, pointer.by) == ("champion", 1, "ann")
    assert Registry(settings.model.registry).aliases("encoder")["champion"] == 1


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
