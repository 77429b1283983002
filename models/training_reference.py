"""What the training data looked like to a model when it was made, for the stream to be compared with.

Texts that the model was fitted on lay down what is measured; texts that it had not seen tell how the measures are
spread. So a text of the stream that is like those is measured exactly as they were: a model is surer of what it was
fitted on, and nearer to it, than to anything that comes later.

Every text is masked first, and so is the stream's: most labels are of texts that were masked when they were asked for,
and a reference of such would differ for ever from a stream of messages that name people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Protocol

import msgspec
import numpy as np
from msgspec import Meta, Struct

from models.yardstick import NEIGHBOURS, Measures, Yardstick
from streams.contract.ids import text_fingerprint
from streams.contract.masking import mask
from streams.contract.records import SourceKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from models.manifest import Labels
    from models.readings import Reading

    Progress = Callable[[int, int], None]

REFERENCE = "reference.json"

_SEED = 13
_MOST_LAYING = NEIGHBOURS
_MOST_UNSEEN = 1000
"""Of each kind: a comparison is then as sharp as the stream's own sample allows."""
_BATCH = 32


class KindText(Protocol):
    """A text and the kind of message that it is; training rows and seed examples are such."""

    @property
    def text(self) -> str:
        """The message."""

    @property
    def kind(self) -> SourceKind:
        """Its kind."""


class Model(Protocol):
    """A model that tells all that is measured; ``models.runtime.Encoder`` is one."""

    labels: Labels

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """What stands in each text, in order."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 [texts, width]."""

    def piece_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Numbers of the word pieces of each text, as the model reads it."""


class _Masked(NamedTuple):
    text: str
    kind: SourceKind


class KindReference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the measures of one kind of message are spread over texts that the model had not seen."""

    size: Annotated[int, Meta(ge=1)]
    numbers: dict[str, list[float]]
    """The values of all texts, ascending, by what is measured."""
    categories: dict[str, dict[str, int]]
    """How many texts have each value, by what is measured."""


class TrainingReference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``reference.json`` of a version."""

    schema: Literal[1, 2] = 2
    """1 is an older make, of texts as they came."""
    yardstick: Yardstick
    kinds: dict[SourceKind, KindReference]

    @property
    def is_of_masked_texts(self) -> bool:
        """Whether a masked text of the stream may be compared with it."""
        return self.schema != 1

    def share_as_far(self, kind: SourceKind, novelty: float) -> float:
        """Share of the unseen texts of a kind that are as far from the training texts or farther; 1 where none is.

        The text itself is counted with them, so that the share is never 0: the p-value of conformal prediction (Vovk,
        Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005).
        """
        if kind not in self.kinds:
            return 1.0
        known = self.kinds[kind].numbers["novelty"]
        return (len(known) - int(np.searchsorted(known, novelty, "left")) + 1) / (len(known) + 1)


def describe(
    model: Model, fitted: Sequence[KindText], unseen: Sequence[KindText], on_progress: Progress | None = None
) -> TrainingReference:
    """Describe what a model is used to: texts masked, handles too, as ``mask_message`` masks the stream's.

    The same texts, model and machine give the same reference. An author's name within a text stays where it was not
    masked before, since a row does not tell it.

    Args:
        model: As it is served.
        fitted: The texts that it was fitted on; one at least.
        unseen: Texts that it was not fitted on (validation, frozen, recent), the more like the stream the better:
            those that were drawn by lot from it alone, where there are some hundred of each kind. A kind without any
            will not be compared. Copies of one text count once.
        on_progress: Told how many texts are done, of how many.
    """
    lots = np.random.default_rng(_SEED)
    distinct = _distinct(fitted)
    laying = _drawn(distinct, _MOST_LAYING, lots)
    by_kind: dict[SourceKind, list[_Masked]] = {}
    for row in _distinct(unseen):
        by_kind.setdefault(row.kind, []).append(row)
    telling = [(kind, _drawn(rows, _MOST_UNSEEN, lots)) for kind, rows in sorted(by_kind.items())]
    total = len(laying) + sum(len(rows) for _, rows in telling)
    done = 0

    def progress(texts: int) -> None:
        nonlocal done
        done += texts
        if on_progress is not None:
            on_progress(done, total)

    vectors = np.concatenate([_embedded(model, batch, progress) for batch in _batches(laying)])
    # All that it was fitted on has a say in what is common: pieces cost next to nothing.
    pieces = model.piece_ids([row.text for row in distinct])
    yardstick = Yardstick.laid_down(vectors, pieces, model.labels.topic_mode)
    return TrainingReference(
        yardstick=yardstick,
        kinds={
            kind: _spread([one for batch in _batches(rows) for one in _measured(model, yardstick, batch, progress)])
            for kind, rows in telling
        },
    )


def encode(reference: TrainingReference) -> bytes:
    """The content of ``reference.json``."""
    return msgspec.json.encode(reference) + b"\n"


def _embedded(model: Model, rows: Sequence[_Masked], progress: Callable[[int], None]) -> NDArray[np.float32]:
    vectors = model.embed([row.text for row in rows])
    progress(len(rows))
    return vectors


def _measured(
    model: Model, yardstick: Yardstick, rows: Sequence[_Masked], progress: Callable[[int], None]
) -> list[Measures]:
    texts = [row.text for row in rows]
    told = zip(rows, model.read(texts), _embedded(model, rows, progress), model.piece_ids(texts), strict=True)
    return [yardstick.measure(row.text, row.kind, reading, vector, pieces) for row, reading, vector, pieces in told]


def _spread(measured: Sequence[Measures]) -> KindReference:
    categories: dict[str, dict[str, int]] = {}
    for one in measured:
        for name, value in one.categories.items():
            counts = categories.setdefault(name, {})
            counts[value] = counts.get(value, 0) + 1
    return KindReference(
        size=len(measured),
        numbers={name: sorted(one.numbers[name] for one in measured) for name in measured[0].numbers},
        categories={name: dict(sorted(counts.items())) for name, counts in categories.items()},
    )


def _distinct(rows: Sequence[KindText]) -> list[_Masked]:
    found: dict[str, _Masked] = {}
    for row in rows:
        text = mask(row.text, handles=True)
        found.setdefault(text_fingerprint(text), _Masked(text, row.kind))
    return list(found.values())


def _drawn(rows: Sequence[_Masked], most: int, lots: np.random.Generator) -> list[_Masked]:
    places = np.sort(lots.permutation(len(rows))[:most])
    return [rows[place] for place in places]


def _batches(rows: Sequence[_Masked]) -> Iterable[Sequence[_Masked]]:
    return (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))
