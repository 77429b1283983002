"""A new domain is whole, explains every key that there is, and is told of wherever its worked lines are left."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streams.contract.domain import Domain, Entities, Label, load_domain
from streams.contract.examples import load_seed
from streams.contract.reply_rules import Hours, ReplyRules, Words
from streams.logic.domains.skeleton import EXAMPLE, skeleton

if TYPE_CHECKING:
    from pydantic import BaseModel


def named(*, language: str = "en", intents: tuple[str, ...] = ("refund", "speak_to_person")) -> Domain:
    return Domain(
        name="rail",
        title='Rail "and" tram',
        language=language,
        topics=(Label(name="delays", title="Delays \u2014 and \\ worse"), Label(name="works", title="Works")),
        intents=tuple(Label(name=intent, title=intent) for intent in intents),
        replies=ReplyRules(asks_person=tuple({"speak_to_person"} & set(intents)), languages=(language,)),
        folder=Path(),
    )


def written(domain: Domain, folder: Path) -> Domain:
    for name, content in skeleton(domain, str(folder)).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return load_domain(str(folder))


@pytest.mark.parametrize("intents", [("refund", "speak_to_person"), ()])
def test_it_reads_back_as_it_was_named(tmp_path: Path, intents: tuple[str, ...]) -> None:
    domain = named(language="zh", intents=intents)
    found = written(domain, tmp_path)
    assert (found.name, found.title, found.language) == (domain.name, domain.title, "zh")
    assert (found.topics, found.intents) == (domain.topics, domain.intents)
    assert found.replies.asks_person == domain.replies.asks_person
    assert list(found.replies.words) == ["zh"]
    assert bool(found.answers_files) == bool(intents)


def test_every_topic_intent_and_sentiment_has_a_worked_line(tmp_path: Path) -> None:
    examples = load_seed(written(named(), tmp_path))
    assert all(example.text.startswith(EXAMPLE) for example in examples)
    assert {topic for example in examples for topic in example.topics} == {"delays", "works"}
    assert {example.intent for example in examples} == {None, "refund", "speak_to_person"}
    assert {example.sentiment for example in examples} == {"negative", "neutral", "positive"}
    assert {span.type for example in examples for span in example.entities} == {"PER", "ORG", "LOC", "MISC"}


@pytest.mark.parametrize("part", [Domain, Entities, ReplyRules, Hours, Words])
def test_every_key_is_there_with_a_comment(part: type[BaseModel]) -> None:
    text = skeleton(named(), "rail")["domain.toml"]
    uncommented = "\n".join(
        line.removeprefix("# ") if "=" in line or line.startswith("# [") else line for line in text.splitlines()
    )
    missing = [
        name
        for name in part.model_fields
        if name != "folder"
        and not any(
            line.startswith((f"{name} =", f"[{name}", f"[[{name}")) or f".{name}" in line
            for line in uncommented.splitlines()
        )
    ]
    assert missing == []
    tomllib.loads(text)
