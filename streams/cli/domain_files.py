"""Reading and writing a domain's folder: all of it, with every fault and its place, and not merely the first."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from streams.cli import common
from streams.contract.domain import Domain, DomainError
from streams.contract.examples import scan_examples
from streams.contract.replies import Document
from streams.logic.domains.answers import check_answers
from streams.logic.domains.counts import LabelCount, check_counts, count_labels, distinct
from streams.logic.domains.finding import Finding, Level, Placed
from streams.logic.domains.names import check_names
from streams.logic.domains.texts import check_texts
from streams.sources.answers.items import AnswersError, Refused
from streams.sources.answers.making import DocumentMaker
from streams.sources.answers.reading import FORMATS, guess_format, read_answers

_ENGLISH_BASES = {"package:bge-small-en", "package:e5-small-v2", "package:minilm-l6"}


class Account(msgspec.Struct, kw_only=True):
    """What a domain's folder holds, and what is wrong with it."""

    domain: str
    folder: str
    examples: int
    held_out: int
    answers: int
    pages: int
    labels: list[LabelCount]
    findings: list[Finding]

    def count(self, level: Level) -> int:
        """How many findings are of this level."""
        return sum(finding.level == level for finding in self.findings)


def write_folder(folder: Path, files: dict[str, str]) -> None:
    """Write a folder that is not there yet, whole or not at all.

    Raises:
        CommandError: Something is there, or it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise common.CommandError(f"{folder} is there already: give another --folder; nothing was written")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            made = Path(temporary, folder.name)
            for name, content in files.items():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
            if folder.exists():
                folder.rmdir()
            shutil.move(made, folder)
    except OSError as error:
        raise common.CommandError(f"{folder} cannot be written: {error}") from error


def look_through(domain: Domain, base: str) -> Account:
    """Read all of a domain and tell what is wrong or missing.

    Args:
        domain: The domain.
        base: Base weights of a first model, as the settings name them.
    """
    findings: list[Finding] = []
    placed = list(_examples(domain, findings))
    documents = list(_documents(domain, findings))
    examples = distinct(placed)
    counts = count_labels(domain, examples)
    findings += check_texts(placed)
    findings += check_counts(examples, counts)
    findings += check_names(domain, placed, _sample(domain))
    findings += check_answers(domain, documents)
    if domain.language != "en" and base in _ENGLISH_BASES:
        findings.append(
            Finding(
                level="warning",
                place="domain.toml, language",
                problem=f"model.base = {base} reads English, not {domain.language}",
                advice="name a base that reads it: docs/base-model.md",
            )
        )
    order: tuple[Level, ...] = ("error", "warning", "note")
    return Account(
        domain=domain.name,
        folder=str(domain.folder),
        examples=len(examples),
        held_out=sum(example.held_out for example in examples),
        answers=sum(document.question is not None for document in documents),
        pages=sum(document.question is None for document in documents),
        labels=counts,
        findings=sorted(findings, key=lambda finding: order.index(finding.level)),
    )


def _examples(domain: Domain, findings: list[Finding]) -> Iterator[Placed]:
    for path in domain.seed_files:
        name = path.relative_to(domain.folder).as_posix()
        try:
            for number, found in scan_examples(path, domain):
                if isinstance(found, ValueError):
                    findings.append(_error(f"{name}:{number}", str(found), "the line is not learnt from: mend it"))
                else:
                    yield Placed(f"{name}:{number}", found)
        except DomainError as error:
            findings.append(_error(name, _without(error, path), "nothing in it is learnt from: mend the file"))


def _documents(domain: Domain, findings: list[Finding]) -> Iterator[Document]:
    root = domain.folder / "answers"
    for path in domain.answers_files:
        name = path.relative_to(root).as_posix()
        if path.suffix.lower() not in FORMATS or name.startswith("."):
            continue
        maker = DocumentMaker(
            name,
            time=datetime.now(UTC),
            language=domain.language,
            intents=domain.intent_names,
            topics=domain.topic_names,
        )
        try:
            for item in read_answers(guess_format(name), path.read_text(encoding="utf-8"), maker):
                if isinstance(item, Refused):
                    findings.append(
                        _error(f"answers/{name}, {item.place}", item.problem, "it is not imported: mend it")
                    )
                else:
                    yield item.document
        except (AnswersError, UnicodeDecodeError, OSError) as error:
            findings.append(
                _error(f"answers/{name}", _without(error, path), "nothing of it is imported: mend the file")
            )


def _sample(domain: Domain) -> list[str]:
    return [domain.sample_file.read_text(encoding="utf-8", errors="replace")] if domain.sample_file.is_file() else []


def _error(place: str, problem: str, advice: str) -> Finding:
    return Finding(level="error", place=place, problem=problem, advice=advice)


def _without(error: Exception, path: Path) -> str:
    """What an error says, without the path that stands before it."""
    return str(error).removeprefix(f"{path}: ")
