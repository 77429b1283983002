"""Customers are answered by real workers over a real broker: from documents, in time, once, and never over a person."""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from support.messages import consume_all, produce
from support.processes import run_tocsin, settings_env, wait_for
from support.streams import Feed, read_predictions, worker

from streams.brokers import client
from streams.contract.domain import load_domain
from streams.contract.ids import derived_id
from streams.contract.records import encode
from streams.contract.replies import Document, Reply, Turn
from streams.contract.service_settings import GeneratorSettings, RepliesSettings
from streams.contract.settings import EnrichSettings
from streams.contract.topics import conversations_topic, documents_topic, replies_topic, turns_topic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kafka.consumer.fetcher import ConsumerRecord
    from support.streams import Worker

    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
# What does not depend on the broker is tried on the faster one.
on_tansu = pytest.mark.parametrize("broker", ["tansu_broker"], indirect=True)

SLOW = "support.slow_generator"
QUESTION = "How do I order a new debit card after I lost mine?"
ANSWER = "Open the app, choose Cards and then Replace."


@pytest.fixture
def reply_settings(stream_settings: Settings, tmp_path: Path) -> Settings:
    """A domain in which every topic may be answered alone, and settings under which any intent is sure enough."""
    finance = load_domain("finance")
    text = (finance.folder / "domain.toml").read_text()
    text = re.sub(r"(?m)^alone = .*$", f"alone = {list(finance.topic_names)}", text)
    text = re.sub(r"(?m)^person = \[(?!\").*$|^person = \[\"fraud.*$", "person = []", text)
    folder = tmp_path / "domain"
    folder.mkdir()
    (folder / "domain.toml").write_text(text)
    replies = RepliesSettings(enabled=True, send_intent=0.0, send_gap=0.0, deadline_seconds=15.0)
    return stream_settings.model_copy(update={"replies": replies, "domain": str(folder)})


def publish_answer(settings: Settings, *workers: Worker) -> None:
    """Publish the document, and wait until each worker can find it."""
    document = Document(id="new-card", text=ANSWER, question=QUESTION, time=datetime(2026, 1, 1, tzinfo=UTC))
    produce(settings, documents_topic(settings.topics), [(b"new-card", encode(document), [])])
    for each in workers:
        wait_for(lambda each=each: each.metric("tocsin_documents") == 1, what="for the document")


def customer_topic(settings: Settings) -> str:
    return next(topic for topic, kind in settings.topics.inputs.items() if kind == "customer")


def asked(number: int, text: str = QUESTION, **more: Any) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:  # noqa: ANN401
    message = {"id": str(number), "text": text, "conversation": f"talk {number}", **more}
    return str(number).encode(), msgspec.json.encode(message), []


def replies(settings: Settings, messages: int, timeout: float = 60.0) -> dict[str, Reply]:
    """The reply to each message, once so many have one; what was told twice has one id."""

    def enough(records: Sequence[ConsumerRecord]) -> bool:
        return len({msgspec.json.decode(record.value)["message_id"] for record in records}) >= messages

    found: dict[str, Reply] = {}
    for record in consume_all(settings, replies_topic(settings.topics), enough, timeout):
        reply = msgspec.json.decode(record.value, type=Reply)
        assert record.key.decode() == reply.conversation
        assert dict(record.headers)["ce_id"].decode() == reply.id
        assert found.setdefault(reply.message_id, reply).id == reply.id
    return found


def test_a_question_is_answered_from_a_document_that_came_while_the_worker_ran(reply_settings: Settings) -> None:
    settings = reply_settings
    with worker(settings) as running:
        running.wait_until_ready()
        publish_answer(settings, running)
        topic = customer_topic(settings)
        produce(settings, topic, [asked(1), asked(2, "Why is the sky over the harbour so very blue on Sundays?")])
        produce(settings, topic, [asked(3, f"{QUESTION} My lawyer will write to you.", user="ann", conversation=None)])
        # It has waited in its topic, as behind a worker that was away: whoever answers it now does so late.
        key, value, _ = asked(4)
        with client.producer(settings.kafka) as sender:
            sender.send(topic, key=key, value=value, timestamp_ms=int((time.time() - 600) * 1000)).get(timeout=10)
        found = replies(settings, 4)
        assert (found["4"].action, found["4"].reason) == ("handoff", "overload")
        assert (found["1"].action, found["1"].text, found["1"].evidence) == ("send", ANSWER, ["new-card"])
        assert (found["1"].reason, found["1"].origin) == ("answered", "retrieved")
        assert (found["2"].action, found["2"].reason) == ("handoff", "no_evidence")
        assert (found["3"].action, found["3"].reason, found["3"].conversation) == ("handoff", "legal", "ann")
        sent = 'tocsin_replies_total{action="send",reason="answered"}'
        wait_for(lambda: running.metric(sent) == 1, what="for the metric")
        assert running.process.terminate() == 0, running.process.stderr
    assert len(consume_all(settings, conversations_topic(settings.topics), 4)) == 4


@on_tansu
def test_a_slow_generator_holds_up_nobody_and_what_is_too_much_goes_to_people(reply_settings: Settings) -> None:
    replies_settings = reply_settings.replies.model_copy(update={"max_waiting": 8, "deadline_seconds": 16.0})
    # Few enough in Faust's buffers that an intake of turns which waits would hold up every other topic.
    enrich = EnrichSettings(batch_max=4)
    settings = reply_settings.model_copy(
        update={"replies": replies_settings, "generator": GeneratorSettings(batch=2), "enrich": enrich}
    )
    news = next(topic for topic, kind in settings.topics.inputs.items() if kind == "news")
    # A batch takes longer than a reading may on a busy machine, and less than half of the deadline. That half is given
    # to a late draft, too: none is cut off.
    with worker(settings, SLOW, SLOW_GENERATOR="7.0") as running:
        running.wait_until_ready()
        publish_answer(settings, running)
        # From 0 on are the feed's.
        produce(settings, customer_topic(settings), [asked(1000 + number) for number in range(60)])
        with Feed(settings, news, per_second=20) as feed:
            waited: list[bool] = []

            def is_seen() -> bool:
                waited.append(running.metric("tocsin_replies_waiting_messages") > 0)
                return waited.count(True) > 10 and len(feed.acknowledged) >= 100

            wait_for(is_seen, 30, every=0.1, what="for turns that wait while the feed is read")
        found = replies(settings, 60)
        predictions = read_predictions(settings, 60 + len(feed.acknowledged))
        assert running.process.terminate() == 0, running.process.stderr
    told = {record.key.decode(): record.timestamp / 1000 for record in predictions}
    # Held up, they would have waited for several batches of the generator.
    assert max(told[message] - sent for message, sent in feed.acknowledged.items()) < 4.0
    reasons = Counter((reply.action, reply.reason) for reply in found.values())
    assert set(reasons) == {("send", "answered"), ("handoff", "overload")}
    assert reasons["send", "answered"] >= 2
    assert reasons["handoff", "overload"] >= 48
    assert len({reply.id for reply in found.values()}) == 60


def test_nothing_is_lost_or_answered_twice_when_one_of_two_workers_is_killed(reply_settings: Settings) -> None:
    settings = reply_settings.model_copy(update={"generator": GeneratorSettings(batch=1)})
    waiting = "tocsin_replies_waiting_messages"
    with worker(settings, SLOW, SLOW_GENERATOR="0.2") as doomed:
        doomed.wait_until_ready()
        publish_answer(settings, doomed)
        produce(settings, customer_topic(settings), [asked(number) for number in range(60)])
        wait_for(lambda: doomed.metric(waiting) > 4, what="for turns in hand", every=0.01)
        # It joins while turns wait.
        with worker(settings, SLOW, SLOW_GENERATOR="0.2") as survivor:
            # Of three inputs, of signals and of turns.
            survivor.wait_until_ready(10)
            publish_answer(settings, survivor)
            produce(settings, customer_topic(settings), [asked(number) for number in range(60, 120)])
            wait_for(lambda: doomed.metric(waiting) > 4, what="for turns in hand", every=0.01)
            doomed.process.kill()
            found = replies(settings, 120, timeout=90.0)
            assert survivor.process.terminate() == 0, survivor.process.stderr
    turns = {
        turn.message_id: turn
        for record in consume_all(settings, turns_topic(settings.topics), 120)
        for turn in [msgspec.json.decode(record.value, type=Turn)]
    }
    assert {message: reply.id for message, reply in found.items()} == {
        message: derived_id(turn.id, "reply") for message, turn in turns.items()
    }


@on_tansu
def test_a_person_who_takes_over_while_a_draft_is_written_is_not_spoken_over(
    reply_settings: Settings, tmp_path: Path
) -> None:
    # So long that the drafts outlast the start of a command on any machine; and a worker must outlast its drafts.
    settings = reply_settings.model_copy(
        update={
            "replies": reply_settings.replies.model_copy(update={"deadline_seconds": 50.0}),
            "worker": reply_settings.worker.model_copy(update={"shutdown_timeout_seconds": 60.0}),
        }
    )
    written = tmp_path / "written"
    waiting = "tocsin_replies_waiting_messages"

    def tocsin(*args: str) -> None:
        with run_tocsin(["replies", *args, "--by", "ann"], settings_env(settings)) as command:
            assert command.wait() == 0, command.stderr

    with worker(settings, SLOW, SLOW_GENERATOR_UNTIL=str(written)) as running:
        running.wait_until_ready()
        publish_answer(settings, running)
        produce(settings, customer_topic(settings), [asked(1, conversation="a"), asked(2, conversation="b")])
        wait_for(lambda: running.metric(waiting) == 2, what="for drafts", every=0.01)
        tocsin("take-over", "a")
        wait_for(lambda: running.metric(waiting) == 3, what="for the worker to hear of it")
        written.touch()
        found = replies(settings, 2)
        assert (found["1"].action, found["1"].reason, found["1"].text) == ("handoff", "taken_over", "")
        assert found["2"].action == "send"
        produce(settings, customer_topic(settings), [asked(3, "And what does it cost?", conversation="a")])
        assert replies(settings, 3)["3"].reason == "taken_over"
        tocsin("hand-back", "a")
        produce(settings, customer_topic(settings), [asked(4, conversation="a")])
        assert replies(settings, 4)["4"].action == "send"
