"""A brief tells what the alert found, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from support.replies import NOON

from streams.contract.alerts import Alert, Evidence, TellingMessage
from streams.contract.domain import load_domain
from streams.logic.replies.briefs import is_thin, story, unsupported, write
from streams.logic.replies.deciding import Draft

DOMAIN = load_domain("finance")


def telling(text: str, id_: str = "n1", source: str = "news") -> TellingMessage:
    return TellingMessage(id=id_, time=NOON, source=source, text=text, sentiment="negative", score=0.9)


def alert(subject: str = "entity/larkmoor", name: str = "NegativeSurge", *messages: TellingMessage) -> Alert:
    told = messages or (
        telling("Larkmoor's app has been down for 4 hours, customers say"),
        telling("larkmoor lost £500 of mine, never again", "s1", "social"),
    )
    return Alert(
        id="a",
        fingerprint="f",
        status="firing",
        level="orange",
        labels={"alertname": name, "subject": subject},
        annotations={},
        startsAt=NOON,
        time=NOON + timedelta(minutes=15),
        evidence=Evidence(
            window_start=NOON,
            window_end=NOON + timedelta(minutes=12),
            observed=1018,
            expected=0.7,
            volume=2000,
            share=0.509,
            expected_share=0.2,
            p_value=1e-9,
            threshold=1e-5,
            sources={"news": 0.61, "social": 0.385, "blog": 0.004},
            entities={},
            messages=list(told),
            duplicates=0,
            model="encoder:1",
        ),
    )


def over(ringing: Alert) -> Alert:
    return msgspec.structs.replace(ringing, status="resolved", endsAt=NOON + timedelta(hours=2))


def test_the_template_tells_what_how_much_since_when_and_who_says_so() -> None:
    assert story(alert(), DOMAIN).template == (
        "Negative talk of Larkmoor has been surging since 12:00 UTC on 2 March 2026: 1,018 negative messages in "
        "12 minutes, where 0.7 would be usual. Most messages come from news (61%) and social (38%). "
        "One from news reads: “Larkmoor's app has been down for 4 hours, customers say”"
    )


def test_what_is_over_is_told_as_over() -> None:
    told = story(over(alert()), DOMAIN)
    assert told.sentence == (
        "Negative talk of Larkmoor is back to its usual level as of 14:00 UTC on 2 March 2026, after 1,018 negative "
        "messages in 12 minutes, where 0.7 would be usual."
    )
    assert "The surge began at 12:00 UTC on 2 March 2026." in told.facts


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("entity/larkmoor", "Larkmoor"),
        ("topic/fraud", "the topic fraud"),
        ("entity/osterby bank/topic/payments", "Osterby Bank in the topic payments"),
        ("entity/larkmoor's app", "Larkmoor's app"),
        ("entity/nobody knows", "Nobody Knows"),
    ],
)
def test_subjects_have_the_names_that_people_write(subject: str, name: str) -> None:
    assert story(alert(subject), DOMAIN).subject == name


@pytest.mark.parametrize(
    ("name", "begins"),
    [("PositiveSurge", "Positive talk of Larkmoor"), ("VolumeSurge", "Talk of Larkmoor")],
)
def test_every_kind_of_surge_has_its_words(name: str, begins: str) -> None:
    assert story(alert("entity/larkmoor", name), DOMAIN).template.startswith(begins)


@pytest.mark.parametrize(
    "ringing", [alert(), over(alert()), alert("topic/fraud"), alert("entity/larkmoor", "VolumeSurge")]
)
def test_its_own_template_and_facts_are_supported(ringing: Alert) -> None:
    told = story(ringing, DOMAIN)
    assert unsupported(told.template, told) == []
    assert unsupported(" ".join(told.facts), told) == []


@pytest.mark.parametrize(
    "text",
    [
        "Negative talk of Larkmoor surged to 1,018 negative messages in 12 minutes. It is an orange alert.",
        "Larkmoor: 1,018 negative messages in 12 minutes, where 0.7 would be usual. One reads: “never again”",
        'Most messages come from news (61%). Customers say "Larkmoor\'s app has been down for 4 hours".',
    ],
)
def test_a_text_from_the_facts_is_taken(text: str) -> None:
    written = write(story(alert(), DOMAIN), Draft(text), thin=False)
    assert (written.text, written.origin) == (text, "generated")


@pytest.mark.parametrize(
    "text",
    [
        "Negative talk of Larkmoor surged to 2,018 negative messages in 12 minutes.",
        "Negative talk of Larkmoor surged: 1,018 negative messages in 12 hours.",
        # what people say is no fact
        "Larkmoor lost £500.",
        "Larkmoor's app has been down for 4 hours.",
        # nobody said that
        "Customers say “Larkmoor is bankrupt”.",
        "Larkmoor's rival Osterby gains customers, says analyst Tom Baker.",
        "The regulator has opened an inquiry.",
        "The surge began at 13:00 UTC on 2 March 2026.",
        "See larkmoor.example for more.",
        "One. Two. Three. Four.".replace("One", "Larkmoor"),
    ],
)
def test_what_the_alert_does_not_say_gives_way_to_the_template(text: str) -> None:
    told = story(alert(), DOMAIN)
    written = write(told, Draft(text), thin=False)
    assert (written.text, written.origin) == (told.template, "template")
    assert written.unsupported


def test_where_evidence_is_thin_one_sentence_is_all() -> None:
    told = story(alert("entity/larkmoor", "NegativeSurge", telling("down again")), DOMAIN)
    assert write(told, Draft("Larkmoor."), thin=True) == (told.sentence, "template", ())
    assert is_thin(alert("entity/larkmoor", "NegativeSurge", telling("down again")), 2)
    assert not is_thin(alert(), 2)


@pytest.mark.parametrize("draft", [None, Draft(""), Draft("Negative talk of", finished=False)])
def test_without_a_text_the_template_stands(draft: Draft | None) -> None:
    told = story(alert(), DOMAIN)
    assert write(told, draft, thin=False) == (told.template, "template", ())


def test_quotes_are_shortened_and_cannot_close_the_quotation() -> None:
    told = story(alert("entity/larkmoor", "NegativeSurge", telling('He said "no" ' * 40)), DOMAIN)
    assert '"' not in told.quotes[0]
    assert len(told.quotes[0]) <= 201
    assert unsupported(told.template, told) == []
