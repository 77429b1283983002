"""Documents are followed on a real broker, and found by an encoder of few words."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from support.messages import produce
from support.processes import wait_for

from models.manifest import VersionError
from streams.contract.labels import Label, label_key
from streams.contract.records import encode
from streams.contract.replies import Document
from streams.contract.topics import documents_topic, labels_topic
from streams.worker.library import Library
from streams.worker.serving import Serving
from streams.worker.writing import open_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from streams.contract.settings import Settings

pytestmark = [
    pytest.mark.integration,
    pytest.mark.parametrize("broker", ["tansu_broker"], indirect=True),
]

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WORDS = ("card", "loan", "branch", "password")


class Encoder:
    """Counts four words, and what it was asked for."""

    model = "toy:1"

    def __init__(self, embedder: str = "one", *, embeds: bool = True) -> None:
        self.embedder_sha256 = embedder
        self.embedded: list[str] = []
        self._embeds = embeds

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not self._embeds:
            raise VersionError("this version has no embedder")
        self.embedded += [text for text in texts if text != "a"]
        counts = np.array([[0.01 + text.lower().count(word) for word in WORDS] for text in texts], np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


class Running(NamedTuple):
    library: Library
    serving: Serving
    counts: list[int]

    def ids(self, question: str) -> list[str]:
        (found,) = self.library.search([question], 2)
        return [one.document for one in found if one.score > 0]

    def first(self, question: str) -> str:
        return (self.ids(question) or [""])[0]


@contextmanager
def running(settings: Settings, encoder: Encoder) -> Iterator[Running]:
    counts: list[int] = []
    serving = Serving(encoder)  # type: ignore[arg-type]
    library = Library(settings, serving, open_index, counts.append)
    library.start()
    try:
        wait_for(lambda: library.is_ready, what="for the library")
        yield Running(library, serving, counts)
    finally:
        library.stop()


def document(name: str, question: str, answer: str = "That is how it is done.") -> Document:
    return Document(id=name, question=question, text=f"{answer} ({name})", time=NOW)


def publish(settings: Settings, *documents: Document) -> None:
    produce(settings, documents_topic(settings.topics), [(each.id.encode(), encode(each), []) for each in documents])


CARD = document("card", "Where is my new card?")
LOAN = document("loan", "How do I repay my loan early?")


def test_documents_are_found_as_they_come_change_and_go(stream_settings: Settings) -> None:
    publish(stream_settings, CARD)
    encoder = Encoder()
    with running(stream_settings, encoder) as found:
        assert found.first("Where is my new card?") == "card"
        publish(stream_settings, LOAN)
        wait_for(lambda: found.counts[-1] == 2, what="for a second document")
        assert found.first("How do I repay my loan early?") == "loan"
        publish(stream_settings, document("card", "I have forgotten my password, what now?"))
        wait_for(lambda: found.first("I have forgotten my password, what now?") == "card", what="for the change")
        produce(stream_settings, documents_topic(stream_settings.topics), [(b"loan", None, [])])
        wait_for(lambda: found.counts[-1] == 1, what="for the removal")
        assert "loan" not in found.ids("How do I repay my loan early?")


def test_another_trunk_has_all_embedded_anew_and_the_same_trunk_nothing(stream_settings: Settings) -> None:
    publish(stream_settings, CARD, LOAN)
    with running(stream_settings, Encoder()) as found:
        heads_alone = Encoder()
        found.serving.exchange(heads_alone)  # type: ignore[arg-type]
        assert found.first("Where is my new card?") == "card"
        assert heads_alone.embedded == ["Where is my new card?"]
        other = Encoder("two")
        found.serving.exchange(other)  # type: ignore[arg-type]
        wait_for(lambda: len(found.counts) == 2, what="for the other index")
        assert {CARD.question, LOAN.question} <= set(other.embedded)
        assert found.first("How do I repay my loan early?") == "loan"
        assert "How do I repay my loan early?" not in heads_alone.embedded


def test_what_was_embedded_is_kept_and_what_went_meanwhile_is_gone(stream_settings: Settings) -> None:
    publish(stream_settings, CARD, LOAN)
    with running(stream_settings, Encoder()):
        pass
    produce(stream_settings, documents_topic(stream_settings.topics), [(b"loan", None, [])])
    encoder = Encoder()
    with running(stream_settings, encoder) as found:
        assert found.counts == [1]
        assert encoder.embedded == []
        assert found.first("Where is my new card?") == "card"


def test_a_good_answer_in_a_label_is_found_until_it_is_taken_back(stream_settings: Settings) -> None:
    topic, key = labels_topic(stream_settings.topics), label_key("m1", "ann")
    question = "Is the branch open on Sunday?"
    label = Label(message_id="m1", labeller="ann", time=NOW, text=question, kind="customer", reply="No, it is not.")
    untaught = Label(message_id="m2", labeller="ann", time=NOW, text="My loan?", kind="customer", sentiment="neutral")
    with running(stream_settings, Encoder()) as found:
        produce(stream_settings, topic, [(key, encode(label), []), (label_key("m2", "ann"), encode(untaught), [])])
        wait_for(lambda: found.counts[-1] == 1, what="for the label")
        (best, *_) = found.library.search([question], 1)[0]
        assert best.text == "No, it is not."
        assert not best.approved
        produce(stream_settings, topic, [(key, None, [])])
        wait_for(lambda: found.counts[-1] == 0, what="for the label to go")


def test_a_version_that_cannot_embed_leaves_people_to_answer(stream_settings: Settings) -> None:
    publish(stream_settings, CARD)
    with running(stream_settings, Encoder(embeds=False)) as found:
        assert found.ids("Where is my new card?") == []
        found.serving.exchange(Encoder("two"))  # type: ignore[arg-type]
        wait_for(lambda: found.ids("Where is my new card?") == ["card"], what="for a version that can")
