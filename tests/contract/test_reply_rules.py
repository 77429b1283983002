"""The table [replies] of a domain: what may be answered alone, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from streams.contract.domain import DomainError, load_domain
from streams.contract.reply_rules import ReplyRules

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = """
name = "tea"
title = "Tea"
[[topics]]
name = "prices"
title = "Prices"
[[topics]]
name = "harvest"
title = "Harvest"
[[intents]]
name = "human"
title = "A human"
"""


def written(folder: Path, replies: str) -> str:
    (folder / "domain.toml").write_text(DOMAIN + replies, encoding="utf-8")
    return str(folder)


def test_the_default_domain_says_what_may_be_answered_alone() -> None:
    replies = load_domain("finance").replies
    assert replies.alone
    assert "fraud" in replies.person
    assert replies.asks_person == ("speak_to_person",)
    assert replies.company
    assert {"anger", "legal", "safety", "person", "courtesy", "automatic"} <= set(replies.words["en"].model_fields_set)


def test_a_domain_without_the_table_answers_nothing_alone(tmp_path: Path) -> None:
    replies = load_domain(written(tmp_path, "")).replies
    assert (replies.alone, replies.person, replies.hours, replies.languages) == ((), (), None, ("en",))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    table = """
[replies]
alone = ["prices"]
person = ["harvest", "human"]
languages = ["en", "de"]
[replies.hours]
zone = "Asia/Tokyo"
mon = ["09:00-12:00", "13:00-24:00"]
closed = [2026-12-25]
[replies.words.de]
anger = ["unverschämt*"]
"""
    replies = load_domain(written(tmp_path, table)).replies
    assert replies.hours is not None
    assert replies.hours.zone == "Asia/Tokyo"
    assert replies.words["de"].anger == ("unverschämt*",)


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ('[replies]\nalone = ["sugar"]', "replies.alone names what the domain has not: sugar"),
        ('[replies]\nperson = ["sugar"]', "replies.person names what the domain has not: sugar"),
        ('[replies]\nasks_person = ["prices"]', "replies.asks_person names what the domain has not: prices"),
        ('[replies]\nalone = ["prices"]\nperson = ["prices"]', "both alone and person: prices"),
        ("[replies]\nlanguages = []", "languages"),
        ('[replies]\nlanguages = ["en-GB"]', "languages"),
        ('[replies]\ncolour = "green"', "colour"),
        ('[replies.hours]\nzone = "Middle/Earth"', "no time zone"),
        ('[replies.hours]\nmon = ["9-17"]', "no span of a day"),
        ('[replies.hours]\nmon = ["17:00-09:00"]', "no span of a day"),
        ('[replies.words.en]\nrage = ["grr"]', "rage"),
    ],
)
def test_a_wrong_table_is_refused_with_its_file_and_fault(tmp_path: Path, table: str, fault: str) -> None:
    with pytest.raises(DomainError) as caught:
        load_domain(written(tmp_path, table))
    assert str(tmp_path / "domain.toml") in str(caught.value)
    assert fault in str(caught.value)


@pytest.mark.parametrize("phrase", ["**", "\u200b*", "\u200b\u200b"])
def test_a_phrase_without_a_word_is_refused_by_its_name(phrase: str) -> None:
    with pytest.raises(ValidationError, match="is no word or phrase"):
        ReplyRules.model_validate({"words": {"en": {"anger": ["furious", phrase]}}})


def test_words_of_any_script_and_signs_are_phrases() -> None:
    words = ReplyRules.model_validate({"words": {"zh": {"legal": ["律师", "24/7", "can't", "sue*", ":("]}}}).words["zh"]
    assert words.legal == ("律师", "24/7", "can't", "sue*", ":(")
