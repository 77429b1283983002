"""Tables become labels row by row; a bad row is told with its line, and spoils no other."""

from __future__ import annotations

import json

import pytest
from support.labels import NOON, labels_of, make_maker, refusals_of

from retrain.formats.fields import text_id
from retrain.formats.items import FormatError, Said, Unlabelled
from retrain.formats.table import read_table
from streams.contract.labels import LabelledEntity


def test_a_plain_table_needs_a_text_and_something_said_of_it() -> None:
    labels = labels_of(read_table("text,sentiment\nShares fall,negative\nShares rise,Positive\n", make_maker()))
    assert [(label.text, label.sentiment) for label in labels] == [
        ("Shares fall", "negative"),
        ("Shares rise", "positive"),
    ]
    first = labels[0]
    assert (first.message_id, first.labeller, first.time, first.kind) == (text_id("Shares fall"), "ann", NOON, "news")
    assert first.topics is first.intent is first.entities is first.message_time is None


def test_each_column_is_a_field_in_whatever_order_and_case() -> None:
    table = (
        "Kind,ID,Labeller,time,message_time,Topic,Intent,reply,reason,model,source,text\n"
        "customer,17,bob,2026-03-01T08:00:00Z,1772438431,fraud,card_lost,"
        '"We block it.\nNow.",random,encoder:1,app,My card\n'
    )
    (label,) = labels_of(read_table(table, make_maker()))
    assert (label.kind, label.message_id, label.labeller, label.source) == ("customer", "17", "bob", "app")
    assert label.time.isoformat() == "2026-03-01T08:00:00+00:00"
    assert label.message_time is not None
    assert label.message_time.isoformat() == "2026-03-02T08:00:31+00:00"
    assert (label.topics, label.intent, label.reply) == (["fraud"], "card_lost", "We block it.\nNow.")
    assert (label.reason, label.model) == ("random", "encoder:1")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_told_by_the_header(delimiter: str) -> None:
    table = delimiter.join(["text", "topic", "sentiment"]) + "\n" + delimiter.join(["A theft", "fraud", "negative"])
    (label,) = labels_of(read_table(table, make_maker()))
    assert (label.text, label.topics) == ("A theft", ["fraud"])


def test_columns_may_have_other_names() -> None:
    maker = make_maker(renamed={"text": "Tweet", "sentiment": "stance"})
    (label,) = labels_of(read_table("tweet,Stance,text\nShares fall,negative,ignored\n", maker))
    assert (label.text, label.sentiment) == ("Shares fall", "negative")


def test_entities_stand_in_a_column_of_json_or_in_the_mark_up_of_the_seed() -> None:
    keller, harlow = {"start": 6, "end": 12, "label": "Person"}, {"start": 0, "end": 5, "type": "ORG"}
    cell = json.dumps([keller, harlow | {"sentiment": "neutral"}]).replace('"', '""')
    (label,) = labels_of(read_table(f'text,entities\nHarlow Keller quits,"{cell}"\n', make_maker()))
    assert label.entities == [
        LabelledEntity(start=0, end=5, type="ORG", sentiment="neutral"),
        LabelledEntity(start=6, end=12, type="PER"),
    ]
    marked = "marked,sentiment\n[Harlow](ORG:negative) halts,negative\nNobody halts,\n"
    first, second = labels_of(read_table(marked, make_maker()))
    assert (first.text, first.entities) == (
        "Harlow halts",
        [LabelledEntity(start=0, end=6, type="ORG", sentiment="negative")],
    )
    assert second.entities == []


def test_a_slip_in_a_mark_is_refused_and_not_read_as_no_entity() -> None:
    table = (
        "marked,sentiment\n"
        "[Harlow Bank](ORG) halts,negative\n"
        "[Harlow Bank](org: negative) halts,negative\n"
        '"[Harlow Bank](ORG, negative) halts",negative\n'
        "Harlow Bank [more](https://example.com) halts,negative\n"
    )
    items = list(read_table(table, make_maker()))
    assert "[name](TYPE:sentiment)" in refusals_of(items)["line 4"]
    assert [item.label.entities for item in items if isinstance(item, Said)] == [
        [LabelledEntity(start=0, end=11, type="ORG")],
        [LabelledEntity(start=0, end=11, type="ORG", sentiment="negative")],
        [],
    ]


def test_every_line_is_accounted_for() -> None:
    table = (
        "id,text,sentiment,topic,kind,message_time\n"
        "1,Shares fall,negative,markets,,\n"
        "2,Nobody said,,,,\n"
        "\n"
        "3,Shares fall,bad,,,\n"
        '4,"two\nlines",negative,nowhere,,\n'
        "5,,negative,,,\n"
        "6,Shares fall,negative\n"
        "7,Shares fall,negative,,blog,\n"
        "8,Shares fall,negative,,,yesterday\n"
        "9,Shares \udcff,negative,,,\n"
        "10,Shares rise,positive,,,\n"
    )
    items = list(read_table(table, make_maker()))
    assert [item.place for item in items if isinstance(item, Said)] == ["line 2", "line 13"]
    assert [item.place for item in items if isinstance(item, Unlabelled)] == ["line 3"]
    problems = refusals_of(items)
    assert list(problems) == ["line 5", "lines 6-7", "line 8", "line 9", "line 10", "line 11", "line 12"]
    for problem, part in zip(
        problems.values(),
        ("sentiment 'bad'", "topic 'nowhere'", "text is no text", "3 cells", "blog", "neither ISO 8601", "--encoding"),
        strict=True,
    ):
        assert part in problem


@pytest.mark.parametrize("name", ["source", "labeller", "message_id", "model", "text", "reply"])
def test_a_byte_of_another_encoding_is_told_wherever_it_stands(name: str) -> None:
    told = {"text": "Shares fall", "sentiment": "negative", name: "Jos\udce9"}
    table = f"{','.join(told)}\n{','.join(told.values())}\n"
    (problem,) = refusals_of(read_table(table, make_maker(allow_new=True))).values()
    assert "--encoding" in problem


def test_a_quote_that_is_never_closed_is_told_with_all_that_it_swallowed() -> None:
    items = list(read_table('text,sentiment\nfine,negative\n"open,negative\nlost,negative\n', make_maker()))
    assert isinstance(items[0], Said)
    assert list(refusals_of(items)) == ["lines 3-4"]


def test_without_a_kind_there_is_no_label() -> None:
    (problem,) = refusals_of(read_table("text,sentiment\nShares fall,negative\n", make_maker(kind=None))).values()
    assert "--kind" in problem


def test_a_column_that_is_mapped_must_be_there() -> None:
    with pytest.raises(FormatError, match="no column is named stance, as --map sentiment=stance has it"):
        read_table("text,sentiment\na,negative\n", make_maker(renamed={"sentiment": "stance"}))


@pytest.mark.parametrize(
    ("header", "match"),
    [
        ("body,sentiment", "--map text="),
        ("text,label", "--map sentiment="),
        ("text,topic,topic", "twice"),
        ("", "none"),
    ],
)
def test_a_header_that_does_not_tell_is_refused_whole(header: str, match: str) -> None:
    with pytest.raises(FormatError, match=match):
        list(read_table(f"{header}\na,b,c\n", make_maker()))
