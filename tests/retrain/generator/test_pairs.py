from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from retrain.generator.pairs import PAIR_PARTS, Pair, Pairs, pairs_of, split
from streams.contract.labels import Label
from streams.contract.replies import Document

if TYPE_CHECKING:
    from retrain.generator.pairs import PairPart

pytestmark = pytest.mark.train

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = (
    *("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath"),
    *("inlet", "jetty", "knoll", "larch", "marsh", "north", "ocean", "plain"),
)


def label(message_id: str = "m", reply: str | None = "Look at your account.", **changed: Any) -> Label:  # noqa: ANN401
    usual: dict[str, Any] = {"labeller": "ann", "time": NOW, "text": "where is it", "kind": "customer"}
    return Label(message_id=message_id, reply=reply, topics=["service"], **usual | changed)


def many(count: int) -> list[Pair]:
    return [
        Pair(
            id=str(number),
            question=f"{WORDS[number % 16]} {WORDS[number // 16 % 16]} {number} question of mine",
            answer=f"{number} {WORDS[number // 16 % 16]} answer {WORDS[number % 16]} yours",
        )
        for number in range(count)
    ]


def part_of(pairs: Pairs, id_: str) -> PairPart:
    return next(part for part in PAIR_PARTS if any(pair.id == id_ for pair in getattr(pairs, part)))


def test_documents_with_a_question_and_customers_labels_with_a_reply_are_pairs() -> None:
    page = Document(id="page", text="A page.", time=NOW)
    answer = Document(id="faq", text=" It is free. ", question="what does it cost", topics=["fees"], time=NOW)
    found = pairs_of([label(), label("n", reply=None), label("o", kind="news")], [page, answer])
    assert [(pair.id, pair.question, pair.answer, pair.topic) for pair in found] == [
        ("faq", "what does it cost", "It is free.", "fees"),
        ("label:m", "where is it", "Look at your account.", "service"),
    ]


def test_the_latest_reply_to_a_message_counts() -> None:
    later = label(labeller="bob", time=datetime(2026, 1, 2, tzinfo=UTC), reply="Later.")
    assert [pair.answer for pair in pairs_of([later, label()], [])] == ["Later."]


def test_personal_data_is_masked_in_questions_and_keeps_a_reply_out() -> None:
    asked = label(text="write to mara@larkmoor.example")
    told = label("n", reply="I wrote to mara@larkmoor.example.")
    assert [(pair.id, pair.question) for pair in pairs_of([asked, told], [])] == [("label:m", "write to [email]")]


def test_near_duplicates_are_never_in_two_parts() -> None:
    pairs = many(200)
    # The answer of one is nearly that of another, and its question nearly that of a third.
    pairs += [
        Pair(id=f"near:{number}", question=f"{pairs[number].question} please", answer=f"{pairs[number + 1].answer} now")
        for number in range(0, 200, 2)
    ]
    made = split(pairs)
    for number in range(0, 200, 2):
        parts = {part_of(made, id_) for id_ in (str(number), f"near:{number}", str(number + 1))}
        assert len(parts) == 1


def test_parts_do_not_depend_on_the_order_and_stay_as_pairs_come() -> None:
    pairs = many(120)
    made = split(pairs)
    assert split(pairs[::-1]) == made
    fewer = split(pairs[:60])
    assert all(part_of(made, pair.id) == part for part in PAIR_PARTS for pair in getattr(fewer, part))


def test_about_a_fifth_is_kept_for_the_gate_and_none_where_nothing_is_to_be_kept() -> None:
    made = split(many(250))
    assert 25 <= len(made.frozen) <= 75
    assert made.validation
    assert not split(many(250), keep=False).frozen


def test_pairs_come_back_as_they_were_written() -> None:
    made = split(many(20), {0: 7}, [Document(id="page", text="A page.", time=NOW)])
    assert Pairs.decode(made.encode()) == made
    assert Pairs.decode(made.encode()).sha256 == made.sha256


@pytest.mark.parametrize("pairs", [[], many(1)])
def test_few_pairs_are_no_error(pairs: list[Pair]) -> None:
    made = split(pairs)
    assert sum(len(getattr(made, part)) for part in PAIR_PARTS) == len(pairs)
