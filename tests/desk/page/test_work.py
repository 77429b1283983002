"""What people do on the page: label, judge alerts, silence, answer customers, roll a version back."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from support.alerts import make_alert
from support.desk import tell
from support.desk_page import MARKUP, NOW, records_of, told
from support.desk_records import Told, make_reply, make_request, make_turn, topic_of
from support.desk_story import morning
from support.messages import consume_all
from support.toy_domain import write_domain

from models.registry import Registry
from streams.cli.desk_page import serve_desk
from streams.contract.alerts import Silence, Verdict
from streams.contract.labels import Label, LabelledEntity, SuggestedEntity, label_key
from streams.contract.model_records import ModelPointer
from streams.contract.replies import Reply, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration


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


def test_a_topic_that_was_chosen_and_taken_back_is_not_said(
    browser: Browser, settings: Settings, tmp_path: Path
) -> None:
    """Of several topics none at all would be a word, too: that no topic applies."""
    domain = write_domain(tmp_path / "several", examples=1)
    described = domain / "domain.toml"
    described.write_text(f'topic_mode = "multi"\n{described.read_text()}')
    tell(settings, [Told(b"q-1", make_request(1, "Acme said", NOW)), Told(b"q-2", make_request(2, "Quiet", NOW))])
    with serve_desk(settings.model_copy(update={"domain": str(domain)}), "ann") as server:
        page = browser.new_page()
        page.goto(server.address)
        page.goto(f"{server.url}#labels")
        card = page.locator(".card")
        expect(card).to_contain_text("Acme said")
        # A topic and no topic; then negative.
        for key in ("ArrowRight", "2", "2", "ArrowLeft", "1", "Enter"):
            page.keyboard.press(key)
        expect(card).to_contain_text("Quiet")
        (label,) = records_of(settings, Label)
        page.close()
    assert (label.sentiment, label.topics) == ("negative", None)


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


def test_keys_that_are_held_down_send_a_dialog_once(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.get_by_role("button", name="Silence\u2026").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Mute alerts with").fill("subject=entity/larkmoor")
    page.evaluate(
        """() => {
          const form = document.querySelector("dialog form");
          const held = { key: "Enter", ctrlKey: true, bubbles: true };
          for (let time = 0; time < 3; time += 1) form.dispatchEvent(new KeyboardEvent("keydown", held));
        }"""
    )
    expect(dialog).to_have_count(0)
    page.wait_for_timeout(1000)
    expect(page.get_by_role("region", name="Silences").get_by_role("listitem")).to_have_count(1)


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
    replies = records_of(settings, Reply, len([one for one in morning(NOW) if isinstance(one.record, Reply)]) + 1)
    # By what it is, since partitions are read in any order.
    (sent,) = [reply for reply in replies if (reply.conversation, reply.action) == ("c-1", "send")]
    assert sent.text == "Dear Mara Lindqvist, we pay it back today."
    (label,) = records_of(settings, Label)
    assert (label.reply, label.labeller) == ("Dear [author], we pay it back today.", "ann")
    assert "mara" not in label.text.lower()
    kinds = [turn.kind for turn in records_of(settings, Turn, 9) if turn.conversation == "c-1"]
    assert kinds == ["asked", "answered", "handed_back"]


def test_two_people_of_one_name_do_not_both_answer_unseen(open_page: Callable[..., Page], settings: Settings) -> None:
    tell(
        settings,
        [
            Told(b"c-1", make_turn("c-1", "Where is it?", NOW)),
            Told(b"c-1", make_reply("c-1", NOW, "review", text="It is on its way.")),
        ],
    )
    mine, other = open_page("replies"), open_page("replies")
    other.get_by_label("Draft, for this customer alone").fill("It is lost.")
    mine.get_by_label("Draft, for this customer alone").fill("It is here.")
    mine.get_by_label("Tocsin may answer what comes next").uncheck()
    mine.get_by_role("button", name="Send as edited").click()
    expect(other.locator(".thread")).to_contain_text("It is here.")
    area, send = other.get_by_label("Your answer"), other.get_by_role("button", name="Send", exact=True)
    expect(area).to_have_value("It is lost.")
    expect(other.locator("#draft-note")).to_have_text("This customer was answered since you began to write.")
    send.click()
    expect(other.locator("#assertive")).to_contain_text("this customer was answered since")
    expect(area).to_have_value("It is lost.")
    # Whoever has been told so may have more to say all the same.
    area.fill("It is here, and so is another one.")
    send.click()
    expect(other.locator(".thread")).to_contain_text("It is here, and so is another one.")
    sent = [reply.text for reply in records_of(settings, Reply, 3) if reply.action == "send"]
    assert sent == ["It is here.", "It is here, and so is another one."]


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


def test_a_champion_that_is_refused_says_why_and_is_rolled_back(
    open_page: Callable[..., Page], settings: Settings
) -> None:
    Path(settings.model.registry, "encoder/2/manifest.json").write_text("{", encoding="utf-8")
    page = open_page("models")
    champion = page.locator("tr", has=page.get_by_text("champion", exact=True))
    expect(champion).to_contain_text("refused")
    expect(champion).to_contain_text("encoder/2/manifest.json")
    page.get_by_role("button", name="Look at version 1").click()
    expect(page.get_by_role("region", name="Version", exact=True)).to_contain_text("encoder:1")
    page.get_by_role("button", name="Roll back to 1").click()
    page.get_by_role("dialog").get_by_label("Why").fill("its manifest is broken")
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(champion).to_contain_text("encoder:1")


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
