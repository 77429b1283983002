"""Every document that replies may be drawn from, in an index of the encoder that serves.

Each worker follows the whole topic of documents, and that of labels, of which some carry a good answer. A thread of its
own, which steps back behind those that read, embeds what is new; where another trunk serves, it embeds all anew beside
the index that answers meanwhile, so that vectors of two encoders never meet.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog

from models.manifest import VersionError
from streams.contract.decoding import JsonDecoder
from streams.contract.labels import Label
from streams.contract.replies import Document
from streams.contract.topics import documents_topic, labels_topic
from streams.logic.labelled_answers import answer_of
from streams.worker.controls import Controls
from streams.worker.loading import step_back

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from models.answers.index import Found
    from models.runtime import Encoder
    from streams.contract.settings import Settings
    from streams.worker.controls import Control
    from streams.worker.serving import Serving

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

# Few enough that a stop, or another encoder, is not waited for.
_SLICE = 64
_LOOK_SECONDS = 0.1
_PAUSE_SECONDS = 5.0
_FOLDER = "answers"

log = structlog.get_logger(__name__)

_document: JsonDecoder[Document | None] = JsonDecoder(Document)
_label = JsonDecoder(Label)


class _StoppedError(Exception):
    """Nobody waits any more for what is being embedded."""


class Index(Protocol):
    """What is asked of ``models.answers.index.AnswerIndex``. Any thread may search while another changes it."""

    def put(self, documents: Sequence[Document]) -> None:
        """Add documents, or replace those of the same id; what is unchanged is not embedded again."""

    def remove(self, ids: Collection[str]) -> None:
        """Take documents out."""

    def search(self, texts: Sequence[str], limit: int, *, language: str | None = None) -> list[list[Found]]:
        """What answers each text best, best first."""

    def save(self, folder: Path) -> None:
        """Keep it, texts and vectors."""

    def documents(self) -> list[Document]:
        """Every document."""

    def __len__(self) -> int:
        """How many documents there are."""


class Library:
    """Follows documents. ``start`` and ``stop`` it.

    Args:
        settings: Where the brokers are, the topic, and a folder to keep the index in.
        serving: Whose encoder embeds.
        open_index: An index as it was kept in a folder, or a new one, for an encoder of this hash.
        on_change: Told how many documents there are, from any thread.
    """

    def __init__(
        self,
        settings: Settings,
        serving: Serving,
        open_index: Callable[[Path, Embed, str], Index],
        on_change: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._serving = serving
        self._open_index = open_index
        self._on_change = on_change
        self._folder = settings.worker.data_dir / _FOLDER
        self._steps_back = settings.model.threads == 1
        self._controls = Controls(settings.kafka)
        self._followed: tuple[Control[Document | None], ...] = (
            self._controls.follow(
                documents_topic(settings.topics), _document.decode, partial(self._changed, "document")
            ),
            # A good answer that somebody gave is one for the next who asks.
            self._controls.follow(labels_topic(settings.topics), _labelled, partial(self._changed, "label")),
        )
        self._lock = threading.Lock()
        self._ids: dict[tuple[str, str], str] = {}
        """Of the document under each key."""
        self._pending: dict[str, Document | None] = {}
        self._encoder = serving.current
        """The latest with the trunk that is asked for; the index embeds with it."""
        self._index: Index | None = None
        self._embedder = ""
        """Hash of what the index was made with; empty before there is one."""
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="library", daemon=True)

    @property
    def is_ready(self) -> bool:
        """Whether all documents that there were at the start can be found."""
        return bool(self._embedder)

    def search(self, texts: Sequence[str], limit: int, *, language: str | None = None) -> list[list[Found]]:
        """What answers each text best, best first; nothing before the index is ready."""
        index = self._index
        return [[] for _ in texts] if index is None else index.search(texts, limit, language=language)

    def start(self) -> None:
        """Begin to follow."""
        self._controls.start()
        self._serving.listen(self._exchanged)
        self._thread.start()

    def stop(self) -> None:
        """Follow no more, and keep what was embedded."""
        self._stop.set()
        self._wake.set()
        self._controls.close()
        if self._thread.is_alive():
            self._thread.join()

    def _changed(self, kind: str, name: str, document: Document | None) -> None:
        key = kind, name
        with self._lock:
            before = self._ids.pop(key, None)
            if before is not None:
                self._pending[before] = None
            if document is not None:
                self._ids[key] = document.id
                self._pending[document.id] = document
        self._wake.set()

    def _exchanged(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._wake.set()

    def _run(self) -> None:
        if self._steps_back:
            step_back()
        while not self._stop.is_set():
            # Where there are no documents nobody tells that all are known.
            self._wake.wait(None if self.is_ready else _LOOK_SECONDS)
            self._wake.clear()
            try:
                self._look()
            except _StoppedError:
                break
            except Exception as error:  # a thread that ends unseen would leave replies without news
                log.exception("documents cannot be taken in: trying on", error=repr(error))
                self._stop.wait(_PAUSE_SECONDS)
                self._wake.set()
        self._keep()

    def _look(self) -> None:
        if not self._controls.is_caught_up:
            return
        encoder = self._encoder
        if encoder.embedder_sha256 != self._embedder:
            self._build(encoder)
            return
        with self._lock:
            pending, self._pending = self._pending, {}
        if not pending or self._index is None:
            return
        try:
            self._apply(self._index, pending)
        except Exception:
            with self._lock:
                self._pending = pending | self._pending
            raise
        self._on_change(len(self._index))

    def _build(self, encoder: Encoder) -> None:
        """Make an index of all documents for an encoder of another trunk, and let it answer."""
        started = time.monotonic()
        sha256 = encoder.embedder_sha256
        index: Index | None = None

        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            # All that was kept may be embedded anew, and a stop does not wait for that; it does for what answers.
            if self._stop.is_set() and (index is None or self._index is not index):
                raise _StoppedError
            # By the latest of the same trunk, so that those before are freed.
            nonlocal encoder
            if self._encoder.embedder_sha256 == sha256:
                encoder = self._encoder
            return encoder.embed(texts)

        try:
            embed(["a"])
        except VersionError as error:
            log.warning("no embeddings: no document can be found, and people answer", error=str(error))
            self._index, self._embedder = None, sha256
            return
        with self._lock:
            self._pending.clear()
        known = self._known()
        index = self._open_index(self._folder, embed, sha256)
        gone = {document.id for document in index.documents()} - known.keys()
        if not self._apply(index, known | dict.fromkeys(gone)):
            return
        self._index, self._embedder = index, sha256
        self._on_change(len(index))
        seconds = round(time.monotonic() - started, 2)
        log.info("documents can be found", documents=len(index), model=encoder.model, seconds=seconds)
        self._keep()

    def _known(self) -> dict[str, Document | None]:
        known = (document for control in self._followed for document in control.latest.values())
        return {document.id: document for document in known if document is not None}

    def _apply(self, index: Index, changes: Mapping[str, Document | None]) -> bool:
        """Bring changes into an index; whether there was time for all."""
        index.remove([name for name, document in changes.items() if document is None])
        documents = [document for document in changes.values() if document is not None]
        for start in range(0, len(documents), _SLICE):
            if self._stop.is_set():
                return False
            index.put(documents[start : start + _SLICE])
        return True

    def _keep(self) -> None:
        """Keep the index, so that the next worker here embeds only what is new."""
        if self._index is None:
            return
        try:
            self._index.save(self._folder)
        except Exception as error:  # noqa: BLE001  it costs time at the next start, and nothing else
            log.warning("the index of documents cannot be kept", folder=str(self._folder), error=repr(error))


def _labelled(value: bytes) -> Document | None:
    return answer_of(_label.decode(value))
