"""Labelled examples are read as they were written, and a wrong line is told by file and number."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from streams.contract.domain import Domain, DomainError, Label, load_domain
from streams.contract.examples import Example, Mark, Span, load_seed, parse_marked, parse_marks

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "topic\tsentiment\tintent\ttext"
TOPICS = (Label(name="prices", title="Prices"), Label(name="harvest", title="Harvest"))
INTENTS = (Label(name="refund", title="Refund"),)


def domain_of(folder: Path, lines: list[str], *, name: str = "news.tsv", mode: str = "single") -> Domain:
    (folder / "seed").mkdir(exist_ok=True)
    (folder / "seed" / name).write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    return Domain.model_validate(
        {"name": "tea", "title": "Tea", "topics": TOPICS, "intents": INTENTS, "topic_mode": mode, "folder": folder}
    )


def test_marks_become_spans_in_code_points() -> None:
    text, spans = parse_marked("\U0001f602 [Harlow Bank](ORG:negative) loses to [Zoë](PER:positive)!")
    assert text == "\U0001f602 Harlow Bank loses to Zoë!"
    assert spans == (Span(2, 13, "ORG", "negative"), Span(23, 26, "PER", "positive"))
    assert [text[span.start : span.end] for span in spans] == ["Harlow Bank", "Zoë"]


@pytest.mark.parametrize(
    "text",
    [
        "Stocks [update] rise (again)",
        "Stocks [update] (see: below) rise",
        "Profits [in millions] (per share) rise",
        "See [the report](https://example.com/a_(b)) and [more](/more), or [write](mailto:desk@example.com)",
        "[\u8f6c\u8f7d]\uff08\u8def\u900f\u793e\uff09",
    ],
)
def test_brackets_that_are_no_mark_are_text(text: str) -> None:
    assert parse_marked(text) == (text, ())


@pytest.mark.parametrize(
    "mark",
    [
        "[Harlow Bank](ORG: negative)",
        "[Harlow Bank](org:negative)",
        "[Harlow Bank]( Org : NEGATIVE )",
        "[Harlow Bank] (ORG:negative)",
        "[Harlow Bank]\uff08ORG\uff1anegative\uff09",
    ],
)
def test_case_and_spaces_in_a_mark_make_no_difference(mark: str) -> None:
    text, spans = parse_marked(f"Is {mark} shut?")
    assert (text, spans) == ("Is Harlow Bank shut?", (Span(3, 14, "ORG", "negative"),))


def test_a_mark_may_say_no_sentiment_but_not_in_the_seed() -> None:
    marked = "[Harlow Bank](ORG) halts, says [Zo\u00eb]( per )"
    assert parse_marks(marked) == (
        "Harlow Bank halts, says Zo\u00eb",
        (Mark(0, 11, "ORG", None), Mark(24, 27, "PER", None)),
    )
    with pytest.raises(ValueError, match=r"\(ORG\) names no sentiment"):
        parse_marked(marked)


@pytest.mark.parametrize(
    "mark",
    [
        "[A](COMPANY:negative)",
        "[A](ORG:bad)",
        "[A](ORG:)",
        "[A](ORG, negative)",
        "[A] (ORG, negative)",
        "[A] (ORG: bad)",
        "[A] (Company: negative)",
        "[A] (ORG)",
        "[A](ORG:negative",
        "[A](negative)",
        "[A](the bank)",
        "[](ORG:negative)",
        "[ ](ORG:negative)",
        "[A [B]](ORG:negative)",
        "A(ORG:negative)",
        "{A} (org negative)",
    ],
)
def test_what_looks_like_a_mark_and_is_none_is_refused(mark: str) -> None:
    with pytest.raises(ValueError, match=r"a mark is \[name\]\(TYPE:sentiment\)"):
        parse_marks(f"[B](ORG:neutral) and {mark} halt")


def test_a_line_becomes_an_example_of_its_files_kind(tmp_path: Path) -> None:
    line = "prices\tnegative\trefund\t[Leaf](ORG:negative) overcharged me"
    (example,) = load_seed(domain_of(tmp_path, [line, ""], name="customer_a.tsv"))
    assert example == Example(
        text="Leaf overcharged me",
        kind="customer",
        topics=("prices",),
        sentiment="negative",
        intent="refund",
        entities=(Span(0, 4, "ORG", "negative"),),
    )


def test_several_topics_and_none_are_for_multi_label_domains(tmp_path: Path) -> None:
    lines = ["prices,harvest\tneutral\t-\tboth", "\tneutral\t-\tnone"]
    examples = load_seed(domain_of(tmp_path, lines, mode="multi"))
    assert [example.topics for example in examples] == [("prices", "harvest"), ()]
    for line in lines:
        with pytest.raises(DomainError):
            load_seed(domain_of(tmp_path, [line]))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("prices\tneutral\t-", "3 columns where 4 are needed"),
        ("weather\tneutral\t-\tx", "topic 'weather'"),
        ("prices\tangry\t-\tx", "sentiment 'angry'"),
        ("prices\tneutral\tcomplain\tx", "intent 'complain'"),
        ("prices\tneutral\t-\t[x](FOO:neutral)", "a mark is"),
    ],
)
def test_a_wrong_line_is_told_by_file_and_number(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(DomainError) as caught:
        load_seed(domain_of(tmp_path, ["prices\tneutral\t-\tfine", line]))
    assert f"{tmp_path / 'seed' / 'news.tsv'}:3" in str(caught.value)
    assert fault in str(caught.value)


def test_the_kind_stands_in_the_files_name(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="must start with one of news, social, customer"):
        load_seed(domain_of(tmp_path, [], name="mails.tsv"))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    domain = domain_of(tmp_path, ["prices\tneutral\t-\tTea"])
    (tmp_path / "seed" / "social.tsv").mkdir()
    with pytest.raises(DomainError, match=r"social\.tsv: it cannot be read: Is a directory"):
        load_seed(domain)


def test_the_header_is_required(tmp_path: Path) -> None:
    domain = domain_of(tmp_path, [])
    (tmp_path / "seed" / "news.tsv").write_text("text\ttopic\n", encoding="utf-8")
    with pytest.raises(DomainError, match="the first line must be"):
        load_seed(domain)


def test_a_text_counts_once_however_often_it_is_written(tmp_path: Path) -> None:
    lines = ["prices\tneutral\t-\tTea is dear", "harvest\tnegative\t-\tTEA is dear!"]
    (example,) = load_seed(domain_of(tmp_path, lines))
    assert example.topics == ("prices",)


def test_a_domain_without_examples_is_told(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="holds no examples"):
        load_seed(domain_of(tmp_path, []))


def test_the_shipped_seed_is_large_and_covers_every_label() -> None:
    domain = load_domain("finance")
    examples = load_seed(domain)
    assert len(examples) >= 1200
    assert {name for example in examples for name in example.topics} == set(domain.topic_names)
    assert {example.intent for example in examples} == {None, *domain.intent_names}
    assert set(Counter(example.sentiment for example in examples)) == {"negative", "neutral", "positive"}
    assert all(example.intent is None for example in examples if example.kind != "customer")


def test_a_fifth_is_held_out_and_never_changes_sides() -> None:
    examples = load_seed(load_domain("finance"))
    share = sum(example.held_out for example in examples) / len(examples)
    assert 0.15 < share < 0.25
    assert not Example(
        text="Harlow Bank", kind="news", topics=(), sentiment="neutral", intent=None, entities=()
    ).held_out
