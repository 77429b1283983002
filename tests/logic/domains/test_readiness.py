"""Whatever makes a first model impossible, wrong or weak is found, with its place; what is right is left in peace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from streams.contract.domain import Domain, Entities, Label
from streams.contract.examples import Example, parse_marked
from streams.contract.replies import Document
from streams.contract.reply_rules import ReplyRules, Words
from streams.logic.domains.answers import check_answers
from streams.logic.domains.counts import FEW, check_counts, count_labels, distinct
from streams.logic.domains.finding import Placed
from streams.logic.domains.names import check_names
from streams.logic.domains.texts import check_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.contract.records import Sentiment, SourceKind
    from streams.logic.domains.finding import Finding

NOW = "2026-01-01T00:00:00Z"


def domain(**changes: object) -> Domain:
    given: dict[str, object] = {
        "name": "rail",
        "title": "Rail",
        "topics": (Label(name="delays", title="Delays"), Label(name="works", title="Works")),
        "intents": (Label(name="refund", title="Refund"), Label(name="person", title="Person")),
        "entities": Entities(types=("ORG", "LOC")),
        "folder": Path(),
    }
    return Domain.model_validate({**given, **changes})


def example(
    marked: str,
    *,
    topic: str = "delays",
    kind: SourceKind = "news",
    sentiment: Sentiment = "negative",
    intent: str | None = None,
) -> Example:
    text, entities = parse_marked(marked)
    return Example(text=text, kind=kind, topics=(topic,), sentiment=sentiment, intent=intent, entities=entities)


def placed(*examples: Example) -> list[Placed]:
    return [Placed(f"seed/news.tsv:{number}", one) for number, one in enumerate(examples, 2)]


def told(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.level, finding.place, finding.problem) for finding in findings]


def test_nothing_is_said_of_good_marks_in_any_script() -> None:
    good = placed(
        example("[Ostrail](ORG:negative)'s trains late in [St. Orm](LOC:neutral)-on-Sea"),
        example("\u6628\u5929[\u5317\u5c71\u94c1\u8def](ORG:negative)\u665a\u70b9\u4e86"),
        example("see (and read) [@ostrail](ORG:neutral) https://t.co/x (again)"),
    )
    assert told(check_texts(good)) == []


@pytest.mark.parametrize(
    ("marked", "level", "problem"),
    [
        ("[Ost](ORG:negative)rail is late", "error", "ends within a word"),
        ("Nord[rail](ORG:negative) is late", "error", "ends within a word"),
        ("[Ostrail ](ORG:negative) is late", "warning", "takes in what is not of the name"),
        ('["Ostrail"](ORG:negative) is late', "warning", "takes in what is not of the name"),
        ("[Ostrail] (the railway) is late", "error", "a mark that is not read as one"),
        ("Ostrail (ORG) is late", "error", "a mark that is not read as one"),
        ("[Ostrail](/org) is late", "error", "a mark that is not read as one"),
        ("EXAMPLE: anything", "error", "a line of the skeleton"),
    ],
)
def test_a_fault_of_a_text_is_told(marked: str, level: str, problem: str) -> None:
    ((found, place, said),) = told(check_texts(placed(example(marked))))
    assert (found, place) == (level, "seed/news.tsv:2")
    assert problem in said


def test_equal_texts_are_told_and_contradictions_are_errors() -> None:
    one = example("late again")
    assert told(check_texts(placed(one, example("Late, again!"))))[0][:2] == ("warning", "seed/news.tsv:3")
    assert told(check_texts(placed(one, example("late again", kind="social"))))[0][0] == "note"
    assert told(check_texts(placed(one, example("late again", topic="works"))))[0][0] == "error"
    assert told(check_texts(placed(one, example("late again", sentiment="neutral"))))[0][0] == "error"
    customer = example("late again", kind="customer", intent="refund")
    assert told(check_texts(placed(one, customer)))[0][0] == "note"
    other = example("late again", kind="customer", intent="person")
    assert told(check_texts(placed(customer, other)))[0][0] == "error"


def test_intents_are_customers_alone() -> None:
    ((level, _, problem),) = told(check_texts(placed(example("late", intent="refund"))))
    assert (level, problem) == ("warning", "an intent in a file of news")


def test_labels_are_counted_in_the_order_of_outputs_and_each_text_once() -> None:
    rows = placed(
        example("[Ostrail](ORG:negative) and [Nordbahn](ORG:positive) late"),
        example("LATE: Ostrail and Nordbahn late"),
        example("ostrail and nordbahn late!"),
        example("works on the line", topic="works", kind="customer", intent="refund", sentiment="neutral"),
    )
    examples = distinct(rows)
    counts = {(one.head, one.label): one.examples for one in count_labels(domain(), examples)}
    assert list(counts) == [
        *(("topic", "delays"), ("topic", "works")),
        *(("sentiment", "negative"), ("sentiment", "neutral"), ("sentiment", "positive")),
        *(("intent", "refund"), ("intent", "person")),
        *(("entity", "ORG"), ("entity", "LOC")),
    ]
    assert counts["topic", "delays"] == 2  # the third is the first, but for case and punctuation
    assert counts["entity", "ORG"] == 1
    assert counts["intent", "person"] == 0


def test_what_has_no_or_few_examples_is_told() -> None:
    rows = [example(f"train {number} is late in the rain") for number in range(FEW)]
    rows += [example(f"works {number}", topic="works", sentiment="neutral") for number in range(FEW - 1)]
    counts = count_labels(domain(), rows)
    found = {(level, problem.partition(":")[0]) for level, _, problem in told(check_counts(rows, counts))}
    assert found == {
        ("warning", "works"),
        ("warning", "neutral"),
        ("error", "positive"),
        ("error", "refund"),
        ("error", "person"),
        ("note", "ORG"),
        ("note", "LOC"),
    }


def test_too_little_to_hold_any_out_is_an_error() -> None:
    rows = [next(one for number in range(99) if not (one := example(f"text {number}")).held_out)]
    assert ("error", "seed", "1 examples, 0 of them held out for testing (a fifth, by a hash)") in told(
        check_counts(rows, [])
    )


def test_names_that_come_to_two_are_errors() -> None:
    entities = Entities(
        legal_suffixes=("plc",),
        aliases={"Ostrail": ("OR", "ostrail plc"), "Oriole": ("or",), "Nowhere": ("@nowhere",)},
    )
    rows = placed(example("[Ostrail](ORG:negative), [Oriole](ORG:neutral)"))
    found = told(check_names(domain(entities=entities), rows, []))
    assert ("error", "domain.toml, entities.aliases", "'or' stands under 'Ostrail' and under 'Oriole'") in found
    notes = [problem for level, _, problem in found if level == "note"]
    assert "'ostrail plc' is counted as 'Ostrail' without being named" in notes
    assert "no example names 'Nowhere', by none of its names" in notes
    assert len(found) == 4  # and "@nowhere", which is "Nowhere" by itself


def test_a_mark_of_which_nothing_is_left_is_told() -> None:
    rows = placed(example("[!!](ORG:neutral) is late"))
    assert told(check_names(domain(), rows, [])) == [("warning", "seed/news.tsv:2", "nothing is left of the name '!!'")]


def test_a_name_of_the_sample_is_met() -> None:
    entities = Entities(aliases={"Nowhere": ("$NWH",)})
    assert told(check_names(domain(entities=entities), [], ["so much for $nwh"])) == []


def document(question: str | None = "Late?", **fields: object) -> Document:
    given = {"id": "1", "text": "Yes.", "time": NOW, "question": question, "source": "help.md"}
    return msgspec.convert({**given, **fields}, Document)


def test_answers_that_belong_nowhere_and_what_has_none_are_told() -> None:
    words = Words(anger=("furious",))
    rules = ReplyRules(alone=("works",), asks_person=("person",), languages=("en", "de"), words={"en": words})
    found = told(check_answers(domain(replies=rules), [document(), document(None)]))
    assert [(level, place) for level, place, _ in found] == [
        ("warning", "answers/help.md"),
        ("note", "answers"),
        ("note", "answers"),
        ("warning", "domain.toml, replies.words"),
    ]
    assert "no answer has the intent refund" in found[1][2]  # and not `person`, which people answer
    assert "the topic works" in found[2][2]
    assert "in de" in found[3][2]


def test_without_customers_no_answers_are_asked_for() -> None:
    assert told(check_answers(domain(intents=()), [])) == []
    assert told(check_answers(domain(), [])) == [("warning", "answers", "there are no answers")]
