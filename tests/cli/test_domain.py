"""``tocsin domain``: a newcomer's domain is made and checked, and exit codes tell scripts what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import Tocsin

from streams.contract.domain import load_domain

if TYPE_CHECKING:
    from support.commands import Outcome

HEADER = "topic\tsentiment\tintent\ttext"


@pytest.fixture
def tocsin(
    clean_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tocsin:
    monkeypatch.chdir(tmp_path)
    return Tocsin(monkeypatch, capsys)


@pytest.fixture
def rail(tocsin: Tocsin) -> Path:
    """A new domain with messages of its owner's in the place of the worked lines."""
    assert tocsin("domain", "new", "rail", "--topics", "delays,works", "--intents", "refund").code == 0
    folder = Path("domains/rail")
    lines = [
        "\t".join((topic, sentiment, "-", f"[Ostrail](ORG:{sentiment}) {topic} {number} {sentiment}"))
        for topic in ("delays", "works")
        for sentiment in ("negative", "neutral", "positive")
        for number in range(12)
    ]
    write(folder, "news.tsv", *lines)
    (folder / "seed/social.tsv").unlink()
    write(folder, "customer.tsv", *(f"delays\tneutral\trefund\trefund for train {number}" for number in range(24)))
    (folder / "answers/help.md").write_text(
        "# Help\n\n## A refund?\nintent: refund; topics: delays\n\nWithin 5 days.\n"
    )
    config = folder / "domain.toml"
    config.write_text(config.read_text().replace("Example Company", "Ostrail").replace("xampleC", "strailC"))
    return folder


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / "seed" / name).write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")


def findings(outcome: Outcome) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(outcome.out)["findings"]
    return found


def levels(outcome: Outcome) -> set[str]:
    return {finding["level"] for finding in findings(outcome)}


def test_new_makes_a_domain_that_loads_and_says_what_is_next(tocsin: Tocsin) -> None:
    outcome = tocsin("domain", "new", "rail", "--title", "The railway", "--topics", " delays, works ", "--json")
    assert outcome.code == 0
    assert outcome.json["files"] == [
        str(Path("domains/rail", name))
        for name in ("domain.toml", "seed/news.tsv", "seed/social.tsv", "seed/customer.tsv", "answers/help.md")
    ]
    domain = load_domain("domains/rail")
    assert (domain.name, domain.title, domain.topic_names) == ("rail", "The railway", ("delays", "works"))
    assert domain.replies.asks_person == ("speak_to_person",)
    shown = tocsin("domain", "new", "tram", "--folder", "elsewhere")
    assert "tocsin domain check elsewhere" in shown.out
    assert "TOCSIN_DOMAIN=elsewhere" in shown.out


def test_new_overwrites_nothing_and_leaves_nothing_half_made(tocsin: Tocsin, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes").write_text("mine")
    outcome = tocsin("domain", "new", "rail", "--folder", "mine")
    assert (outcome.code, "mine is there already" in outcome.err) == (1, True)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes"]
    (tmp_path / "empty").mkdir()
    assert tocsin("domain", "new", "rail", "--folder", "empty").code == 0
    assert {path.name for path in tmp_path.iterdir()} >= {"mine", "empty"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "arguments",
    [("Rail",), ("rail", "--topics", "one"), ("rail", "--topics", "a,a"), ("rail", "--language", "english")],
)
def test_an_impossible_name_is_refused(tocsin: Tocsin, arguments: tuple[str, ...]) -> None:
    outcome = tocsin("domain", "new", *arguments)
    assert outcome.code == 2
    assert "two topics at least" in outcome.err
    assert not Path("domains").exists()


def test_a_skeleton_as_it_is_made_is_not_enough(tocsin: Tocsin) -> None:
    assert tocsin("domain", "new", "rail").code == 0
    outcome = tocsin("domain", "check", "domains/rail")
    assert outcome.code == 1
    assert "a line of the skeleton" in outcome.out
    assert "mend the errors first" in outcome.out


def test_a_domain_that_is_enough_is_told_so(tocsin: Tocsin, rail: Path) -> None:
    outcome = tocsin("domain", "check", rail)
    assert outcome.code == 0, outcome.out
    assert "96 examples" in outcome.out
    assert "`tocsin models bootstrap` makes a first model of it" in outcome.out
    as_json = tocsin("domain", "check", rail, "--json")
    assert levels(as_json) == {"note"}  # no text names a person, a place or a thing
    counts = {(one["head"], one["label"]): one["examples"] for one in json.loads(as_json.out)["labels"]}
    assert counts["topic", "delays"] == 60
    assert counts["intent", "refund"] == 24
    assert tocsin("domain", "check", rail, "--strict").code == 0


def test_every_wrong_line_and_file_is_told_at_once(tocsin: Tocsin, rail: Path) -> None:
    write(
        rail, "social.tsv", "delays\tnegative\t-\tone", "nonsense", "delays\tbad\t-\ttwo", "delays\tnegative\t-\tX ](y"
    )
    write(rail, "other.tsv", "delays\tnegative\t-\tnot read")
    (rail / "seed/news_bytes.tsv").write_bytes(b"\xff\xfe")
    (rail / "answers/more.md").write_text("## Which?\nintent: nonesuch\n\nThis.\n")
    outcome = tocsin("domain", "check", rail, "--json")
    assert outcome.code == 1
    told = {finding["place"]: finding["problem"] for finding in findings(outcome) if finding["level"] == "error"}
    assert "1 columns where 4 are needed" in told["seed/social.tsv:3"]
    assert "'bad' is none of" in told["seed/social.tsv:4"]
    assert "a mark that is not read as one" in told["seed/social.tsv:5"]
    assert told["seed/other.tsv"].startswith("its name must start with")
    assert "not UTF-8" in told["seed/news_bytes.tsv"]
    assert any(place.startswith("answers/more.md") and "nonesuch" in problem for place, problem in told.items())


def test_a_type_that_the_domain_has_not_is_an_error(tocsin: Tocsin, rail: Path) -> None:
    config = rail / "domain.toml"
    config.write_text(config.read_text().replace('types = ["PER", "ORG", "LOC", "MISC"]', 'types = ["PER"]'))
    outcome = tocsin("domain", "check", rail, "--json")
    assert any("entity type 'ORG' is none of PER" in finding["problem"] for finding in findings(outcome))


def test_warnings_count_where_they_are_asked_to(tocsin: Tocsin, rail: Path) -> None:
    write(rail, "customer.tsv", "delays\tneutral\trefund\tmoney back")
    assert tocsin("domain", "check", rail).code == 0
    assert tocsin("domain", "check", rail, "--strict").code == 1


def test_a_language_that_the_base_does_not_read_is_told(
    tocsin: Tocsin, rail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = rail / "domain.toml"
    config.write_text(config.read_text().replace('language = "en"', 'language = "zh"'))
    told = [finding["problem"] for finding in findings(tocsin("domain", "check", rail, "--json"))]
    assert "model.base = package:bge-small-en reads English, not zh" in told
    monkeypatch.setenv("TOCSIN_MODEL__BASE", "bases/zh")
    assert "reads English" not in tocsin("domain", "check", rail, "--json").out


def test_the_shipped_domain_and_that_of_the_settings(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = tocsin("domain", "check", "--json")
    assert outcome.code == 0
    assert outcome.json["domain"] == "finance"
    assert levels(outcome) <= {"note"}
    monkeypatch.setenv("TOCSIN_DOMAIN", "nowhere")
    missing = tocsin("domain", "check")
    assert (missing.code, "`tocsin domain new NAME` makes one" in missing.err) == (3, True)


def test_a_broken_domain_toml_is_told_with_its_file(tocsin: Tocsin, rail: Path) -> None:
    (rail / "domain.toml").write_text("name = ")
    outcome = tocsin("domain", "check", rail)
    assert (outcome.code, "domain.toml" in outcome.err) == (1, True)


def test_a_folder_that_cannot_be_looked_into_is_told(tocsin: Tocsin) -> None:
    outcome = tocsin("domain", "check", "x" * 300)
    assert (outcome.code, "File name too long" in outcome.err) == (1, True)


def test_files_that_cannot_be_read_are_findings_and_the_others_are_looked_at(
    tocsin: Tocsin, rail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (rail / "seed/social.tsv").mkdir()
    (rail / "answers/more.md").touch()
    read = Path.read_text

    def refuse(path: Path, encoding: str | None = None, errors: str | None = None) -> str:
        if path.name == "more.md":
            raise PermissionError(13, "Permission denied")
        return read(path, encoding, errors)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", refuse)
        outcome = tocsin("domain", "check", rail, "--json")
    told = {finding["place"]: finding["problem"] for finding in findings(outcome) if finding["level"] == "error"}
    assert told == {
        "seed/social.tsv": "it cannot be read: Is a directory",
        "answers/more.md": "[Errno 13] Permission denied",
    }
    assert outcome.code == 1
