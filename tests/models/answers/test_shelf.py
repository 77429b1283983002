"""A shelf is tidied when it is worth it, and holds the same entries before and after."""

from __future__ import annotations

import numpy as np
from support.answers import WIDTH, WordEncoder, make_document

from models.answers.asking import Query
from models.answers.entries import entries_of
from models.answers.shelf import Shelf


def filled(count: int) -> tuple[Shelf, WordEncoder]:
    encoder, shelf = WordEncoder(), Shelf(WIDTH)
    entries = [
        entry for number in range(count) for entry in entries_of(make_document(str(number), f"word{number} ask"))
    ]
    shelf.add(entries, encoder([entry.embedded for entry in entries]))
    return shelf, encoder


def best(shelf: Shelf, encoder: WordEncoder, text: str) -> str:
    return max(shelf.search(Query([text], encoder([text])), 3), key=lambda one: one.score).entry.id


def test_many_new_words_are_taken_into_the_large_part_and_places_stay() -> None:
    shelf, encoder = filled(600)
    assert shelf.is_untidy
    tidy = shelf.tidied()
    assert not tidy.is_untidy
    assert tidy.places() == shelf.places()
    assert best(tidy, encoder, "word599 ask") == best(shelf, encoder, "word599 ask") == "599"


def test_many_empty_places_are_closed_up() -> None:
    shelf, encoder = filled(1600)
    shelf = shelf.tidied()
    shelf.drop(range(500))
    assert not shelf.is_untidy
    shelf.drop(range(500, 700))
    assert shelf.is_untidy
    tidy = shelf.tidied()
    assert not tidy.is_untidy
    assert len(tidy) == len(shelf) == 900
    assert sorted(place for places in tidy.places().values() for place in places) == list(range(900))
    assert best(tidy, encoder, "word700 ask") == "700"
    assert best(tidy, encoder, "word699 ask") != "699"


def test_empty_places_hide_nothing_that_is_near() -> None:
    shelf, encoder = filled(400)
    shelf.drop(place for place in range(400) if place != 123)
    assert best(shelf, encoder, "word0 ask") == "123"
    shelf.drop([123])
    assert shelf.search(Query(["word0 ask"], encoder(["word0 ask"])), 3) == []


def test_the_same_question_scores_the_same_wherever_it_stands() -> None:
    width, lots = 384, np.random.default_rng(1)
    for count in range(2, 60):
        asked, *vectors = lots.normal(size=(count + 1, width))
        # About as near to what is asked as an answer is.
        near = [vector + 1.5 * asked for vector in vectors]
        unit = np.array([vector / np.linalg.norm(vector) for vector in (asked, *near, near[0])], np.float32)
        shelf = Shelf(width)
        questions = [*(f"question {number}" for number in range(count)), "question 0"]
        documents = [make_document(str(place), question) for place, question in enumerate(questions)]
        shelf.add([entry for document in documents for entry in entries_of(document)], unit[1:])
        scores = {one.entry.id: one.score for one in shelf.search(Query(["what"], unit[:1]), 60)}
        assert scores[str(count)] == scores["0"]
