"""The shipped domain's aliases: whatever the sample calls a company, it is one subject."""

from __future__ import annotations

import re

import msgspec
import pytest
from pydantic import ValidationError

from streams.contract.domain import Entities, load_domain
from streams.contract.records import Message
from streams.contract.subjects import EntityNames

FINANCE = load_domain("finance")
NAMES = EntityNames(FINANCE.entities)
TEXTS = [msgspec.json.decode(line, type=Message).text for line in FINANCE.sample_file.read_bytes().splitlines()]


@pytest.mark.parametrize(
    ("subject", "written"),
    [
        ("larkmoor", ["Larkmoor", "LARKMOOR BANK", "$LRKM", "@LarkmoorBank", "Larkmoor's", "#larkmoor"]),
        ("pennick", ["Pennick", "PENNICK", "$PNNK", "@pennickapp", "Pennick's"]),
        ("osterby bank", ["Osterby", "Osterby Bank", "Osterby Bank's"]),
        ("brightacre foods", ["Brightacre Foods", "$BRAC", "Brightacre Foods plc"]),
        ("duneford energy", ["Duneford Energy", "$DNFD"]),
        ("lumenair", ["Lumenair", "$LMNR"]),
        ("narvexa pharma", ["Narvexa Pharma", "$NRVX"]),
        ("quillon semiconductor", ["Quillon Semiconductor", "$QLLN", "Quillon"]),
        ("folkstad insurance", ["Folkstad Insurance", "Folkstad"]),
        ("thornlee homes", ["Thornlee Homes", "THORNLEE"]),
        ("castellane luxe", ["Castellane Luxe", "Castellane"]),
        ("grupo atareal", ["Grupo Atareal", "Atareal"]),
        ("sollgren marine", ["Sollgren Marine", "Sollgren"]),
        ("keldon cloud", ["Keldon Cloud", "Keldon's"]),
        ("maruyo robotics", ["MARUYO ROBOTICS", "Maruyo"]),
        ("cobbley", ["Cobbley's", "Cobbley\u2019s"]),
    ],
)  # fmt: skip
def test_a_company_is_one_subject_however_it_is_written(subject: str, written: list[str]) -> None:
    assert {NAMES.normalise(name) for name in written} == {subject}


def test_every_ticker_of_the_sample_belongs_to_a_company_that_the_sample_names() -> None:
    tickers = set(re.findall(r"\$[A-Z]{2,}", " ".join(TEXTS)))
    companies = {NAMES.normalise(name) for name in FINANCE.entities.aliases}
    assert len(tickers) > 5
    assert {NAMES.normalise(ticker) for ticker in tickers} <= companies


def test_every_alias_and_name_stands_in_the_sample() -> None:
    text = " ".join(TEXTS).casefold()
    absent = [
        name
        for names in FINANCE.entities.aliases.items()
        for name in (names[0], *names[1])
        if name.casefold() not in text
    ]
    assert absent == []


def test_no_alias_stands_under_two_names() -> None:
    aliases = [NAMES.normalise(alias) for names in FINANCE.entities.aliases.items() for alias in (names[0], *names[1])]
    counted = {NAMES.normalise(name) for name in FINANCE.entities.aliases}
    assert len(counted) == len(FINANCE.entities.aliases)
    assert set(aliases) == counted


def test_companies_that_share_a_word_stay_apart() -> None:
    assert NAMES.normalise("Osterby Bank") != NAMES.normalise("Larkmoor Bank")
    assert NAMES.normalise("Vantry Pay") == "vantry pay"


@pytest.mark.parametrize(
    "text",
    [
        "RT",
        "rt",
        "#RT",
        "@cc",
        "via",
        "&amp;",
        "amp",
        "http",
        "https://t.co/a1b2",
        "http://t.co/x",
        "t.co/a1b2",
        "www.",
    ],
)
def test_marks_of_retweets_of_html_and_of_addresses_name_nothing(text: str) -> None:
    assert NAMES.normalise(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("RT @Larkmoor", "larkmoor"),
        ("RT@Larkmoor:", "larkmoor"),
        ("cc: @birk", "birk"),
        ("$VIA", "via"),
        ("Via Rail", "via rail"),
        ("Hale&amp;Dow", "hale&dow"),
        ("corvane.com", "corvane.com"),
        ("RTL", "rtl"),
    ],
)
def test_a_name_beside_a_mark_is_one(text: str, name: str) -> None:
    assert NAMES.normalise(text) == name


def test_what_a_domain_calls_by_such_a_name_is_one() -> None:
    names = EntityNames(Entities(legal_suffixes=(), aliases={"Hightower": ("HT",)}))
    assert names.normalise("HT") == "hightower"


def test_what_is_left_empty_is_nobodys_name() -> None:
    # As a domain that was not read from its file may have it.
    names = EntityNames(Entities.model_construct(legal_suffixes=(), aliases={"Acme": ("!!", "ACM")}))
    assert names.normalise("??") is None
    assert names.normalise("acm") == "acme"
    with pytest.raises(ValidationError, match="nothing is left of '!!'"):
        Entities(aliases={"Acme": ("!!",)})


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Lark\N{SOFT HYPHEN}moor", "Larkmoor"),
        ("Lark\N{ZERO WIDTH SPACE}moor\N{VARIATION SELECTOR-16}", "Larkmoor"),
        ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}zmir Bank", "izmir bank"),
        # With its vowels and without.
        ("مُحَمَّد", "محمد"),
    ],
)
def test_what_is_not_seen_makes_no_other_name(written: str, plain: str) -> None:
    assert NAMES.normalise(written) == NAMES.normalise(plain)


def test_vowel_signs_are_part_of_a_name() -> None:
    assert NAMES.normalise("गुरु") == "गुरु"
    assert NAMES.normalise("กรุงเทพ") == "กรุงเทพ"
    assert NAMES.normalise("गुरु") != NAMES.normalise("गुर")
