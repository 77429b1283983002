"""The answer index: documents in, and for each question the entries that are likeliest to answer it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from models.answers.asking import Query, texts_of
from models.answers.entries import entries_of
from models.answers.shelf import Shelf
from models.answers.storing import read_stored, write_stored
from streams.contract.ids import text_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.answers.entries import Entry
    from models.answers.shelf import Scored
    from streams.contract.replies import Document

    Matrix = NDArray[np.float32]
    Embed = Callable[[Sequence[str]], Matrix]

_EMBEDDED_AT_ONCE = 256


class Found(NamedTuple):
    """What may answer a question."""

    id: str
    """Of the answer or passage."""
    text: str
    question: str | None
    """What it answers; None for a passage of a page."""
    score: float
    """The chance that it answers what was asked, 0 to 1 (``models.answers.scoring``)."""
    intent: str | None
    topics: tuple[str, ...]
    title: str | None
    """Its heading; of a passage the page's and its own."""
    document: str
    """Id of the document; several passages share it."""
    approved: bool = True
    """Whether it may go out by itself."""


class AnswerIndex:
    """Documents that are searched by meaning and by words at once; in memory, and safe to use from several threads.

    A search sees each document as it was or as it is, and waits for none to be embedded. Changes wait for one another.

    Args:
        embed: Unit vectors, float32 [texts, width], of texts; called from the thread that puts or searches.
        embedder: SHA-256 of the graph that embeds (``Encoder.embedder_sha256``).
    """

    def __init__(self, embed: Embed, embedder: str) -> None:
        self.embedder = embedder
        self._embed_texts = embed
        self._documents: dict[str, Document] = {}
        self._shelves: dict[str, Shelf] = {}
        """By language."""
        self._places: dict[str, tuple[str, list[int]]] = {}
        """Language and places of each document's entries."""
        self._lock = Lock()
        """Held while anything of the above is looked at or changed."""
        self._changing = Lock()
        """Held by whoever changes it, from the beginning to the end."""

    def __len__(self) -> int:
        """How many documents there are."""
        return len(self._documents)

    def documents(self) -> list[Document]:
        """Every document, in no order."""
        with self._lock:
            return list(self._documents.values())

    def put(self, documents: Sequence[Document]) -> None:
        """Take documents in, each in the place of what has its id; only texts that it had not are embedded."""
        with self._changing:
            wanted = {document.id: document for document in documents}
            changed = [document for document in wanted.values() if self._documents.get(document.id) != document]
            entries = [(document, entries_of(document)) for document in changed]
            vectors = self._vectors_of(entries)
            for document, its_entries in entries:
                # One at a time, so that no search waits for many.
                with self._lock:
                    self._drop(document.id)
                    self._add(document, its_entries, vectors)
            self._tidy()

    def remove(self, ids: Collection[str]) -> None:
        """Take documents out; an id that is not there is none to remove."""
        with self._changing:
            with self._lock:
                for id_ in ids:
                    self._drop(id_)
            self._tidy()

    def search(self, texts: Sequence[str], limit: int, *, language: str | None = None) -> list[list[Found]]:
        """What may answer each text, best first.

        Of answers to the same question, and of equal answers, only the best is given; at equal scores the newest.

        Args:
            texts: What is asked, each of one or of several sentences.
            limit: Most of each.
            language: BCP 47 tag; only documents of the same primary language are given. All where absent.

        Returns:
            For each text, in order, at most ``limit``; none where nothing is alike.
        """
        if not texts or not self._documents:
            return [[] for _ in texts]
        asked = [texts_of(text) for text in texts]
        vectors = self._embed([text for each in asked for text in each])
        found, first = [], 0
        for each in asked:
            query = Query(each, vectors[first : first + len(each)])
            first += len(each)
            with self._lock:
                wanted = self._shelves if language is None else {_primary(language)} & self._shelves.keys()
                scored = [one for name in wanted for one in self._shelves[name].search(query, limit)]
            found.append(_best(scored, limit))
        return found

    def catch_up(self, source: AnswerIndex) -> None:
        """Hold the very documents that another index holds; those that both hold are not embedded again."""
        documents = source.documents()
        self.put(documents)
        self.remove({document.id for document in self.documents()} - {document.id for document in documents})

    def reembedded(self, embed: Embed, embedder: str) -> AnswerIndex:
        """A new index of the same documents by another encoder; this one serves meanwhile, and may change.

        What changed here since it began is in the new one after ``catch_up``.
        """
        made = AnswerIndex(embed, embedder)
        made.catch_up(self)
        return made

    def save(self, folder: Path) -> None:
        """Write documents and vectors, with the encoder that they are of; what was saved there before is replaced.

        Raises:
            OSError: It cannot be written; what was there before stands.
        """
        with self._changing:
            documents = list(self._documents.values())
            texts = [entry.embedded for document in documents for entry in entries_of(document)]
            vectors = [self._kept_vectors(document.id) for document in documents]
        write_stored(folder, self.embedder, documents, texts, vectors)

    @classmethod
    def load(cls, folder: Path, embed: Embed, embedder: str) -> Self:
        """Read what was saved; vectors of another encoder are refused, and the documents are embedded anew.

        So they are where this version of Tocsin cuts pages otherwise than the one that saved.

        Raises:
            StoredAnswersError: Something is missing, corrupt, or of another form.
        """
        stored = read_stored(folder)
        made = cls(embed, embedder)
        entries = [(document, entries_of(document)) for document in stored.documents]
        texts = [entry.embedded for _, its_entries in entries for entry in its_entries]
        if stored.is_of(embedder, texts):
            made._take(entries, dict(zip(texts, stored.vectors, strict=True)))
        else:
            made.put(stored.documents)
        return made

    def _take(self, entries: Iterable[tuple[Document, list[Entry]]], vectors: dict[str, Matrix]) -> None:
        with self._changing:
            for document, its_entries in entries:
                self._add(document, its_entries, vectors)
            self._tidy()

    def _vectors_of(self, entries: Iterable[tuple[Document, list[Entry]]]) -> dict[str, Matrix]:
        """Vectors by embedded text, those of texts that the same document had before as they were."""
        known: dict[str, Matrix] = {}
        wanted: dict[str, None] = {}
        for document, its_entries in entries:
            known |= self._known(document.id)
            wanted |= dict.fromkeys(entry.embedded for entry in its_entries)
        missing = [text for text in wanted if text not in known]
        for first in range(0, len(missing), _EMBEDDED_AT_ONCE):
            texts = missing[first : first + _EMBEDDED_AT_ONCE]
            known |= zip(texts, self._embed(texts), strict=True)
        return known

    def _known(self, id_: str) -> dict[str, Matrix]:
        language, places = self._places.get(id_, ("", []))
        if not places:
            return {}
        shelf = self._shelves[language]
        texts = (shelf.entry(place).embedded for place in places)
        return dict(zip(texts, shelf.vectors(places), strict=True))

    def _kept_vectors(self, id_: str) -> Matrix | None:
        language, places = self._places[id_]
        return self._shelves[language].vectors(places) if places else None

    def _embed(self, texts: Sequence[str]) -> Matrix:
        return np.asarray(self._embed_texts(texts), np.float32)

    def _add(self, document: Document, entries: Sequence[Entry], vectors: dict[str, Matrix]) -> None:
        language = _primary(document.language)
        places: list[int] = []
        if entries:
            rows = np.stack([vectors[entry.embedded] for entry in entries])
            shelf = self._shelves.setdefault(language, Shelf(rows.shape[1]))
            places = shelf.add(entries, rows)
        self._documents[document.id] = document
        self._places[document.id] = (language, places)

    def _drop(self, id_: str) -> None:
        if self._documents.pop(id_, None) is not None:
            language, places = self._places.pop(id_)
            if places:
                self._shelves[language].drop(places)

    def _tidy(self) -> None:
        for language, shelf in list(self._shelves.items()):
            if not len(shelf):
                with self._lock:
                    del self._shelves[language]
            elif shelf.is_untidy:
                made = shelf.tidied()
                places = {id_: (language, its_places) for id_, its_places in made.places().items()}
                with self._lock:
                    self._shelves[language] = made
                    self._places |= places


def _primary(language: str) -> str:
    """The primary language of a BCP 47 tag: ``en`` of ``en-GB``."""
    return language.replace("_", "-").partition("-")[0].casefold()


def _best(scored: Iterable[Scored], limit: int) -> list[Found]:
    ranked = sorted(
        scored, key=lambda one: (-one.score, not one.entry.approved, -one.entry.time.timestamp(), one.entry.id)
    )
    found: list[Found] = []
    told: set[str] = set()
    for score, entry in ranked:
        keys = {text_fingerprint(entry.text)}
        if entry.question is not None:
            keys.add(f"?{text_fingerprint(entry.question)}")
        if not keys & told:
            told |= keys
            found.append(
                Found(
                    entry.id,
                    entry.text,
                    entry.question,
                    score,
                    entry.intent,
                    entry.topics,
                    entry.title,
                    entry.document,
                    entry.approved,
                )
            )
        if len(found) == limit:
            break
    return found
