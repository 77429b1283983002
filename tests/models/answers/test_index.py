"""What is put is found, what is removed is not, and nobody waits for anybody longer than it takes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from support.answers import WordEncoder, make_document

from models.answers.index import AnswerIndex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from models.answers.index import Found
    from streams.contract.replies import Document

LOST = make_document("lost", "I lost my card", "Freeze the card in the app.", intent="card_lost", topics=["payments"])
ADDRESS = make_document("address", "How do I change my address", "Open the profile and enter the new address.")
PIN = make_document("pin", "How do I change the PIN", "At any cash machine of ours.")
PAGE = make_document(
    "fees",
    None,
    "Prices of accounts.\n\n## Overdrafts\n\nAn overdraft costs 34.9% EAR.",
    title="Fees",
    topics=["payments"],
)


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


def index_of(encoder: WordEncoder, *documents: Document) -> AnswerIndex:
    index = AnswerIndex(encoder, encoder.sha256)
    index.put(documents)
    return index


def search(index: AnswerIndex, text: str, limit: int = 5, language: str | None = None) -> list[Found]:
    (found,) = index.search([text], limit, language=language)
    return found


def ids(found: Sequence[Found]) -> list[str]:
    return [one.id for one in found]


def test_the_likeliest_answer_comes_first_with_all_that_a_reply_needs(encoder: WordEncoder) -> None:
    best, *others = search(index_of(encoder, LOST, ADDRESS, PIN, PAGE), "i lost my card!")
    assert best._replace(score=0.0) == (
        "lost", LOST.text, LOST.question, 0.0, "card_lost", ("payments",), None, "lost", True
    )  # fmt: skip
    assert best.score > 0.9
    assert all(other.score < 0.4 for other in others)
    assert sorted(others, key=lambda other: -other.score) == others


def test_a_page_is_found_by_its_passage_under_its_headings(encoder: WordEncoder) -> None:
    best = search(index_of(encoder, LOST, PAGE), "what does an overdraft cost")[0]
    assert (best.id, best.document, best.title) == ("fees#2", "fees", "Fees: Overdrafts")
    assert (best.text, best.question) == ("An overdraft costs 34.9% EAR.", None)


def test_a_rare_word_of_an_answer_decides_among_like_questions(encoder: WordEncoder) -> None:
    codes = [
        make_document(str(code), f"Error in step {code}", f"Code QX-{code} is known.") for code in range(7700, 7750)
    ]
    assert search(index_of(encoder, *codes), "Error in step, it says QX-7741", 1)[0].id == "7741"


def test_several_texts_are_asked_at_once_and_answered_in_order(encoder: WordEncoder) -> None:
    index = index_of(encoder, LOST, PIN)
    found = index.search(["change the PIN", "lost card"], 1)
    assert [ids(one) for one in found] == [["pin"], ["lost"]]
    assert index.search([], 1) == []
    assert AnswerIndex(encoder, encoder.sha256).search(["a", "b"], 1) == [[], []]


def test_a_question_among_other_sentences_is_found_but_less_surely_than_alone(encoder: WordEncoder) -> None:
    index = index_of(encoder, LOST, PIN)
    alone = search(index, "How do I change the PIN?")[0]
    among = search(index, "Good morning to all of you up there. How do I change the PIN? My dog sends his regards.")[0]
    buried = search(index, "Good morning to all of you up there how do I change the PIN my dog sends his regards")[0]
    assert alone.id == among.id == "pin"
    assert alone.score > among.score > buried.score


def test_a_newer_document_replaces_that_of_its_id(encoder: WordEncoder) -> None:
    index = index_of(encoder, LOST, PIN)
    index.put([make_document("lost", "I lost my umbrella", "We have no umbrellas.")])
    assert len(index) == 2
    best = search(index, "umbrella lost")[0]
    assert (best.id, best.text) == ("lost", "We have no umbrellas.")
    assert "Freeze the card in the app." not in [one.text for one in search(index, "I lost my card")]


def test_only_new_texts_are_embedded(encoder: WordEncoder) -> None:
    index = index_of(encoder, LOST, PIN)
    encoder.embedded.clear()
    corrected = make_document("lost", LOST.question, "Freeze it, then ring us.")
    index.put([LOST, PIN, corrected])
    assert encoder.embedded == []
    assert search(index, "I lost my card")[0].text == "Freeze it, then ring us."
    encoder.embedded.clear()
    index.put([make_document("lost", "My card is gone")])
    assert encoder.embedded == ["My card is gone"]


def test_what_is_removed_is_found_no_more(encoder: WordEncoder) -> None:
    index = index_of(encoder, LOST, PAGE)
    index.remove(["fees", "never there"])
    assert len(index) == 1
    assert ids(search(index, "overdraft fees")) == ["lost"]
    index.remove(["lost"])
    assert search(index, "I lost my card") == []


def test_equal_questions_and_equal_answers_fill_no_list(encoder: WordEncoder) -> None:
    index = index_of(
        encoder,
        make_document("old", "I lost my card", "Ring us."),
        make_document("new", "I LOST my card!", "Use the app.", minutes=5),
        make_document("wording", "my card is lost and gone", "use the app"),
        PIN,
    )
    assert ids(search(index, "I lost my card")) == ["new", "pin"]


def test_only_documents_of_the_language_asked_for_are_found(encoder: WordEncoder) -> None:
    index = index_of(
        encoder,
        make_document("gb", "lost card", language="en-GB"),
        make_document("de", "lost card weg", "Karte sperren", language="de"),
    )
    assert ids(search(index, "lost card", language="en")) == ["gb"]
    assert ids(search(index, "lost card", language="de-AT")) == ["de"]
    assert search(index, "lost card", language="fr") == []
    assert set(ids(search(index, "lost card"))) == {"gb", "de"}


def test_a_document_that_changes_its_language_is_in_one_alone(encoder: WordEncoder) -> None:
    index = index_of(encoder, make_document("a", "lost card", language="en"))
    index.put([make_document("a", "lost card", language="de")])
    assert search(index, "lost card", language="en") == []
    assert ids(search(index, "lost card", language="de")) == ["a"]


def test_thousands_come_and_go_and_each_is_still_found(encoder: WordEncoder) -> None:
    index = AnswerIndex(encoder, encoder.sha256)
    documents = [make_document(str(number), f"w{number} q{number % 7} thing") for number in range(2600)]
    index.put(documents[:1500])
    index.put(documents[1500:])
    index.remove([str(number) for number in range(0, 2600, 2)])
    for number in range(1, 2600, 2):
        if number % 5 == 0:
            index.put([make_document(str(number), f"v{number} q{number % 7} thing")])
    assert len(index) == 1300
    for number in (1, 5, 1499, 1505, 2599):
        word = "v" if number % 5 == 0 else "w"
        assert search(index, f"{word}{number} q{number % 7} thing", 1)[0].id == str(number)
    gone = {str(number) for number in range(0, 2600, 2)}
    assert not gone & set(ids(search(index, "w2 q2 thing", 50)))


def test_all_may_go_and_others_come(encoder: WordEncoder) -> None:
    index = AnswerIndex(encoder, encoder.sha256)
    # So many that the places of those that went are taken up again.
    documents = [make_document(str(number), f"w{number} thing") for number in range(600)]
    index.put([*documents, make_document("de", "verlorene karte", language="de")])
    index.remove([document.id for document in documents])
    assert len(index) == 1
    assert search(index, "w7 thing", language="en") == []
    index.put([LOST])
    assert ids(search(index, "I lost my card", language="en")) == ["lost"]


def test_an_approved_answer_comes_before_an_equal_one_that_is_not(encoder: WordEncoder) -> None:
    private = make_document("a label", LOST.question, LOST.text, minutes=60, approved=False)
    (found,) = search(index_of(encoder, private, LOST), "I lost my card")
    assert (found.id, found.approved) == ("lost", True)


def test_a_document_of_headings_alone_is_kept_and_never_found(encoder: WordEncoder) -> None:
    index = index_of(encoder, make_document("empty", None, "## Nothing\n\n## Under these"), LOST)
    assert len(index) == 2
    assert ids(search(index, "nothing under these")) == ["lost"]


def test_a_search_waits_for_nothing_that_is_being_embedded() -> None:
    encoder, asked, go_on = WordEncoder(), threading.Event(), threading.Event()

    def embed(texts: Sequence[str]) -> np.ndarray:
        if "slow" in texts:
            asked.set()
            assert go_on.wait(10)
        return encoder(texts)

    index = AnswerIndex(embed, encoder.sha256)
    index.put([LOST])
    writer = threading.Thread(target=index.put, args=([make_document("slow", "slow")],))
    writer.start()
    assert asked.wait(10)
    assert ids(search(index, "I lost my card")) == ["lost"]
    go_on.set()
    writer.join()
    assert len(index) == 2


def test_searches_and_changes_at_once_show_whole_documents_alone(encoder: WordEncoder) -> None:
    index, done = index_of(encoder, PIN), threading.Event()
    problems: list[object] = []

    def look() -> None:
        try:
            while not done.is_set():
                found = search(index, "number of a question", 5)
                problems.extend(one for one in found if one.id != "pin" and one.text != f"Answer {one.question}")
        except Exception as error:  # noqa: BLE001  told by the test
            problems.append(error)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for turn in range(40):
        index.put(
            [
                make_document(str(number), f"question {number} {turn}", f"Answer question {number} {turn}")
                for number in range(20)
            ]
        )
        index.remove([str(number) for number in range(turn % 20)])
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []


def test_an_encoder_that_fails_leaves_the_index_as_it_was(encoder: WordEncoder) -> None:
    def embed(texts: Sequence[str]) -> np.ndarray:
        if "bad" in texts:
            raise RuntimeError("no memory")
        return encoder(texts)

    index = AnswerIndex(embed, encoder.sha256)
    index.put([LOST])
    with pytest.raises(RuntimeError):
        index.put([make_document("lost", "bad"), PIN])
    assert index.documents() == [LOST]
    index.put([PIN])
    assert ids(search(index, "I lost my card", 1)) == ["lost"]


def test_another_encoder_embeds_all_anew_while_the_first_serves(encoder: WordEncoder) -> None:
    index, other = index_of(encoder, LOST, PIN, PAGE), WordEncoder("other")
    made = index.reembedded(other, other.sha256)
    assert made.embedder == other.sha256
    assert len(other.embedded) == 4
    assert ids(search(made, "I lost my card", 1)) == ["lost"]
    index.put([ADDRESS])
    index.remove(["pin"])
    other.embedded.clear()
    made.catch_up(index)
    assert other.embedded == [ADDRESS.question]
    assert {document.id for document in made.documents()} == {"lost", "fees", "address"}


def test_what_is_saved_is_loaded_without_embedding(encoder: WordEncoder, tmp_path: Path) -> None:
    index = index_of(encoder, LOST, PIN, PAGE, make_document("de", "Karte weg", language="de"))
    index.remove(["pin"])
    index.save(tmp_path / "answers")
    before = [search(index, text) for text in ("I lost my card", "overdraft", "Karte")]
    encoder.embedded.clear()
    loaded = AnswerIndex.load(tmp_path / "answers", encoder, encoder.sha256)
    assert encoder.embedded == []
    assert loaded.documents() == index.documents()
    after = [search(loaded, text) for text in ("I lost my card", "overdraft", "Karte")]
    assert [ids(found) for found in after] == [ids(found) for found in before]
    assert [found[0].score for found in after] == pytest.approx([found[0].score for found in before], abs=0.02)


def test_vectors_of_another_encoder_are_refused_and_the_texts_embedded_anew(
    encoder: WordEncoder, tmp_path: Path
) -> None:
    index_of(encoder, LOST, PAGE).save(tmp_path)
    other = WordEncoder("other")
    loaded = AnswerIndex.load(tmp_path, other, other.sha256)
    assert len(other.embedded) == 3
    assert search(loaded, "I lost my card", 1)[0].score > 0.9
