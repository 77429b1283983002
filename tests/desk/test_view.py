"""The view: what the page shows of what is told, and how much of it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from support.alerts import make_alert
from support.desk import NOON, forget, hear, make_view
from support.desk_records import WINDOW, Told, make_reply, make_request, make_trend, make_turn
from support.desk_story import morning
from support.labels import make_label

from streams.contract.alerts import Silence, TellingMessage, Verdict, Watch, ringing_key
from streams.contract.labels import Label, label_key
from streams.contract.model_records import ModelEvent, ModelPointer, RetrainRequest, pointer_key
from streams.contract.replies import Brief, Document
from streams.desk.view.conversations import handle
from streams.desk.view.labelling import labelled_message
from streams.desk.view.shown import Place
from streams.desk.view.trends import WINDOWS

if TYPE_CHECKING:
    from streams.contract.replies import Reply, Turn
    from streams.desk.view.view import View


def alert_of(view: View, alert: Any) -> dict[str, Any]:  # noqa: ANN401  an alert
    found = view.doc(Place("alerts", ringing_key(alert)))
    assert found is not None
    return found


def told(record: Any) -> Told:  # noqa: ANN401  a record with a fingerprint
    return Told(record.fingerprint.encode(), record)


def said(label: Label) -> Told:
    return Told(label_key(label.message_id, label.labeller), label)


def talked(record: Turn | Reply) -> Told:
    return Told(record.conversation.encode(), record)


def conversation(view: View, name: str = "c-1") -> dict[str, Any]:
    found = view.doc(Place("conversations", handle(name)))
    assert found is not None
    return found


def test_the_last_word_on_an_alert_is_shown_with_its_course() -> None:
    view, first = make_view(), make_alert(level="yellow")
    worse = make_alert(level="red", time=first.time + timedelta(minutes=9))
    over = make_alert(level="red", status="resolved")
    for change in (first, worse, over):
        assert hear(view, told(change)) == {Place("alerts", ringing_key(first))}
    shown = alert_of(view, first)
    assert (shown["level"], shown["status"], shown["told"]) == ("red", "resolved", "larkmoor")
    assert [change["level"] for change in shown["changes"]] == ["yellow", "red", "red"]


@pytest.mark.parametrize("verdict_first", [True, False])
def test_a_verdict_is_shown_whichever_topic_is_read_first(verdict_first: bool) -> None:
    view, alert = make_view(), make_alert()
    verdict = Verdict(
        fingerprint=alert.fingerprint, subject="", startsAt=alert.startsAt, verdict="false_alarm", time=NOON, by="ann"
    )
    both = [told(alert), Told(verdict.key.encode(), verdict)]
    hear(view, *(reversed(both) if verdict_first else both))
    assert alert_of(view, alert)["verdict"]["by"] == "ann"
    forget(view, Verdict, verdict.key.encode())
    assert alert_of(view, alert)["verdict"] is None


def test_the_latest_brief_stands_with_its_alert() -> None:
    view, alert = make_view(), make_alert()

    def brief(text: str, minutes: int) -> Told:
        record = Brief(
            id=text,
            fingerprint=alert.fingerprint,
            alert_id=alert.id,
            subject="entity/larkmoor",
            status="firing",
            text=text,
            origin="template",
            evidence=[],
            time=NOON + timedelta(minutes=minutes),
        )
        return told(record)

    hear(view, brief("early", 0), told(alert))
    assert alert_of(view, alert)["brief"]["text"] == "early"
    assert hear(view, brief("call +44 20 7946 0958", 5)) == {Place("alerts", ringing_key(alert))}
    assert alert_of(view, alert)["brief"]["text"] == "call [phone]"


def test_evidence_is_masked_again_since_a_topic_may_have_other_writers() -> None:
    view = make_view()
    message = TellingMessage(
        id="m",
        time=NOON,
        source="box of ann@example.com",
        text="write to @ann or ann@example.com",
        sentiment="negative",
        score=0.9,
    )
    alert = make_alert()
    sources = {"ann@example.com": 0.5, "bo@example.com": 0.25, "wire": 0.25}
    evidence = msgspec.structs.replace(alert.evidence, messages=[message], sources=sources)
    alert = msgspec.structs.replace(alert, evidence=evidence)
    hear(view, told(alert))
    shown = alert_of(view, alert)["evidence"]
    assert shown["messages"][0]["text"] == "write to [user] or [email]"
    assert shown["messages"][0]["source"] == "box of [email]"
    assert shown["sources"] == {"[email]": 0.75, "wire": 0.25}


def test_what_rings_is_not_forgotten_for_what_is_over() -> None:
    view = make_view(keep=3)
    ringing = make_alert("entity/pennick")
    over = [make_alert(status="resolved", starts=NOON - timedelta(days=day)) for day in range(5)]
    hear(view, told(ringing), *map(told, over))
    kept = view.snapshot()["alerts"]
    assert ringing_key(ringing) in kept
    assert len(kept) == 3


def test_windows_of_a_subject_are_in_order_of_time_and_no_more_than_are_drawn() -> None:
    view = make_view()
    windows = [make_trend("topic/fraud", NOON + number * WINDOW, number, 0, (1.0, 0.2)) for number in range(50)]
    hear(view, *(Told(b"topic/fraud", trend) for trend in reversed(windows)))
    again = make_trend("topic/fraud", windows[-1].start, 99, 7, (1.0, 0.2))
    hear(view, Told(b"topic/fraud", again))
    shown = view.snapshot()["trends"]["topic/fraud"]
    assert [row[1] for row in shown["windows"]] == [*range(50 - WINDOWS, 49), 99]
    assert (shown["told"], shown["kind"], shown["window_seconds"]) == ("topic fraud", "topic", 300)


def test_at_most_so_many_of_each_kind_are_kept_and_pages_are_told_of_what_went() -> None:
    view = make_view(keep=4)
    trends = [make_trend(f"entity/e{number}", NOON, 5, 1, (1.0, 0.2)) for number in range(9)]
    requests = [make_request(number, "a text", NOON) for number in range(9)]
    turns = [make_turn(f"c-{number}", "where is it", NOON) for number in range(9)]
    hear(view, *(Told(trend.subject.encode(), trend) for trend in trends[:8]))
    gone = hear(view, Told(trends[8].subject.encode(), trends[8]))
    assert gone == {Place("trends", "entity/e8"), Place("trends", "entity/e4")}
    assert view.doc(Place("trends", "entity/e4")) is None
    hear(view, *(Told(request.message_id.encode(), request) for request in requests), *map(talked, turns))
    for section in ("trends", "requests", "conversations"):
        assert len(view.snapshot()[section]) == 4


def test_a_control_does_not_tell_what_the_model_read() -> None:
    view = make_view()
    for number, reason in enumerate(("uncertain", "random")):
        hear(view, Told(b"", make_request(number, "a text", NOON, reason=reason)))
    requests = view.snapshot()["requests"]
    assert requests["q-0"]["read"]["topics"] == ["service"]
    assert "read" not in requests["q-1"]


def test_a_message_that_anybody_labelled_waits_no_more_until_it_is_taken_back() -> None:
    view = make_view()
    hear(view, *(Told(b"", make_request(number, "a text", NOON)) for number in range(3)))
    label = make_label("q-1")
    changed = hear(view, said(label))
    assert changed == {Place("labelling", "order"), Place("labelling", "progress")}
    assert view.snapshot()["labelling"]["order"]["messages"] == ["q-0", "q-2"]
    forget(view, Label, label_key("q-1", "ann"))
    assert view.snapshot()["labelling"]["order"]["messages"] == ["q-0", "q-1", "q-2"]


def test_a_page_that_came_while_a_message_was_labelled_is_told_of_it_once_it_waits_again() -> None:
    view = make_view()
    hear(view, *(Told(b"", make_request(number, "text", NOON)) for number in range(2)), said(make_label("q-1")))
    page = dict(view.snapshot()["requests"])
    assert list(page) == ["q-0"]
    for place in forget(view, Label, label_key("q-1", "ann")):
        if place.section == "requests":
            page[place.key] = view.doc(place)
    assert list(page) == view.snapshot()["labelling"]["order"]["messages"] == ["q-0", "q-1"]


def test_labels_since_the_latest_run_are_counted_changes_of_mind_too() -> None:
    view = make_view()
    for minute in range(4):
        hear(view, said(make_label(f"m-{minute}")), time=NOON + timedelta(minutes=minute))
    hear(view, said(make_label("m-0", "bo")), time=NOON + timedelta(minutes=9))
    hear(view, said(make_label("m-0", "bo", sentiment="neutral")), time=NOON + timedelta(minutes=10))
    progress = view.doc(Place("labelling", "progress"))
    assert progress is not None
    assert (progress["labels"], progress["messages"], progress["new"]) == (5, 4, 6)
    began = ModelEvent(id="e", model="encoder", kind="retrain_started", time=NOON + timedelta(minutes=2), by="ann")
    other = msgspec.structs.replace(began, id="o", model="another", time=NOON + timedelta(minutes=20))
    hear(view, Told(b"encoder", began), Told(b"another", other))
    # What was said before the run began, and comes late, counts no more.
    hear(view, said(make_label("m-7")), time=NOON)
    progress = view.doc(Place("labelling", "progress"))
    assert progress is not None
    assert (progress["labels"], progress["new"]) == (6, 3)


@pytest.mark.parametrize("message_id", ["m-1", "a/b", "3/x", "\u00fc/\U0001f514"])
def test_a_labels_key_tells_its_message(message_id: str) -> None:
    assert labelled_message(label_key(message_id, "ann/bo")) == message_id


@pytest.mark.parametrize("key", [b"", b"m-1", b"x/m-1/ann", b"99/m-1/ann", b"-1/m/ann", b"\xff/m/ann"])
def test_what_is_no_labels_key_is_left_out(key: bytes) -> None:
    view = make_view()
    assert hear(view, Told(key, make_label())) == set()
    assert view.snapshot()["labelling"]["progress"]["labels"] == 0


def test_customers_words_are_masked_and_the_reply_is_the_teams_to_read() -> None:
    view = make_view()
    turn = make_turn(
        "c-1",
        "I am Mara Lindqvist, mara@example.com",
        NOON,
        author="Mara Lindqvist",
        source="Mara Lindqvist <mara@example.com>",
    )
    reply = make_reply("c-1", NOON, text="Dear Mara Lindqvist, mara@example.com", question="mail mara@example.com")
    hear(view, talked(turn), talked(reply))
    shown = conversation(view)
    assert shown["turns"][0]["text"] == "I am [author], [email]"
    assert shown["turns"][0]["source"] == "[author] <[email]>"
    assert shown["reply"]["text"] == "Dear Mara Lindqvist, mara@example.com"
    assert shown["reply"]["question"] == "mail [email]"


def test_where_a_conversation_is_held_names_nobody_either() -> None:
    view = make_view()
    hear(view, talked(make_turn("c-1", "Is the fee right?", NOON, source="dm/@mara_l")))
    assert "mara" not in conversation(view)["turns"][0]["source"]


def test_a_conversations_own_id_is_not_told_since_it_may_be_a_customers() -> None:
    view = make_view()
    turn = make_turn("mara@example.com", "where is it", NOON, message_id="m-1")
    hear(view, talked(turn), talked(make_reply("mara@example.com", NOON, message_id="m-1", id="r")))
    assert b"mara@" not in msgspec.json.encode(view.snapshot())


def test_a_draft_waits_until_somebody_answers() -> None:
    view = make_view()
    hear(view, talked(make_turn("c-1", "where is it", NOON)), talked(make_reply("c-1", NOON, text="It is there.")))
    assert conversation(view)["state"] == "review"
    answered = make_turn("c-1", "It is there.", NOON + WINDOW, kind="answered", by="ann")
    hear(view, talked(answered))
    # A person who writes has the conversation in hand, until it is handed back.
    assert (conversation(view)["state"], conversation(view)["taken_by"]) == ("taken", "ann")
    hear(view, talked(make_turn("c-1", "", NOON + 2 * WINDOW, kind="handed_back", by="ann")))
    assert (conversation(view)["state"], conversation(view)["taken_by"]) == ("answered", None)


def test_a_conversation_in_hand_says_when_the_customer_waits() -> None:
    view = make_view()
    hear(view, talked(make_turn("c-1", "where is it", NOON)))
    hear(view, talked(make_turn("c-1", "", NOON + WINDOW, kind="taken_over", by="bo")))
    assert (conversation(view)["state"], conversation(view)["is_unanswered"]) == ("taken", True)
    hear(view, talked(make_turn("c-1", "here", NOON + 2 * WINDOW, kind="answered", by="bo")))
    assert conversation(view)["is_unanswered"] is False
    # One that comes late is no later word.
    hear(view, talked(make_turn("c-1", "", NOON, kind="handed_back", by="bo", message_id="late")))
    assert conversation(view)["taken_by"] == "bo"


def test_evidence_is_shown_with_its_text_though_a_passage_is_named() -> None:
    view = make_view()
    document = Document(id="fees", text="x" * 2000, time=NOON, title="Fees")
    hear(view, Told(b"fees", document), talked(make_reply("c-1", NOON, text="y", evidence=["fees#2", "gone"])))
    first, second = conversation(view)["reply"]["evidence"]
    assert (first["id"], first["title"], len(first["text"])) == ("fees#2", "Fees", 901)
    assert second == {"id": "gone"}
    forget(view, Document, b"fees")
    assert conversation(view)["reply"]["evidence"][0] == {"id": "fees#2"}


def test_lists_follow_what_is_written_and_taken_away() -> None:
    view = make_view()
    records = {type(one.record): one for one in morning(NOON)}
    for kind, section in ((Silence, "silences"), (Watch, "watchlist")):
        one = records[kind]
        hear(view, one)
        assert view.snapshot()[section]
        assert forget(view, kind, one.key) == {Place(section, one.key.decode())}
        assert view.snapshot()[section] == {}


def test_of_two_pointers_the_higher_epoch_holds() -> None:
    view = make_view()

    def pointer(version: int, epoch: int, model: str = "encoder") -> Told:
        record = ModelPointer(model=model, alias="champion", version=version, epoch=epoch, time=NOON, by="ann")
        return Told(pointer_key(model, "champion"), record)

    hear(view, pointer(2, 7), pointer(1, 6), pointer(9, 9, "another"))
    assert view.snapshot()["pointers"]["champion"]["version"] == 2
    forget(view, ModelPointer, pointer_key("encoder", "champion"))
    assert view.snapshot()["pointers"] == {}


def test_who_asked_for_a_run_is_shown() -> None:
    view = make_view()
    asked = RetrainRequest(id="r", model="encoder", time=NOON, by="ann", reason="new slang")
    hear(view, Told(b"encoder", asked))
    assert view.snapshot()["labelling"]["progress"]["asked"]["reason"] == "new slang"


def test_each_document_of_a_snapshot_is_what_a_change_would_tell() -> None:
    view = make_view()
    changed = hear(view, *morning(NOON))
    snapshot = view.snapshot()
    assert {place for section, docs in snapshot.items() for place in (Place(section, key) for key in docs)} <= changed
    for section, docs in snapshot.items():
        for key, doc in docs.items():
            assert view.doc(Place(section, key)) == doc
    msgspec.json.encode(snapshot)
