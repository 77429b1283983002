"""Answers go in, are looked at, searched and taken out, on the embedded broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from support.answers import make_document
from support.commands import Tocsin
from support.labels import make_label
from support.messages import produce

from streams.brokers.reading import read_all
from streams.contract.domain import load_domain
from streams.contract.labels import label_key
from streams.contract.records import encode
from streams.contract.replies import Document
from streams.contract.topics import documents_topic, labels_topic

if TYPE_CHECKING:
    from pathlib import Path

    from streams.brokers.tansu import TansuBroker
    from streams.contract.settings import Settings

pytestmark = pytest.mark.integration

CARDS = """# Cards

## Lost?
intent: card_lost; topics: payments
also: card gone

Freeze it.

## Stolen?
intent: card_lost; topics: fraud

Ring us.
"""


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """What the commands do is the same on every broker."""
    return tansu_broker


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stream_settings: Settings) -> Tocsin:
    return Tocsin(monkeypatch, capsys).under(stream_settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "help"
    path.mkdir()
    (path / "cards.md").write_text(CARDS, encoding="utf-8")
    (path / "fees.html").write_text("<h1>Fees</h1><p>None.</p>", encoding="utf-8")
    return path


def standing(settings: Settings) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for record in read_all(settings, documents_topic(settings.topics)):
        assert record.key is not None
        if record.value is None:
            found.pop(record.key.decode())
        else:
            found[record.key.decode()] = msgspec.json.decode(record.value, type=Document)
    return found


def put(settings: Settings, *documents: Document) -> None:
    records = [(document.id.encode(), encode(document), []) for document in documents]
    produce(settings, documents_topic(settings.topics), records)


def questions(settings: Settings) -> set[str | None]:
    return {document.question for document in standing(settings).values()}


def test_a_folder_is_sent_and_sent_again_only_where_it_changed(
    tocsin: Tocsin, stream_settings: Settings, folder: Path
) -> None:
    looked = tocsin("answers", "import", folder, "--dry-run")
    assert (looked.code, standing(stream_settings)) == (0, {})
    assert "3 answers and 1 page of 2 files: 4 new; nothing sent (dry run)" in looked.err

    sent = tocsin("answers", "import", folder, "--json")
    assert (sent.code, sent.json["new"], sent.json["acknowledged"]) == (0, 4, 4)
    found = standing(stream_settings)
    assert all(document.id == key for key, document in found.items())
    assert {(document.question, document.source) for document in found.values()} == {
        ("Lost?", "cards.md"),
        ("card gone", "cards.md"),
        ("Stolen?", "cards.md"),
        (None, "fees.html"),
    }

    again = tocsin("answers", "import", folder, "--json")
    assert (again.code, again.json["unchanged"], again.json["acknowledged"]) == (0, 4, 0)

    (folder / "cards.md").write_text(CARDS.replace("Ring us.", "Ring us at once."), encoding="utf-8")
    changed = tocsin("answers", "import", folder, "--json")
    assert (changed.json["changed"], changed.json["unchanged"], changed.json["acknowledged"]) == (1, 3, 1)


def test_what_is_gone_from_the_files_is_told_and_taken_out_on_demand(
    tocsin: Tocsin, stream_settings: Settings, folder: Path
) -> None:
    put(stream_settings, make_document("elsewhere", "Other?", source="other.md"))
    tocsin("answers", "import", folder)
    (folder / "cards.md").write_text(CARDS.replace("Stolen?", "Robbed?"), encoding="utf-8")
    told = tocsin("answers", "import", folder)
    assert "1 document of an earlier import is no longer in these files (--prune takes them out)" in told.err
    assert {"Stolen?", "Robbed?"} < questions(stream_settings)

    (folder / "cards.md").write_text(f"{CARDS}\n## Bad?\nintent: nonsense\n\nX\n", encoding="utf-8")
    not_yet = tocsin("answers", "import", folder, "--prune")
    assert not_yet.code == 1
    assert "not while something is refused" in not_yet.err
    assert "Robbed?" in questions(stream_settings)

    (folder / "cards.md").write_text(CARDS, encoding="utf-8")
    pruned = tocsin("answers", "import", folder, "--prune", "--json")
    assert (pruned.code, pruned.json["missing"], pruned.json["pruned"]) == (0, 1, 1)
    assert questions(stream_settings) == {"Lost?", "card gone", "Stolen?", None, "Other?"}


def test_files_of_one_name_in_two_languages_do_not_take_each_other_out(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path
) -> None:
    for language, question in (("en", "Lost?"), ("de", "Verloren?")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "faq.md").write_text(f"## {question}\n\nX\n", encoding="utf-8")
        done = tocsin("answers", "import", tmp_path / language, "--language", language, "--prune", "--json")
        assert (done.code, done.json["pruned"]) == (0, 0)
    assert questions(stream_settings) == {"Lost?", "Verloren?"}


def test_what_is_no_answer_is_told_with_file_and_line_and_the_rest_is_sent(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path
) -> None:
    table = tmp_path / "faq.csv"
    table.write_text("question,answer,intent\nLost?,Freeze it.,card_lost\nFees?,None.,fees\n", encoding="utf-8")
    sent = tocsin("answers", "import", table)
    assert sent.code == 1
    assert f"{table}, line 3: intent 'fees' is none of" in sent.err
    assert questions(stream_settings) == {"Lost?"}
    allowed = tocsin("answers", "import", table, "--allow-new", "--json")
    assert (allowed.code, allowed.json["new"], allowed.json["unchanged"]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("name", "content", "code", "told"),
    [
        ("a.txt", b"x", 1, "cannot tell its format"),
        ("a.md", b"caf\xe9", 1, "is not utf-8"),
        ("a.csv", b"question,reply text\nx,y\n", 1, "no column is named answer"),
        ("a.html", b"<nav>Menu</nav>", 3, "no answer is in it"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_its_name(
    tocsin: Tocsin, stream_settings: Settings, tmp_path: Path, name: str, content: bytes, code: int, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = tocsin("answers", "import", tmp_path / name)
    assert outcome.code == code
    assert name in outcome.err
    assert told in outcome.err
    assert standing(stream_settings) == {}


def test_the_domains_own_answers_are_brought_in_without_naming_them(tocsin: Tocsin, stream_settings: Settings) -> None:
    sent = tocsin("answers", "import", "--json")
    assert (sent.code, sent.json["refused"]) == (0, [])
    found = standing(stream_settings)
    assert len(found) == sent.json["new"] == sent.json["acknowledged"]
    pages = [document for document in found.values() if document.question is None]
    assert len(pages) >= 6
    assert {document.source.partition("/")[0] for document in found.values()} == {"finance"}
    assert {document.intent for document in found.values()} - {None} == set(load_domain("finance").intent_names)


def test_a_search_shows_what_may_be_sent_and_what_is_too_little(tocsin: Tocsin, stream_settings: Settings) -> None:
    put(
        stream_settings,
        make_document("lost", "I have lost my card, please block it", "Freeze it.", intent="card_lost"),
        make_document("rate", "Which exchange rate do you use?", "That of the day.", intent="fee_question"),
    )
    best = tocsin("answers", "search", "I've lost my debit card, please block it", "--json", "--limit", "1")
    assert (best.json["intent"], best.json["document"]) == ("card_lost", "lost")
    assert float(str(best.json["score"])) > stream_settings.replies.send_score
    assert "send" in tocsin("answers", "search", "I have lost my card, please block it").out
    table = tocsin("answers", "search", "what is the weather like on mars", "--limit", "2")
    assert "too low" in table.out
    assert "send" not in table.out
    none = tocsin("answers", "search", "verlorene Karte", "--language", "de")
    assert (none.code, "in this language" in none.err) == (3, True)


def test_replies_in_labels_are_brought_in(tocsin: Tocsin, stream_settings: Settings) -> None:
    label = make_label("1", text="How do I reset it?", reply="Tap Forgotten password.", intent="login_problem")
    key = label_key(label.message_id, label.labeller)
    produce(stream_settings, labels_topic(stream_settings.topics), [(key, encode(label), [])])
    assert tocsin("answers", "import", "somewhere", "--labels").code == 2
    assert tocsin("answers", "import", "--labels", "--json").json["new"] == 1
    assert [document.text for document in standing(stream_settings).values()] == ["Tap Forgotten password."]
    assert tocsin("answers", "import", "--labels", "--json").json["unchanged"] == 1


def test_answers_are_listed_masked_and_shown_as_they_are(tocsin: Tocsin, stream_settings: Settings) -> None:
    put(
        stream_settings,
        make_document(
            "aa1", "May I write to ann@example.com?", "Yes, to ann@example.com.", intent="other", source="a.md"
        ),
        make_document("ab2", None, "Page.", title="Cards", source="b.md"),
    )
    listed = tocsin("answers", "list", "--json", "--source", "a.md")
    assert listed.json["id"] == "aa1"
    for outcome in (listed, tocsin("answers", "list")):
        assert "ann@example.com" not in outcome.out
    assert [line.split('"')[3] for line in tocsin("answers", "list", "--json").out.splitlines()] == ["aa1", "ab2"]
    assert "page: Cards" in tocsin("answers", "list").out
    assert "Yes, to ann@example.com." in tocsin("answers", "show", "aa").out
    assert tocsin("answers", "show", "a").code == 1
    assert tocsin("answers", "show", "zz").code == 3


def test_answers_are_taken_out_by_id_or_file(tocsin: Tocsin, stream_settings: Settings) -> None:
    put(
        stream_settings,
        *(make_document(f"{name}{number}", None, source=f"{name}.md") for name in "ab" for number in "123"),
    )
    assert tocsin("answers", "remove", "--yes").code == 2
    assert tocsin("answers", "remove", "--source", "c.md", "--yes").code == 3
    assert tocsin("answers", "remove", "a1", "a9", "--yes").code == 3
    assert tocsin("answers", "remove", "a1", "--source", "b.md", "--yes").code == 0
    assert set(standing(stream_settings)) == {"a2", "a3"}


def test_a_search_of_nothing_says_what_to_do(tocsin: Tocsin) -> None:
    outcome = tocsin("answers", "search", "lost")
    assert (outcome.code, "tocsin answers import" in outcome.err) == (3, True)
