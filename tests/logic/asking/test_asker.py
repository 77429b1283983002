"""What is asked: within the budget, for each reason in its turn, no near-copies, and nobody's personal data."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from support.readings import SURE, TIME, entity, seen

from streams.contract.ids import output_id
from streams.contract.labels import LabelRequest, RequestReason
from streams.contract.model_settings import LabelsSettings
from streams.logic.asking.asker import Asker, Candidate, Seen, label_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOUR = 3600.0
TORN = {"negative": 0.46, "neutral": 0.1, "positive": 0.44}
BAD = {"negative": 0.9, "neutral": 0.06, "positive": 0.04}


def asker(per_hour: int = 60, random_share: float = 0.25) -> Asker:
    settings = LabelsSettings(requests_per_hour=per_hour, random_share=random_share)
    return Asker(settings, random.Random(3), 0.0, multi_label=False)


def take(one: Asker, now: float) -> list[Candidate]:
    found = [candidate for candidate in (one.control(now), one.chosen(now)) if candidate is not None]
    for candidate in found:
        one.asked(candidate, None)
    return found


def run(one: Asker, messages: Callable[[int], Iterator[Seen]], hours: float = 1.0) -> list[Candidate]:
    """An hour of a stream, second by second."""
    found = []
    for second in range(1, int(hours * HOUR) + 1):
        for message in messages(second):
            one.see(message, float(second))
        found += take(one, float(second))
    return found


def mixed(second: int) -> Iterator[Seen]:
    """Of three messages one is doubted and one contradicts itself."""
    yield seen(f"Acme {second} is well.")
    yield seen(f"Acme {second} is so so.", sentiment_scores=TORN)
    text = f"Acme {second} loses."
    yield seen(text, entity(text, "Acme", BAD), sentiment_scores=SURE)


def test_the_budget_holds_and_a_share_of_it_is_by_lot() -> None:
    found = run(asker(), mixed)
    reasons = Counter(candidate.reason for candidate in found)
    assert len(found) == pytest.approx(60, abs=2)
    assert reasons["random"] == pytest.approx(15, abs=1)


def test_each_reason_has_its_turn_and_each_head_too() -> None:
    def messages(second: int) -> Iterator[Seen]:
        yield from mixed(second)
        yield seen(f"Beta {second}.", topic_scores={"earnings": 0.5, "markets": 0.5})

    one = asker(per_hour=240, random_share=0.0)
    found = run(one, messages, hours=0.5)
    reasons = Counter(candidate.reason for candidate in found)
    assert reasons["uncertain"] == pytest.approx(reasons["contested"], abs=1)
    doubted = Counter("Beta" in candidate.seen.message.text for candidate in found if candidate.reason == "uncertain")
    assert doubted[True] == pytest.approx(doubted[False], abs=1)


def test_a_stream_without_doubts_is_asked_by_lot_alone() -> None:
    found = run(asker(), lambda second: iter([seen(f"Acme {second} is well.")]))
    assert {candidate.reason for candidate in found} == {"random"}
    assert len(found) == pytest.approx(15, abs=1)


def test_the_most_doubtful_comes_first() -> None:
    one = asker(per_hour=3600, random_share=0.0)
    for lead in (0.3, 0.1, 0.2):
        scores = {"negative": 0.5 + lead / 2, "neutral": 0.0, "positive": 0.5 - lead / 2}
        one.see(seen(f"a lead of {lead}", sentiment_scores=scores), 0.0)
    scores = [candidate.score for now in (1.0, 2.0, 3.0) for candidate in take(one, now)]
    assert scores == pytest.approx([0.9, 0.8, 0.7])


def test_what_is_far_from_all_is_asked_as_novel() -> None:
    one = asker(per_hour=3600, random_share=0.0)
    one.see_novel(seen("never heard of"), 0.8, 0.0)
    (candidate,) = take(one, 1.0)
    assert (candidate.reason, candidate.score) == ("novel", 0.8)


def test_a_text_is_asked_once_however_often_it_comes() -> None:
    one = asker(per_hour=3600, random_share=0.0)
    found = run(one, lambda _: iter([seen("Acme: so, so!", sentiment_scores=TORN)]), hours=0.1)
    assert len(found) == 1


def test_what_is_asked_for_one_reason_is_not_asked_for_another() -> None:
    one = asker(per_hour=3600, random_share=0.0)
    doubted = seen("so so", sentiment_scores=TORN, topic_scores={"earnings": 0.5, "markets": 0.5})
    one.see(doubted, 0.0)
    one.see_novel(doubted, 0.9, 0.0)
    assert [len(take(one, float(now))) for now in range(1, 4)] == [1, 0, 0]


def test_a_near_copy_is_known_by_its_vector_and_costs_nothing() -> None:
    one = asker(per_hour=3600, random_share=0.0)
    rng = np.random.default_rng(1)
    first = rng.normal(size=8).astype(np.float32)
    first /= np.linalg.norm(first)
    for text in ("one", "two", "three"):
        one.see(seen(text, sentiment_scores=TORN), 0.0)
    candidate = one.chosen(1.0)
    assert candidate is not None
    one.asked(candidate, first)
    assert one.is_near_copy(first)
    assert not one.is_near_copy(-first)
    passed_over = one.chosen(2.0)
    assert passed_over is not None
    # Not asked: the next one is to be had at once.
    assert one.chosen(2.0) is not None


def test_a_control_is_drawn_from_all_that_came_whatever_was_asked() -> None:
    drawn: Counter[str] = Counter()
    for seed in range(400):
        settings = LabelsSettings(requests_per_hour=3600, random_share=1.0)
        one = Asker(settings, random.Random(seed), 0.0, multi_label=False)
        for text in ("a", "b", "c", "b"):
            one.see(seen(text, sentiment_scores=TORN), 0.5)
        control = one.control(1.0)
        assert control is not None
        drawn[control.seen.message.text] += 1
    assert drawn["b"] == pytest.approx(200, abs=50)
    assert drawn["a"] == pytest.approx(100, abs=45)


def test_another_version_asks_anew() -> None:
    one = asker(per_hour=3600, random_share=0.5)
    one.see(seen("so so", sentiment_scores=TORN), 0.0)
    one.forget_readings()
    assert take(one, 10.0) == []


def request(one: Seen, reason: RequestReason = "uncertain") -> LabelRequest:
    return label_request(Candidate(one, "f", reason, 0.5), TIME)


def test_a_request_holds_the_masked_text_and_entities_at_their_places_in_it() -> None:
    text = "Ann Lee (ann.lee@example.com, +44 20 7946 0958) says Acme lost 4111 1111 1111 1111 to Beta."
    one = seen(
        text,
        entity(text, "Ann Lee", type_="PER"),
        entity(text, "example.com"),
        entity(text, "Acme", BAD),
        entity(text, "Beta"),
        author="Ann Lee",
        source="Wire ann@example.com",
    )
    made = request(one)
    assert made.text == "[author] ([email], [phone]) says Acme lost [card] to Beta."
    assert [(made.text[one.start : one.end], one.sentiment) for one in made.entities] == [
        ("Acme", "negative"),
        ("Beta", "positive"),
    ]
    assert made.source == "Wire [email]"


def test_a_request_says_what_the_model_made_of_it() -> None:
    one = seen("Why so?", kind="customer", intent_scores={"question": 0.6, "complaint": 0.4})
    made = request(one, "random")
    record = one.record
    assert made.id == output_id(record.topic, record.partition, record.offset, "label-request")
    assert (made.message_id, made.kind, made.reason, made.model) == (one.message.id, "customer", "random", "encoder:1")
    assert (made.topics, made.sentiment, made.sentiment_score, made.intent) == (
        ["earnings"], "positive", 0.95, "question",
    )  # fmt: skip


def test_every_reason_can_be_asked() -> None:
    for reason in get_args(RequestReason):
        assert request(seen("x"), reason).reason == reason
