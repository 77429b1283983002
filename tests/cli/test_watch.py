from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from kafka.consumer.fetcher import ConsumerRecord
from support.alerts import make_alert
from support.commands import Tocsin
from support.messages import produce
from support.processes import run_tocsin, settings_env, wait_for

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.tansu import TansuBroker
from streams.cli.watching import as_document, as_line, printable
from streams.contract.alerts import Alert, Silence
from streams.contract.recommendations import (
    Behavior,
    InterestState,
    ReaderEvent,
    Recommendation,
    RecommendationRequest,
)
from streams.contract.records import DeadLetter, Entity, Message, Prediction, encode
from streams.contract.replies import ConversationState, Reply, Turn
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics, dead_letters_topic, predictions_topic

if TYPE_CHECKING:
    from msgspec import Struct


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PREDICTION = Prediction(
    id="p",
    message_id="m-1",
    source="wire",
    kind="customer",
    time=NOON,
    topics=["transport"],
    topic_scores={"transport": 0.9},
    sentiment="negative",
    sentiment_scores={"negative": 0.8, "neutral": 0.1, "positive": 0.1},
    entities=[
        Entity(
            text="Quay Ferries",
            type="ORG",
            start=0,
            end=12,
            score=0.9,
            sentiment="positive",
            sentiment_scores={"negative": 0.1, "neutral": 0.1, "positive": 0.8},
        )
    ],
    model="encoder:1",
    intent="complaint",
)


def _letter(value: bytes) -> DeadLetter:
    return DeadLetter(
        id="d",
        topic="news",
        partition=1,
        offset=7,
        stage="decode",
        reason="malformed",
        error="not JSON",
        attempts=1,
        time=NOON,
        value=value,
    )


def _record(
    value: bytes | None, headers: tuple[tuple[str, bytes], ...] = (), key: bytes | None = b"k"
) -> ConsumerRecord:
    return ConsumerRecord(
        topic="t",
        partition=2,
        leader_epoch=0,
        offset=5,
        timestamp=1772452800000,
        timestamp_type=0,
        key=key,
        value=value,
        headers=headers,
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=1,
        serialized_header_size=0,
    )


def test_a_prediction_is_a_line_with_the_sentiments_coloured() -> None:
    line = as_line(_record(encode(PREDICTION)), Prediction)
    for told in (
        "2026-03-02 12:00:00",
        "m-1",
        "transport",
        "negative 0.80",
        "complaint",
        "Quay Ferries (ORG: positive)",
    ):
        assert told in line.plain
    colours = {line.plain[span.start : span.end]: span.style for span in line.spans}
    assert colours["negative 0.80"] == "red"
    assert colours["Quay Ferries (ORG: positive)"] == "green"


def test_an_alert_is_a_line_with_its_level_and_what_it_rests_on() -> None:
    alert = make_alert(level="red", watched=True, silenced_by=["s"])
    line = as_line(_record(encode(alert)), Alert)
    for told in (
        "2026-03-02 12:10:00",
        alert.id[:12],
        "red firing",
        "entity/larkmoor",
        "23 of 31, 4.1 expected",
        "watched, silenced",
        "Negative talk of larkmoor surges",
        "“Larkmoor halts withdrawals, [email] says” wire",
    ):
        assert told in line.plain
    colours = {line.plain[span.start : span.end]: span.style for span in line.spans}
    assert colours["red firing"] == "bold red"
    over = as_line(_record(encode(make_alert(status="resolved"))), Alert)
    assert {over.plain[span.start : span.end]: span.style for span in over.spans}["yellow resolved"] == "green"


def test_a_dead_letter_is_a_line_with_personal_data_masked() -> None:
    value = b'{"text": "write to ann.lee@quay.example" \xff' + b" and so on" * 100
    line = as_line(_record(encode(_letter(value))), DeadLetter).plain
    assert "malformed" in line
    assert "news[1]@7" in line
    assert "ann.lee@quay.example" not in line
    assert "write to" in line
    assert len(line) < 250


def test_an_input_is_a_line_with_personal_data_masked() -> None:
    line = as_line(_record(b'{"text": "call +44 20 7946 0958", "source": "desk"}'), Message).plain
    assert "call" in line
    assert "desk" in line
    assert "7946" not in line


ANN = "ann.lee"
BEHAVIOR = Behavior(user=ANN, item="i-1", action="view", time=NOON)
REQUEST = RecommendationRequest(id=f"{ANN}/1", user=ANN, time=NOON, limit=3)
EVENT = ReaderEvent(id="e", user=ANN, topic="behaviors", partition=1, offset=7)
STATE = InterestState(user=ANN, form=2, state=bytes(9), owed="e")
TOLD = Recommendation(
    id=f"{ANN}/1", user=ANN, cause="request", items=[], cold=False, time=NOON, model="encoder:1", ranker="default"
)
TURN = Turn(
    id="t",
    conversation=ANN,
    kind="asked",
    time=NOON,
    message_id="m-1",
    text="Thanks, Ann Lee (ann.lee)",
    author="Ann Lee",
    user=ANN,
)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (BEHAVIOR, ("view", "i-1")),
        (REQUEST, ("[user]/1", "asks for 3")),
        (msgspec.structs.replace(EVENT, behavior=BEHAVIOR), ("behaviors[1]@7", "view", "i-1")),
        (msgspec.structs.replace(EVENT, request=REQUEST), ("behaviors[1]@7", "asks for 3")),
        (STATE, ("9 bytes of state, form 2", "an answer is owed")),
        (TOLD, ("[user]/1", "request")),
        (TURN, ("m-1", "asked", "Thanks, [author] ([user])")),
        (msgspec.structs.replace(TURN, kind="taken_over", by="Dana", text=""), ("taken over by Dana",)),
        (ConversationState(conversation=ANN, form=2, state=bytes(9)), ("9 bytes of state, form 2",)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, msgspec.Struct) else "",
)
def test_whose_a_record_is_stands_in_its_json_alone(record: Struct, told: tuple[str, ...]) -> None:
    line = as_line(_record(encode(record), key=ANN.encode()), type(record)).plain
    assert "ann" not in line.lower().replace("[author]", "").replace("an answer", "")
    assert "2026-03-02 12:00:00" in line
    for words in told:
        assert words in line
    assert ANN.encode() in as_document(_record(encode(record)), meta=False)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"text": "Thanks, Ann Lee", "author": "Ann Lee", "user": ANN}, "Thanks, [author]"),
        ({"text": f"{ANN}: Ann Lee here", "author": {"name": "Ann Lee"}, "user": ANN}, "[user]: [author] here"),
        ({"text": "x", "source": "ann.lee@quay.example"}, "[email]"),
        ({"body": "x", "author": "Ann Lee", "user": ANN}, '{"body":"x","author":"[author]","user":"[user]"}'),
        ({"text": 5, "author": "Ann Lee", "user": ANN}, '{"text":5,"author":"[author]","user":"[user]"}'),
        ({"text": f"Ann Lee{' and so on' * 2000}", "author": "Ann Lee"}, "[author] and so on"),
    ],
)
def test_whom_an_input_names_is_masked_whatever_its_form(value: dict[str, object], told: str) -> None:
    raw = msgspec.json.encode(value)
    for line in (
        as_line(_record(raw), Message).plain,
        as_line(_record(encode(_letter(raw))), DeadLetter).plain,
        # A record that is not as expected.
        as_line(_record(raw), Prediction).plain,
    ):
        assert "ann" not in line.lower()
    assert told in as_line(_record(raw), Message).plain


@pytest.mark.parametrize("kind", [Turn, ConversationState, Reply])
def test_a_conversation_that_is_not_as_expected_is_not_shown(kind: type[Struct]) -> None:
    line = as_line(_record(b'{"conversation": "ann.lee"}'), kind).plain
    assert line.endswith("not as expected on t:  27 bytes")


def test_a_predictions_entity_and_source_are_masked() -> None:
    entity = msgspec.structs.replace(PREDICTION.entities[0], text="@ann_lee", type="PER")
    read = msgspec.structs.replace(PREDICTION, entities=[entity], source="ann.lee@quay.example")
    line = as_line(_record(encode(read)), Prediction).plain
    assert "[user] (PER: positive)" in line
    assert "ann" not in line


@pytest.mark.parametrize("kind", [Prediction, DeadLetter, Message, Alert, Turn, ReaderEvent, InterestState])
@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff\xfe", b"[1]", b'{"text": 5}', b"[" * 100_000])
def test_a_record_that_is_not_as_expected_is_shown_all_the_same(kind: type[Struct], value: bytes | None) -> None:
    assert "2026-03-02 12:00:00" in as_line(_record(value), kind).plain


@pytest.mark.parametrize("timestamp", [1_772_452_800_000_000, 2**62, -(2**62)])
@pytest.mark.parametrize("kind", [Prediction, Message, Silence])
def test_a_record_of_a_time_that_no_calendar_has_is_shown_all_the_same(kind: type[Struct], timestamp: int) -> None:
    record = _record(b'{"text": "Rates held"}')._replace(timestamp=timestamp)
    line = as_line(record, kind).plain
    assert line.startswith("no time")
    assert "Rates held" in line
    assert json.loads(as_document(record, meta=True))["timestamp"] is None


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"])
def test_a_time_that_is_in_no_year_elsewhere_is_shown_all_the_same(time: str) -> None:
    behavior = msgspec.json.encode({"user": "r-1", "item": "i-1", "action": "click", "time": time})
    assert "not as expected on t" in as_line(_record(behavior), Behavior).plain


def test_a_prediction_without_the_score_of_its_sentiment_is_a_line_too() -> None:
    line = as_line(_record(encode(msgspec.structs.replace(PREDICTION, sentiment_scores={}))), Prediction).plain
    assert "negative nan" in line


def test_a_text_cannot_act_on_the_terminal() -> None:
    assert printable("a\x1b[31mred\x07 \u202eback\n\nend [bold]") == "a\ufffd[31mred\ufffd \ufffdback end [bold]"
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert printable(family) == family
    line = as_line(_record(b'{"text": "a\\u001b[2J [bold]b[/bold]"}'), Message)
    assert "\x1b" not in line.plain
    assert "[bold]b[/bold]" in line.plain


def test_a_document_is_the_value_on_one_line() -> None:
    assert as_document(_record(b'{\n "a": 1.00,\n "b": [1]\n}'), meta=False) == b'{"a":1.00,"b":[1]}'
    assert as_document(_record(None), meta=False) == b"null"
    for raw in (b"\xff", b"{", b"", b'"\xff"'):
        assert list(json.loads(as_document(_record(raw), meta=False))) == ["base64"]


def test_a_document_with_meta_tells_where_it_came_from() -> None:
    document = json.loads(as_document(_record(b"{}", (("ce_id", b"x"), ("raw", b"\xff")), b"\xfe"), meta=True))
    assert document == {
        "topic": "t",
        "partition": 2,
        "offset": 5,
        "timestamp": "2026-03-02T12:00:00Z",
        "key": {"base64": "/g=="},
        "headers": {"ce_id": "x", "raw": {"base64": "/w=="}},
        "value": {},
    }


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """What is tested here is the same on every broker; reading from now on is tested on both."""
    return tansu_broker


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clean_environment: None) -> Tocsin:
    return Tocsin(monkeypatch, capsys)


def test_an_unknown_topic_is_refused_with_what_there_is(tocsin: Tocsin) -> None:
    outcome = tocsin("watch", "predictons")
    assert outcome.code == 2
    assert "predictions" in outcome.err
    assert "dead-letters" in outcome.err


def test_meta_is_for_json(tocsin: Tocsin) -> None:
    assert tocsin("watch", "predictions", "--meta").code == 2


@pytest.mark.integration
def test_short_names_full_names_and_inputs_at_once(tocsin: Tocsin, stream_settings: Settings) -> None:
    news = next(iter(stream_settings.topics.inputs))
    predictions, letters = predictions_topic(stream_settings.topics), dead_letters_topic(stream_settings.topics)
    produce(stream_settings, predictions, [(b"m-1", encode(PREDICTION), [("ce_id", b"p")])])
    produce(stream_settings, letters, [(b"news", encode(_letter(b"\xff")), [])])
    produce(stream_settings, news, [(b"m-1", b'{"text": "Ferry firm halts sailings"}', [])])
    command = ["watch", "predictions", letters, news, "--from-beginning", "--limit", 3]
    as_json = tocsin.under(stream_settings)(*command, "--json", "--meta")
    assert as_json.code == 0, as_json.err
    documents = {document["topic"]: document for document in map(json.loads, as_json.out.splitlines())}
    assert set(documents) == {predictions, letters, news}
    assert documents[predictions]["value"]["sentiment"] == "negative"
    assert documents[predictions]["headers"] == {"ce_id": "p"}
    for_people = tocsin(*command)
    assert for_people.code == 0
    assert len(for_people.out.splitlines()) == 3
    assert "negative 0.80" in for_people.out


@pytest.mark.integration
def test_nothing_within_the_timeout_is_3_and_something_is_0(tocsin: Tocsin, stream_settings: Settings) -> None:
    produce(stream_settings, predictions_topic(stream_settings.topics), [(b"m-1", encode(PREDICTION), [])])
    watch = ["watch", "predictions", "--json"]
    assert tocsin.under(stream_settings)(*watch, "--timeout", "0.5").code == 3
    # What is there may be fetched late on a busy machine.
    found = tocsin(*watch, "--timeout", "5", "--from-beginning")
    assert found.code == 0
    assert json.loads(found.out)["message_id"] == "m-1"


@pytest.mark.integration
def test_what_comes_from_now_on_is_shown_until_stopped(stream_settings: Settings) -> None:
    topic = predictions_topic(stream_settings.topics)
    produce(stream_settings, topic, [(b"old %d" % number, b'{"old": true}', []) for number in range(50)])
    with run_tocsin(["watch", "predictions", "--json"], settings_env(stream_settings)) as process:
        wait_for(lambda: "from now on" in process.stderr, what="for the watch to begin")
        produce(stream_settings, topic, [(b"new", encode(PREDICTION), [])])
        wait_for(lambda: process.stdout.endswith("\n"), what="for the prediction")
        process.popen.send_signal(signal.SIGINT)
        assert process.wait() == 0, process.stderr
        (line,) = process.stdout.splitlines()
    assert json.loads(line)["message_id"] == "m-1"


@pytest.mark.integration
def test_a_broker_that_dies_is_told_once_and_so_is_its_return(clean_environment: None) -> None:
    with TansuBroker() as own:
        settings = Settings(kafka=KafkaSettings(bootstrap_servers=own.bootstrap_servers))
        topic = predictions_topic(settings.topics)

        def make_topics() -> None:
            with admin_client(settings.kafka) as admin:
                create_topics(admin, all_topics(settings))

        make_topics()
        with run_tocsin(["watch", "predictions", "--json"], settings_env(settings)) as process:
            wait_for(lambda: "from now on" in process.stderr, what="for the watch to begin")
            own.kill()
            wait_for(lambda: "is away" in process.stderr, what="for the death to be told")
            own.start()
            wait_for(lambda: "is back" in process.stderr, what="for the return to be told")
            make_topics()
            produce(settings, topic, [(b"new", encode(PREDICTION), [])])
            wait_for(lambda: process.stdout.endswith("\n"), what="for the prediction")
            process.popen.send_signal(signal.SIGINT)
            assert process.wait() == 0, process.stderr
            told = [line for line in process.stderr.splitlines() if line.startswith("the broker at")]
        place = own.bootstrap_servers
        assert told == [f"the broker at {place} is away: waiting for it", f"the broker at {place} is back"]
