"""What a training run learns from and is judged on: the parts of a data set, and how they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from fsspec.implementations.local import LocalFileSystem

from models import atomic
from models.domain_labels import domain_labels
from retrain import leakage
from retrain.class_weights import class_weights
from retrain.label_sets import extended, fitted, grown
from retrain.resolving import resolve
from retrain.rows import HEADS, Row
from retrain.snapshot import PARTS, SNAPSHOT, Account, Header, Part, SnapshotError, decode, encode
from retrain.splits import latest_hours, split
from streams.contract.ids import text_fingerprint
from streams.contract.labels import LabelledEntity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from models.manifest import Labels
    from retrain.resolving import Resolved
    from retrain.rows import Head
    from streams.contract.domain import Domain
    from streams.contract.examples import Example
    from streams.contract.labels import Label


class DatasetError(ValueError):
    """No data set can be made of what there is; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows in four parts, each in order of origin and id; no two parts share a message, a text or a near-duplicate."""

    train: list[Row]
    """What is learnt."""
    validation: list[Row]
    """What decides when training ends, and the temperatures."""
    frozen: list[Row]
    """A fifth, by a hash of the id: never learnt, so that versions are compared on it over the years."""
    recent: list[Row]
    """Messages of the latest hours, not learnt yet; promotion is judged on its ``control`` rows."""
    labels: Labels
    """The champion's or the domain's names, with what was taught since appended: never reordered."""
    class_weights: dict[Head, dict[str, float]]
    """By head and label, from the training part; heads without a weight are absent."""
    offsets: dict[int, int]
    """By partition of the labels topic, the first offset that was not read."""
    account: Account = field(default_factory=Account)
    """What became of all that was given."""

    def part(self, name: Part) -> list[Row]:
        """The rows of a part."""
        return {"train": self.train, "validation": self.validation, "frozen": self.frozen, "recent": self.recent}[name]

    @property
    def control(self) -> list[Row]:
        """The rows of the recent part that were drawn by lot."""
        return [row for row in self.recent if row.control]

    @property
    def learnt(self) -> list[Row]:
        """What a model that was made from this has seen: training and validation."""
        return [*self.train, *self.validation]

    @property
    def sha256(self) -> str:
        """Hash of the snapshot, in hexadecimal."""
        return sha256(self.encode()).hexdigest()

    def encode(self) -> bytes:
        """The snapshot: the same data set always gives the same bytes."""
        header = Header(
            labels=self.labels, class_weights=self.class_weights, offsets=self.offsets, account=self.account
        )
        return encode(header, {name: self.part(name) for name in PARTS})


def build(
    given: Sequence[Label],
    offsets: Mapping[int, int],
    seed: Sequence[Example],
    domain: Domain,
    *,
    recent_hours: float,
    now: datetime,
    champion: Labels | None = None,
    learnt: Sequence[Row] = (),
) -> Dataset:
    """Make a data set; the same arguments give the same one, in whichever order the labels come.

    Args:
        given: Every label that stands on the topic.
        offsets: By partition, the first offset that was not read.
        seed: The domain's seed examples.
        domain: Names the labels that a model is made for.
        recent_hours: How long the latest hours are (``retrain.recent_hours``).
        now: When the run began; messages from after it are not believed.
        champion: Label sets of the model that serves, where one does.
        learnt: What that model has learnt (``learnt_of``): nothing near it is ever tested.

    Raises:
        DatasetError: There is nothing to learn from, or nothing to validate on.
        LabelSetError: The domain and the champion differ in ``topic_mode``.
        LeakageError: What is tested would be learnt.
    """
    base = domain_labels(domain) if champion is None else extended(champion, domain)
    resolved = resolve(given, one_topic=base.topic_mode == "single")
    rows = [*map(_of_label, resolved), *map(_of_example, seed)]
    telling = [row for row in rows if _tells(row)]
    made = split(telling, learnt, latest=latest_hours(telling, recent_hours, now))
    labels, too_few = grown(base, made.parts["train"])
    parts = {name: [row for row in (fitted(row, labels) for row in made.parts[name]) if _tells(row)] for name in PARTS}
    for name in ("train", "validation"):
        if not parts[name]:
            raise DatasetError(
                f"of {len(seed)} seed examples and {len(resolved)} labelled messages, none is left for {name}: "
                "label more messages (`tocsin labels import`), or write more seed examples"
            )
    leakage.check(parts, learnt)
    of_parts = sum(map(len, parts.values()))
    return Dataset(
        train=parts["train"],
        validation=parts["validation"],
        frozen=parts["frozen"],
        recent=parts["recent"],
        labels=labels,
        class_weights=class_weights(parts["train"], labels),
        offsets=dict(offsets),
        account=Account(
            labels=len(given),
            messages=len(resolved),
            seed=len(seed),
            silent=len(rows) - of_parts - made.copies - made.set_aside,
            copies=made.copies,
            set_aside=made.set_aside,
            too_few=too_few,
        ),
    )


def write(dataset: Dataset, folder: Path) -> Path:
    """Write the snapshot into a folder, wholly or not at all."""
    path = folder / SNAPSHOT
    atomic.write(LocalFileSystem(), str(path), dataset.encode())
    return path


def read(path: Path) -> Dataset:
    """The very data set that a snapshot was written from; whether its bytes are right is the registry's to check.

    Raises:
        SnapshotError: It is no snapshot.
        OSError: It cannot be read.
    """
    try:
        header, parts = decode(path.read_bytes())
    except SnapshotError as error:
        raise SnapshotError(f"{path}: {error}") from error
    return Dataset(
        train=parts["train"],
        validation=parts["validation"],
        frozen=parts["frozen"],
        recent=parts["recent"],
        labels=header.labels,
        class_weights=header.class_weights,
        offsets=header.offsets,
        account=header.account,
    )


def learnt_of(version: Path) -> list[Row]:
    """What the model in a version's folder has learnt; nothing is told of a first model, which has no snapshot.

    Raises:
        SnapshotError: The version's snapshot is none.
    """
    path = version / SNAPSHOT
    return read(path).learnt if path.exists() else []


def _of_label(message: Resolved) -> Row:
    return Row(
        id=message.message_id,
        text=message.text,
        kind=message.kind,
        source=message.source,
        origin="label",
        group="",
        time=message.time,
        topics=message.topics,
        sentiment=message.sentiment,
        intent=message.intent,
        entities=message.entities,
        control=message.control,
    )


def _of_example(example: Example) -> Row:
    return Row(
        id=text_fingerprint(example.text),
        text=example.text,
        kind=example.kind,
        source="seed",
        origin="seed",
        group="",
        topics=example.topics,
        sentiment=example.sentiment,
        intent=example.intent,
        entities=tuple(
            LabelledEntity(start=span.start, end=span.end, type=span.type, sentiment=span.sentiment)
            for span in example.entities
        ),
    )


def _tells(row: Row) -> bool:
    return bool(row.text.strip()) and any(row.says(head) for head in HEADS)
