"""A domain is data, and a wrong one is refused with the file and the fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.contract.domain import DomainError, load_domain

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL = """
name = "tea"
title = "Tea"
[[topics]]
name = "prices"
title = "Prices"
[[topics]]
name = "harvest"
title = "Harvest"
"""


def written(folder: Path, text: str) -> str:
    (folder / "domain.toml").write_text(text, encoding="utf-8")
    return str(folder)


def test_the_default_domain_is_shipped() -> None:
    domain = load_domain("finance")
    assert domain.topic_mode == "single"
    assert "fraud" in domain.topic_names
    assert len(domain.topics) >= 8
    assert "card_lost" in domain.intent_names
    assert domain.sample_file.is_file()
    assert domain.seed_files == sorted(domain.seed_files)
    assert domain.answers_files == sorted(domain.answers_files)
    assert {"cards.md", "card-policy.md"} <= {file.name for file in domain.answers_files}


def test_a_folder_is_a_domain(tmp_path: Path) -> None:
    domain = load_domain(written(tmp_path, MINIMAL))
    assert domain.topic_names == ("prices", "harvest")
    assert domain.intent_names == ()
    assert domain.entities.types == ("PER", "ORG", "LOC", "MISC")
    assert domain.folder == tmp_path


def test_answers_are_the_files_of_a_folder_and_those_within_it(tmp_path: Path) -> None:
    domain = load_domain(written(tmp_path, MINIMAL))
    assert domain.answers_files == []
    for name in ("answers/b.md", "answers/pages/a.html", "seed/c.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert domain.answers_files == [tmp_path / "answers" / "b.md", tmp_path / "answers" / "pages" / "a.html"]


def test_order_of_labels_is_the_order_of_the_file(tmp_path: Path) -> None:
    swapped = MINIMAL.replace("prices", "x").replace("harvest", "prices").replace('"x"', '"harvest"')
    assert load_domain(written(tmp_path, swapped)).topic_names == ("harvest", "prices")


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('name = "harvest"', 'name = "prices"', "named twice: prices"),
        ('name = "harvest"', 'name = "Harvest Time"', "should match pattern"),
        ('title = "Tea"', 'title = "Tea"\ncolour = "green"', "colour"),
        ('title = "Tea"', 'title = "Tea"\ntopic_mode = "several"', "topic_mode"),
        ('title = "Tea"', 'title = "Tea"\nfolder = "elsewhere"', "folder is no key of it"),
        ('title = "Tea"', "title = ", "Invalid value"),
        ('title = "Harvest"', 'title = "Harvest"\n[replies.hours]\nzone = "Europe"', "domain.toml: "),
        ('[[topics]]\nname = "harvest"\ntitle = "Harvest"', "", "at least 2 items"),
        ('title = "Harvest"', 'title = "Harvest"\n[entities.aliases]\nAcme = ["ACM", "!!"]', "nothing is left of '!!'"),
        ('title = "Harvest"', 'title = "Harvest"\n[entities.aliases]\n"@" = ["ACM"]', "nothing is left of '@'"),
    ],
)
def test_a_wrong_domain_is_refused_with_its_file_and_fault(tmp_path: Path, before: str, after: str, fault: str) -> None:
    assert before in MINIMAL
    with pytest.raises(DomainError) as caught:
        load_domain(written(tmp_path, MINIMAL.replace(before, after)))
    assert str(tmp_path / "domain.toml") in str(caught.value)
    assert fault in str(caught.value)


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 3000])
def test_a_name_that_no_folder_can_have_is_told(name: str) -> None:
    with pytest.raises(DomainError, match="File name too long"):
        load_domain(name)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    folder = written(tmp_path, MINIMAL)
    with monkeypatch.context() as patched:
        patched.setattr(type(tmp_path), "read_text", refuse)
        with pytest.raises((DomainError, PermissionError)) as caught:
            load_domain(folder)
    assert isinstance(caught.value, DomainError)
    assert f"'{folder}' cannot be read: [Errno 13] Permission denied" in str(caught.value)


def test_a_domain_that_is_nowhere_is_told_by_its_name() -> None:
    with pytest.raises(DomainError, match="no domain 'no-such'"):
        load_domain("no-such")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "domain.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(DomainError, match=r"domain\.toml"):
        load_domain(str(tmp_path))
