"""Signals: one for each subject, what is said of it, small, and without personal data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from streams.contract.domain import load_domain
from streams.contract.ids import output_id, text_fingerprint
from streams.contract.incoming import Record
from streams.contract.records import Entity, Message, Prediction, encode
from streams.contract.settings import Settings, SurgeSettings
from streams.contract.signals import Signal
from streams.contract.subjects import parse_subject
from streams.logic.signals import SignalMaker

if TYPE_CHECKING:
    from streams.contract.records import Sentiment, SourceKind

DOMAIN = load_domain("finance")
TIME = datetime(2026, 3, 2, 9, 50, tzinfo=UTC)
NEGATIVE = {"negative": 0.8, "neutral": 0.15, "positive": 0.05}
POSITIVE = {"negative": 0.1, "neutral": 0.2, "positive": 0.7}


def message(text: str, **fields: object) -> Message:
    return Message(**{"id": "m-1", "text": text, "source": "Example Wire", "time": TIME} | fields)


def entity(text: str, name: str, scores: dict[str, float] | None = None, kind: str = "ORG", start: int = 0) -> Entity:
    begin = text.index(name, start)
    scores = NEGATIVE if scores is None else scores
    sentiment = max(scores, key=scores.__getitem__, default="positive")
    return Entity(
        text=name,
        type=kind,
        start=begin,
        end=begin + len(name),
        score=1.0,
        sentiment=sentiment,
        sentiment_scores=scores,
    )


def signals(
    said: Message,
    *entities: Entity,
    kind: SourceKind = "news",
    topics: tuple[str, ...] = ("service",),
    sentiment: Sentiment = "negative",
    **surge: object,
) -> list[Signal]:
    prediction = Prediction(
        id="p",
        message_id=said.id,
        source=said.source,
        kind=kind,
        time=said.time,
        topics=list(topics),
        topic_scores={},
        sentiment=sentiment,
        sentiment_scores={"negative": 0.6, "neutral": 0.3, "positive": 0.1},
        entities=list(entities),
        model="toy:7",
    )
    maker = SignalMaker(Settings(surge=SurgeSettings(**surge)), DOMAIN)
    return maker.signals(said, prediction, Record("feed", 2, 17, 0.0, None, b"", ()), 12.5)


def subjects(said: Message, *entities: Entity, **options: object) -> list[str]:
    return [signal.subject for signal in signals(said, *entities, **options)]


TEXT = "Larkmoor cards fail while Pennick gains"
LARKMOOR, PENNICK = entity(TEXT, "Larkmoor"), entity(TEXT, "Pennick", POSITIVE)


def test_each_topic_entity_and_entity_within_a_topic_gets_one_signal() -> None:
    assert subjects(message(TEXT), LARKMOOR, PENNICK, topics=("service", "payments")) == [
        "topic/service",
        "topic/payments",
        "entity/larkmoor",
        "entity/larkmoor/topic/service",
        "entity/larkmoor/topic/payments",
        "entity/pennick",
        "entity/pennick/topic/service",
        "entity/pennick/topic/payments",
    ]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("topic",), ["topic/service"]),
        (("entity",), ["entity/larkmoor"]),
        (("entity_topic",), ["entity/larkmoor/topic/service"]),
        ((), []),
    ],
)
def test_only_the_kinds_of_subject_that_are_asked_for_get_one(kinds: tuple[str, ...], expected: list[str]) -> None:
    assert subjects(message(TEXT), LARKMOOR, subjects=kinds) == expected


def test_a_message_without_topics_speaks_of_its_entities_alone() -> None:
    assert subjects(message(TEXT), LARKMOOR, topics=()) == ["entity/larkmoor"]
    assert subjects(message(TEXT), topics=()) == []


def test_a_signal_tells_where_it_comes_from_and_what_is_said() -> None:
    topic, whole, within = signals(message(TEXT), LARKMOOR)
    assert topic == Signal(
        id=output_id("feed", 2, 17, "signal topic/service"),
        subject="topic/service",
        message_id="m-1",
        time=TIME,
        sentiment="negative",
        score=0.6,
        source="Example Wire",
        kind="news",
        topic="feed",
        partition=2,
        offset=17,
        watermark=12.5,
        model="toy:7",
        fingerprint=text_fingerprint(TEXT),
        text=TEXT,
        entities=["larkmoor"],
    )
    assert (whole.score, whole.name, whole.entities) == (0.8, "Larkmoor", [])
    assert len({topic.id, whole.id, within.id}) == 3


def test_the_sentiment_is_that_towards_the_subject() -> None:
    made = signals(message(TEXT), LARKMOOR, PENNICK, sentiment="neutral", subjects=("topic", "entity"))
    assert [(signal.subject, signal.sentiment, signal.score) for signal in made] == [
        ("topic/service", "neutral", 0.3),
        ("entity/larkmoor", "negative", 0.8),
        ("entity/pennick", "positive", 0.7),
    ]


def test_an_entity_named_several_times_counts_once_by_the_mean_of_its_mentions() -> None:
    text = "Larkmoor Bank is down, $LRKM falls, Larkmoor says sorry"
    mild = {"negative": 0.3, "neutral": 0.4, "positive": 0.3}
    last = entity(text, "Larkmoor", mild, start=20)
    made = signals(
        message(text), entity(text, "Larkmoor Bank", mild), entity(text, "$LRKM"), last, subjects=("entity",)
    )
    (signal,) = made
    assert (signal.subject, signal.name, signal.sentiment) == ("entity/larkmoor", "Larkmoor Bank", "negative")
    assert signal.score == pytest.approx((0.3 + 0.8 + 0.3) / 3)


def test_of_two_sentiments_that_are_even_the_first_is_told() -> None:
    text = "Larkmoor up, Larkmoor down"
    up, down = {"negative": 0.0, "neutral": 0.1, "positive": 0.9}, {"negative": 0.9, "neutral": 0.1, "positive": 0.0}
    (signal,) = signals(
        message(text), entity(text, "Larkmoor", up), entity(text, "Larkmoor", down, start=5), subjects=("entity",)
    )
    assert (signal.sentiment, signal.score) == ("positive", 0.45)


def test_a_model_that_gives_no_scores_is_taken_at_its_word() -> None:
    text = "Larkmoor and Larkmoor"
    (once,) = signals(message(text), entity(text, "Larkmoor", {}), subjects=("entity",))
    (twice,) = signals(
        message(text), entity(text, "Larkmoor", {}), entity(text, "Larkmoor", {}, start=5), subjects=("entity",)
    )
    assert (once.sentiment, once.score) == (twice.sentiment, twice.score) == ("positive", 1.0)


def test_at_most_five_other_entities_are_named() -> None:
    text = "Aa Bb Dd Ee Ff Gg Hh"
    made = signals(message(text), *[entity(text, name) for name in text.split()], subjects=("topic", "entity"))
    assert made[0].entities == ["aa", "bb", "dd", "ee", "ff"]
    assert made[2].entities == ["aa", "dd", "ee", "ff", "gg"]


def test_what_is_only_marks_is_no_entity() -> None:
    text = "@ $$ - Larkmoor"
    assert subjects(message(text), entity(text, "$$"), entity(text, "-"), subjects=("entity",)) == []


@pytest.mark.parametrize(
    ("kinds", "with_text"),
    [
        (("negative",), ["entity/larkmoor"]),
        (("positive",), ["entity/pennick"]),
        (("negative", "positive"), ["entity/larkmoor", "entity/pennick"]),
        (("volume",), ["topic/service", "entity/larkmoor", "entity/pennick"]),
        ((), []),
    ],
)
def test_a_text_goes_along_only_where_it_can_be_evidence(kinds: tuple[str, ...], with_text: list[str]) -> None:
    made = signals(
        message(TEXT), LARKMOOR, PENNICK, sentiment="neutral", kinds=kinds, subjects=("topic", "entity")
    )  # fmt: skip
    assert [signal.subject for signal in made if signal.text is not None] == with_text


def test_the_text_is_masked_and_its_blanks_are_made_one() -> None:
    said = message("Call me\n\n on 07700 900142,  I am\tHanneke", author="Hanneke V.")
    (signal,) = signals(said)
    assert signal.text == "Call me on [phone], I am [author]"


def test_a_long_text_is_cut_between_words() -> None:
    words = "one two three four five six seven eight nine ten " * 10
    (signal,) = signals(message(words))
    assert signal.text is not None
    assert 130 < len(signal.text) <= 140
    assert words.startswith(signal.text[:-1] + " ")
    assert signal.text.endswith("…")


@pytest.mark.parametrize("text", ["x" * 500, "快讯 " + "银行卡无法使用" * 60])
def test_a_text_without_blanks_is_cut_at_the_limit(text: str) -> None:
    (signal,) = signals(message(text))
    assert signal.text == text[:139] + "…"


def test_a_text_of_just_the_limit_is_whole() -> None:
    (signal,) = signals(message("x" * 140))
    assert signal.text == "x" * 140


def test_what_is_cut_away_cannot_unmask_what_is_shown() -> None:
    # A phone at the very edge is masked before the cut, so that no half of it stays.
    (signal,) = signals(message("word " * 26 + "07700 900142 and more words after it"))
    assert "07700" not in (signal.text or "")


def test_a_given_fingerprint_is_kept_and_a_monstrous_one_shortened() -> None:
    assert signals(message(TEXT, fingerprint="story-7"))[0].fingerprint == "story-7"
    long = signals(message(TEXT, fingerprint="f" * 10_000))[0].fingerprint
    assert long == text_fingerprint("f" * 10_000)


PRIVATE = "Write to rosa.ibanez@example.com or ring 07700 900142, IBAN GB82 WEST 1234 5698 7654 32"


@pytest.mark.parametrize("name", ["rosa.ibanez@example.com", "rosa.ibanez", "07700", "900142", "GB82 WEST", "WEST"])
@pytest.mark.parametrize("kind", ["news", "social", "customer"])
def test_what_belongs_to_an_address_or_number_is_no_subject(name: str, kind: SourceKind) -> None:
    assert subjects(message(PRIVATE), entity(PRIVATE, name), kind=kind) == ["topic/service"]


def test_personal_data_is_not_named_beside_other_subjects() -> None:
    text = "Larkmoor wrote to rosa.ibanez@example.com"
    for signal in signals(message(text), entity(text, "Larkmoor"), entity(text, "rosa.ibanez", kind="PER")):
        assert "rosa" not in encode(signal).decode()


def test_persons_are_subjects_in_public_and_not_in_customers_messages() -> None:
    text = "Imelda Strand of Larkmoor apologises"
    named = entity(text, "Imelda Strand", kind="PER"), entity(text, "Larkmoor")
    for kind in ("news", "social"):
        assert "entity/imelda strand" in subjects(message(text), *named, kind=kind)
    assert subjects(message(text), *named, kind="customer", subjects=("entity",)) == ["entity/larkmoor"]


@pytest.mark.parametrize("field", ["author", "user"])
@pytest.mark.parametrize("name", ["Hanneke Visser", "Visser", "HANNEKE"])
def test_a_customer_is_no_subject_whatever_the_model_takes_the_name_for(field: str, name: str) -> None:
    text = f"{name} here, Larkmoor lost my card"
    said = message(text, **{field: "Hanneke Visser"})
    made = subjects(said, entity(text, name), entity(text, "Larkmoor"), kind="customer", subjects=("entity",))
    assert made == ["entity/larkmoor"]


def test_an_author_in_public_is_no_subject_of_his_own() -> None:
    text = "Tamar Oz writes that Larkmoor Bank sleeps"
    named = entity(text, "Tamar Oz", kind="PER"), entity(text, "Larkmoor Bank")
    assert subjects(message(text, author="Tamar Oz"), *named, subjects=("entity",)) == ["entity/larkmoor"]
    # A bank that speaks for itself is one.
    assert len(subjects(message(text, author="Larkmoor Bank"), *named, subjects=("entity",))) == 2


def test_initials_and_particles_of_an_author_hide_nobody() -> None:
    text = "V. de Boer on de Volksbank"
    said = message(text, author="Hanneke V. de Wit")
    assert "entity/de volksbank" in subjects(said, entity(text, "de Volksbank"), kind="customer")


@pytest.mark.parametrize("name", ["@nanwithnasdaq", "nanwithnasdaq"])
def test_a_persons_handle_is_no_subject_and_a_companys_is(name: str) -> None:
    text = "@nanwithnasdaq says @LarkmoorBank is boring"
    named = entity(text, name, kind="PER"), entity(text, "@LarkmoorBank")
    assert subjects(message(text), *named, kind="social", subjects=("entity",)) == ["entity/larkmoor"]


def test_a_source_that_is_an_address_is_masked() -> None:
    assert signals(message(TEXT, source="rosa.ibanez@example.com"))[0].source == "[email]"


_words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=400)


@quick
@given(_words, _words, _words, _words, st.sampled_from(["news", "social", "customer"]))
def test_a_signal_is_small_and_readable_whatever_is_said(
    text: str, source: str, fingerprint: str, author: str, kind: SourceKind
) -> None:
    said = message(text * 3, id="i" * 512, source=source * 30, fingerprint=fingerprint, author=author)
    named = Entity(
        text=said.text, type="ORG", start=0, end=len(said.text), score=1.0, sentiment="negative", sentiment_scores={}
    )
    for signal in signals(said, named, kind=kind):
        value = encode(signal)
        assert msgspec.json.decode(value, type=Signal) == signal
        assert parse_subject(signal.subject).key == signal.subject
        assert len(value) < 6_000


@pytest.mark.parametrize(
    "text",
    [
        "RT @larkmoor: We are sorry for the delays of this morning",
        "Oh please. RT @larkmoor: We are sorry for the delays of this morning",
        "We are sorry for the delays of this morning https://t.co/a1",
        "RT @birk RT @larkmoor: We are sorry for the delays of this morning https://t.co/b2",
    ],
)
def test_what_is_passed_on_is_a_copy(text: str) -> None:
    (original,) = signals(message("We are sorry for the delays of this morning"), subjects=("topic",))
    (copy,) = signals(message(text, fingerprint="of its own"), subjects=("topic",))
    assert copy.fingerprint == original.fingerprint


@pytest.mark.parametrize(
    "text", ["RT @拉克莫尔: 我们为今天早上的延误道歉", "气死了 RT @birk: 我们为今天早上的延误道歉 https://t.co/b2"]
)
def test_what_is_passed_on_without_blanks_between_words_is_a_copy_too(text: str) -> None:
    (original,) = signals(message("我们为今天早上的延误道歉"), subjects=("topic",))
    (copy,) = signals(message(text), subjects=("topic",))
    assert copy.fingerprint == original.fingerprint


@pytest.mark.parametrize(
    "text", ["RT @larkmoor: no", "RT @birk: 好的", "see https://t.co/a1", "Art of the deal, no link at all"]
)
def test_what_says_too_little_keeps_its_own_fingerprint(text: str) -> None:
    (made,) = signals(message(text, fingerprint="of its own"), subjects=("topic",))
    assert made.fingerprint == "of its own"
