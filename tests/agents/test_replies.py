"""The agent's order of work, on a publisher that remembers: replies, then state, then the acknowledgement."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
from prometheus_client import CollectorRegistry
from support.replies import Found, turn

from exporters.reply_metrics import ReplyMetrics
from streams.agents.replies import _count, add_replies
from streams.contract.domain import load_domain
from streams.contract.replies import Reply
from streams.contract.service_settings import RepliesSettings
from streams.contract.settings import Settings
from streams.logic.replies.deciding import Draft
from streams.worker.answering import Answering, Answers, Told
from streams.worker.application import build_application
from streams.worker.conversations import Conversations
from streams.worker.drafting import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.contract.outgoing import Output
    from streams.contract.replies import Turn
    from streams.logic.replies.verdicts import Plan, Rules

SETTINGS = Settings(replies=RepliesSettings(send_score=0.7, min_score=0.5, max_waiting=4))
DOMAIN = load_domain("finance")


class Library:
    def search(self, texts: Sequence[str], limit: int, **_: object) -> list[list[Found]]:
        return [[Found()][:limit] for _ in texts]


class Drafting:
    """No generator, but it takes until it is let go."""

    batch = 2

    def __init__(self) -> None:
        self.is_writing = threading.Event()
        self.go_on = threading.Event()

    def replies(self, asked: Sequence[tuple[Turn, str, Plan]], _: Rules, **__: object) -> Sequence[Written | None]:
        self.is_writing.set()
        self.go_on.wait(10)
        return [None] * len(asked)


class Publisher:
    def __init__(self, log: list[str], refuses: Callable[[Output], bool]) -> None:
        self.log = log
        self.refuses = refuses
        self.replies: list[Reply] = []

    async def publish(self, outputs: Sequence[Output]) -> list[Output]:
        refused = [output for output in outputs if self.refuses(output)]
        for output in outputs:
            if output in refused:
                continue
            self.log.append(output.topic)
            if output.topic == "tocsin.replies":
                self.replies.append(msgspec.json.decode(output.value or b"", type=Reply))
        return refused


class Event:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    def ack(self) -> None:
        self.log.append("ack")


class Agent:
    """An agent without a broker: turns are put into its line."""

    def __init__(self, refuses: Callable[[Output], bool] = lambda _: False) -> None:
        self.log: list[str] = []
        self.publisher = Publisher(self.log, refuses)
        self.drafting = Drafting()
        self.fatal: list[BaseException] = []
        self.metrics = ReplyMetrics(CollectorRegistry())
        conversations = Conversations(SETTINGS, lambda _: [])
        answering = Answering(SETTINGS, DOMAIN, conversations, Library(), self.drafting)  # type: ignore[arg-type]
        self.line = add_replies(
            build_application(SETTINGS),
            answering,
            self.publisher,  # type: ignore[arg-type]
            SETTINGS,
            self.metrics,
            self.fatal.append,
            executor=ThreadPoolExecutor(1),
            is_ready=lambda: True,
        )

    def tell(self, number: int, **changes: Any) -> None:  # noqa: ANN401
        changes = {"message_id": f"message-{number}", "conversation": f"talk {number}"} | changes
        said = msgspec.structs.replace(turn(id_=f"turn-{number}"), **changes)
        self.line.put(Told(Event(self.log), "place", 0, time.time(), said), 0, time.time())

    def run(self, act: Callable[[], None] = lambda: None) -> list[Reply]:
        """Start, act while the first drafts are written, and finish."""

        async def main() -> None:
            self.line.start()
            async with asyncio.timeout(10):
                await asyncio.to_thread(self.drafting.is_writing.wait)
                act()
                self.drafting.go_on.set()
                while self.line.in_flight:  # noqa: ASYNC110  a figure does not tell
                    await asyncio.sleep(0.001)
            await self.line.close()

        asyncio.run(main())
        assert not self.fatal
        return self.publisher.replies


def test_replies_are_published_then_the_state_and_then_turns_are_acknowledged() -> None:
    agent = Agent()
    agent.tell(1)
    agent.tell(2)
    replies = agent.run()
    assert [reply.action for reply in replies] == ["send", "send"]
    assert agent.log == ["tocsin.replies"] * 2 + ["tocsin.conversations"] * 2 + ["ack"] * 2


def test_a_person_who_takes_over_while_drafts_are_written_is_heeded_before_they_are_published() -> None:
    agent = Agent()
    agent.tell(1, conversation="a")
    agent.tell(2, conversation="b")
    replies = agent.run(lambda: agent.tell(3, conversation="a", kind="taken_over", by="ann", prediction=None))
    assert [(reply.action, reply.reason) for reply in replies] == [("handoff", "taken_over"), ("send", "answered")]


def test_a_person_who_hands_back_at_once_has_not_taken_over() -> None:
    agent = Agent()
    agent.tell(1, conversation="a")

    def act() -> None:
        agent.tell(2, conversation="a", kind="taken_over", by="ann", prediction=None)
        agent.tell(3, conversation="a", kind="handed_back", by="ann", prediction=None)

    assert [reply.action for reply in agent.run(act)] == ["send"]


def test_what_comes_beyond_the_room_goes_to_people_in_order_and_every_message_has_its_reply() -> None:
    agent = Agent()
    agent.tell(1)
    replies = agent.run(lambda: [agent.tell(number) for number in range(2, 20)] and None)
    assert [reply.message_id for reply in replies] == [f"message-{number}" for number in range(1, 20)]
    overloaded = [reply.reason for reply in replies].count("overload")
    assert overloaded == 19 - 1 - SETTINGS.replies.max_waiting
    shown = agent.metrics.replies.labels("handoff", "overload")._value.get()
    assert shown == overloaded


def test_a_reply_that_the_brokers_refuse_as_too_large_leaves_one_without_text() -> None:
    agent = Agent(refuses=lambda output: b"working days" in (output.value or b"") and output.topic == "tocsin.replies")
    agent.tell(1)
    (reply,) = agent.run()
    assert (reply.action, reply.text) == ("handoff", "")
    assert agent.log == ["tocsin.replies", "tocsin.conversations", "ack"]
    assert agent.metrics.replies.labels("handoff", "generator_failed")._value.get() == 1
    assert agent.metrics.replies.labels("send", "answered")._value.get() == 0


def test_a_generator_that_failed_has_taken_no_time() -> None:
    metrics = ReplyMetrics(CollectorRegistry())
    for seconds in (0.0, 2.5):
        _count([], Answers(written=[Written(Draft(""), "generator:1", seconds=seconds)]), metrics)
    assert metrics.generator_seconds._sum.get() == 2.5
    assert sum(bucket.get() for bucket in metrics.generator_seconds._buckets) == 1


def test_a_record_that_is_no_turn_is_acknowledged_and_counted() -> None:
    agent = Agent()
    agent.line.put(Told(Event(agent.log), "place", 0, time.time(), None), 0, time.time())
    agent.tell(1)
    agent.run()
    assert agent.log.count("ack") == 2
    assert agent.metrics.unreadable._value.get() == 1
