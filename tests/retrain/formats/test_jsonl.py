"""What is exported is read back as it was; plainer objects will do; a request is no label."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labels import NOON, labels_of, make_label, make_maker, refusals_of

from retrain.formats.items import FormatError
from retrain.formats.jsonl import read_exported, read_jsonl
from retrain.formats.table import read_table
from retrain.formats.writing import as_csv, as_jsonl
from streams.contract.labels import Label, LabelledEntity, LabelRequest, RequestReason
from streams.contract.records import SENTIMENTS, EntityType, SourceKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds the zone

OVERLAPPING = (
    '{"text": "A theft", "entities": [{"start": 0, "end": 3, "type": "ORG"}, {"start": 2, "end": 5, "type": "ORG"}]}'
)


@st.composite
def labels(draw: Callable[..., object]) -> Label:
    """Any label that the finance domain could have."""
    text = str(draw(TEXTS))
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))  # type: ignore[call-overload]
    entities = [
        LabelledEntity(
            start=start,
            end=end,
            type=draw(st.sampled_from(get_args(EntityType))),
            sentiment=draw(st.none() | st.sampled_from(SENTIMENTS)),
        )
        for start, end in zip(places[::2], places[1::2], strict=False)
    ]
    return Label(
        message_id=draw(TEXTS),
        labeller=draw(TEXTS),
        time=draw(TIMES),
        text=text,
        kind=draw(st.sampled_from(get_args(SourceKind))),
        source=draw(st.just("") | TEXTS),
        message_time=draw(st.none() | TIMES),
        topics=draw(st.none() | st.just(["fraud"])),
        sentiment=draw(st.sampled_from(SENTIMENTS)),
        intent=draw(st.none() | st.just("card_lost")),
        entities=draw(st.none() | st.just(entities)),
        reply=draw(st.none() | TEXTS),
        reason=draw(st.none() | st.sampled_from(get_args(RequestReason))),
        model=draw(st.none() | st.just("encoder:1")),
    )


@given(st.lists(labels(), max_size=5))
def test_what_is_exported_is_read_back(exported: list[Label]) -> None:
    maker = make_maker(kind=None)
    assert labels_of(read_jsonl("".join(as_jsonl(exported)), maker)) == exported
    assert labels_of(read_table("".join(as_csv(exported)), maker)) == exported


def test_a_backup_is_read_as_it_was_whatever_its_labels_are_called() -> None:
    taught = [
        make_label("1", topics=["stablecoins"], intent="close_account"),
        make_label("2", topics=["fraud", "markets"]),
        make_label("3", topics=[], reply=""),
        make_label("4", topics=["Stable Coins"]),
        make_label(
            "5", entities=[LabelledEntity(start=0, end=11, type="ORG"), LabelledEntity(start=7, end=11, type="ORG")]
        ),
    ]
    backup = "".join(as_jsonl(taught))
    assert labels_of(read_exported(backup)) == taught
    for advice in refusals_of(read_jsonl("".join(as_jsonl(taught[:2])), make_maker())).values():
        assert "--restore" in advice


def test_what_is_no_label_of_a_backup_is_told() -> None:
    lines = ["{", '{"text": "A theft"}', '{"reason": "novel", "score": 1}', *as_jsonl([make_label("1")])]
    items = list(read_exported("\n".join(lines)))
    problems = refusals_of(items)
    assert list(problems) == ["line 1", "line 2", "line 3"]
    assert "tocsin labels export" in problems["line 2"]
    assert "request" in problems["line 3"]


def test_a_plain_object_or_a_list_of_them_will_do() -> None:
    plain = '{"text": "A theft", "topic": "Fraud", "id": 7, "entities": [{"start": 2, "end": 7, "label": "MISC"}]}'
    for text in (f"{plain}\n\n", f" [{plain}]"):
        (label,) = labels_of(read_jsonl(text, make_maker()))
        assert (label.message_id, label.topics, label.time) == ("7", ["fraud"], NOON)
        assert label.entities == [LabelledEntity(start=2, end=7, type="MISC")]


def test_bad_lines_are_told_and_spoil_no_other() -> None:
    lines = [
        '{"text": "A theft", "sentiment": "negative"}',
        "{",
        "[]",
        '{"text": "A \udcff", "sentiment": "negative"}',
        '{"text": "A theft", "entities": [{"start": 2, "end": 99, "type": "MISC"}]}',
        OVERLAPPING,
        '{"text": "A theft", "topics": [3]}',
        '{"text": 3, "sentiment": "negative"}',
        '{"text": "A theft", "sentiment": "negative", "time": {}}',
        f'{{"text": "A theft", "topics": {"[" * 3000}',
        '{"text": "A theft", "sentiment": "negative", "labeller": "' + "x" * 200 + '"}',
        '{"text": "A theft", "entities": [{"start": -1, "end": 4, "type": "MISC"}]}',
    ]
    items = list(read_jsonl("\n".join(lines), make_maker()))
    assert list(refusals_of(items)) == [f"line {number}" for number in range(2, 13)]
    assert "99" in refusals_of(items)["line 5"]
    assert "overlap" in refusals_of(items)["line 6"]


def test_a_list_that_breaks_off_is_refused_whole() -> None:
    with pytest.raises(FormatError, match="JSON list"):
        list(read_jsonl('[{"text": "A theft"}', make_maker()))


def test_a_request_is_no_label_since_the_model_wrote_it() -> None:
    request = LabelRequest(
        id="r",
        message_id="m",
        text="A theft",
        kind="news",
        source="wire",
        message_time=NOON,
        time=NOON + timedelta(minutes=1),
        reason="uncertain",
        score=0.5,
        model="encoder:1",
        topics=["fraud"],
        sentiment="negative",
    )
    (problem,) = refusals_of(read_jsonl(msgspec.json.encode(request).decode(), make_maker())).values()
    assert "request" in problem


def test_the_export_is_lazy_and_one_label_a_line() -> None:
    written: Iterator[str] = as_jsonl([make_label("a"), make_label("b")])
    assert [msgspec.json.decode(line)["message_id"] for line in written] == ["a", "b"]
