"""A domain is data: its topics, intents and entities, its seed examples and answers, in one folder.

The folder holds ``domain.toml``, ``seed/*.tsv`` (labelled examples), ``answers/`` (what customers may be answered),
``sample.jsonl`` (a stream for the demo) and ``lesson/*.tsv`` (what the demo teaches).
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from streams.contract.records import EntityType
from streams.contract.reply_rules import LabelName, ReplyRules
from streams.contract.subjects import is_name


class DomainError(ValueError):
    """A domain cannot be found or read; the message names the file and what is wrong."""


class NoDomainError(DomainError):
    """There is no such domain."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(_Part):
    """One class that a head can answer."""

    name: LabelName
    title: str


class Entities(_Part):
    """What is known of the domain's entities."""

    types: tuple[EntityType, ...] = ("PER", "ORG", "LOC", "MISC")
    legal_suffixes: tuple[str, ...] = ()
    aliases: dict[str, tuple[str, ...]] = {}

    @field_validator("aliases")
    @classmethod
    def _have_letters(cls, aliases: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        empty = [name for canonical, others in aliases.items() for name in (canonical, *others) if not is_name(name)]
        if empty:
            raise ValueError(
                f"nothing is left of {', '.join(map(repr, empty))} once marks and punctuation are dropped, so that it "
                "names nothing: take it out, or write it with letters or digits"
            )
        return aliases


class Domain(_Part):
    """A domain as ``domain.toml`` tells it."""

    name: LabelName
    title: str
    language: str = "en"
    topic_mode: Literal["single", "multi"] = "single"
    topics: Annotated[tuple[Label, ...], Field(min_length=2)]
    intents: tuple[Label, ...] = ()
    entities: Entities = Entities()
    replies: ReplyRules = ReplyRules()
    folder: Path = Field(exclude=True)

    @field_validator("topics", "intents")
    @classmethod
    def _distinct(cls, labels: tuple[Label, ...]) -> tuple[Label, ...]:
        names = [label.name for label in labels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return labels

    @model_validator(mode="after")
    def _replies_name_what_there_is(self) -> Self:
        for field, known in (
            ("alone", self.topic_names),
            ("person", (*self.topic_names, *self.intent_names)),
            ("asks_person", self.intent_names),
        ):
            unknown = sorted(set(getattr(self.replies, field)) - set(known))
            if unknown:
                raise ValueError(f"replies.{field} names what the domain has not: {', '.join(unknown)}")
        return self

    @property
    def topic_names(self) -> tuple[str, ...]:
        """Topics in the order of the model's outputs."""
        return tuple(label.name for label in self.topics)

    @property
    def intent_names(self) -> tuple[str, ...]:
        """Intents in the order of the model's outputs."""
        return tuple(label.name for label in self.intents)

    @property
    def seed_files(self) -> list[Path]:
        """Files of labelled examples, in order of name."""
        return sorted((self.folder / "seed").glob("*.tsv"))

    @property
    def answers_files(self) -> list[Path]:
        """Files of what customers may be answered, in order of name; those of folders among them too."""
        return sorted(path for path in (self.folder / "answers").rglob("*.*") if path.is_file())

    @property
    def lesson_files(self) -> list[Path]:
        """Labelled examples of something new, for the demo to teach; in order of name."""
        return sorted((self.folder / "lesson").glob("*.tsv"))

    @property
    def sample_file(self) -> Path:
        """The demo's stream."""
        return self.folder / "sample.jsonl"


def load_domain(name_or_folder: str) -> Domain:
    """Read a domain.

    Args:
        name_or_folder: A folder that holds ``domain.toml``, or the name of a domain that ships with Tocsin.

    Raises:
        DomainError: There is no such domain (``NoDomainError``), or its file is wrong or cannot be read.
    """
    try:
        file = _file(name_or_folder)
        if file is None:
            raise NoDomainError(
                f"no domain {name_or_folder!r}: neither a folder with domain.toml nor one that is shipped"
            )
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DomainError(f"the domain {name_or_folder!r} cannot be read: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DomainError(f"{file}: {error}") from error
    if "folder" in told:
        raise DomainError(f"{file}: folder is no key of it: a domain's folder is where its domain.toml lies")
    try:
        return Domain(**told, folder=file.parent)
    except (ValidationError, OSError) as error:  # some names of time zones are folders of the system's
        raise DomainError(f"{file}: {error}") from error


def _file(name_or_folder: str) -> Path | None:
    file = Path(name_or_folder) / "domain.toml"
    if not file.is_file():
        file = Path(str(files("domains").joinpath(name_or_folder))) / "domain.toml"
    return file if file.is_file() else None
