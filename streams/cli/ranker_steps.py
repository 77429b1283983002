"""The steps of a run of the ranker: as ``retrain.work.Work`` has them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from models.aliases import AliasConflictError
from models.items.ranker import NAME, open_ranker, write_ranker
from models.manifest import MANIFEST, Manifest, Precision, read
from models.registry import Registry
from retrain.job import Job
from retrain.learner import named
from retrain.messenger import KafkaMessenger
from retrain.ranker import Ranks, decide
from retrain.work import NothingToLearnError
from streams.brokers.reading import read_all
from streams.cli.ranker_learning import LearnedRanker, Log
from streams.contract.decoding import JsonDecoder
from streams.contract.incoming import BadMessageError, Record
from streams.contract.incoming_readers import decode_behavior
from streams.contract.recommendations import Behavior, Item, ItemVector
from streams.contract.topics import item_vectors_topic
from streams.logic.recommend.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord
    from numpy.typing import NDArray

    from models.items.ranker import Ranker
    from retrain.learner import Tell
    from streams.contract.settings import Settings

_vector = JsonDecoder(ItemVector)


def job(settings: Settings, tell: Tell) -> Job[Readings, LearnedRanker, Ranks]:
    """The run as these settings have it.

    Args:
        settings: The application's.
        tell: Told of a stage's name, and how much of it is done, of how much.

    Raises:
        VersionError: The registry cannot be opened.
    """
    registry = Registry.of(settings.model)
    ensure_default(registry)
    own = named(settings, NAME)
    # No worker ranks in the shadow of another, so that a challenger would wait for ever.
    own = own.model_copy(update={"swap": own.swap.model_copy(update={"shadow": False})})
    return Job(own, registry, _Work(settings, tell), KafkaMessenger(own, registry), decide=decide, kind="ranker")


def ensure_default(registry: Registry) -> None:
    """Have the default weights for a first version, so that there is something to beat, and to roll back to."""
    if registry.versions(NAME) and registry.state(NAME).aliases.champion is not None:
        return
    with tempfile.TemporaryDirectory() as folder:
        write_ranker(Path(folder), DEFAULT_WEIGHTS, None)
        version = registry.register(
            Path(folder),
            NAME,
            **_facts(DEFAULT_WEIGHTS.features),
            metrics={},
            lineage={"weights": "default"},
            kind="ranker",
        )
    try:
        registry.set_alias(NAME, "champion", version, expected=None)
    except AliasConflictError:
        return  # Somebody else was faster.


@dataclass
class Readings:
    """What a run learns from."""

    log: Log
    current: Ranker
    until: datetime | None
    """Time of the last behavior that what serves was learned from."""
    items: int
    sha256: str
    ends: dict[int, int]
    """By partition of the behaviors' topic, the first offset that was not read."""
    offsets: dict[int, int] = field(default_factory=dict)
    """Of labels: none are read."""


class _Made(NamedTuple):
    precision: Precision
    max_tokens: int
    width: int
    metrics: dict[str, Any]
    lineage: dict[str, Any]


class _Shelf(NamedTuple):
    """Items that one embedder has embedded."""

    embedder: str
    items: list[Item]
    vectors: NDArray[np.float32]


class _Work:
    """The steps. A run that was killed begins anew: it takes a minute or two."""

    def __init__(self, settings: Settings, tell: Tell) -> None:
        self._settings = settings
        self._tell = tell

    def data(self, champion: Path, folder: Path) -> Readings:  # noqa: ARG002  nothing is kept there
        self._tell("items and behaviors", 0, 1)
        shelf = _items(self._settings)
        behaviors, ends = _behaviors(self._settings)
        log = Log(shelf.items, shelf.vectors, behaviors, self._settings.recommend, embedder=shelf.embedder)
        told = sha256(shelf.embedder.encode())
        for behavior in log.behaviors:
            told.update(msgspec.json.encode(behavior))
        self._tell("items and behaviors", 1, 1)
        until = _until(read(champion / MANIFEST, Manifest))
        return Readings(log, open_ranker(champion), until, len(shelf.items), told.hexdigest(), ends)

    def finetune(self, dataset: Readings, folder: Path) -> LearnedRanker:  # noqa: ARG002  likewise
        self._tell("learning", 0, 1)
        learned = dataset.log.learn(dataset.current, dataset.until)
        self._tell("learning", 1, 1)
        return learned

    def export(self, tuned: LearnedRanker, dataset: Readings, out: Path) -> _Made:
        write_ranker(out, tuned.weights, tuned.projection)
        behaviors = dataset.log.behaviors
        return _Made(
            **_facts(tuned.weights.features),
            metrics={"coefficients": dict(zip(tuned.weights.features, tuned.weights.coefficients, strict=True))},
            lineage={
                "behaviors": len(behaviors),
                "behavior_offsets": {str(partition): end for partition, end in dataset.ends.items()},
                "items": dataset.items,
                "embedder": dataset.log.embedder,
                # A clock that is ahead must not make all that comes seem known.
                "until": min(behaviors[-1].time, datetime.now(UTC)).isoformat(),
            },
        )

    def judge(self, champion: Path, candidate: Path, dataset: Readings) -> tuple[Ranks, Ranks]:
        self._tell("judging", 0, 1)
        judged = dataset.log.judge(open_ranker(champion), dataset.until, open_ranker(candidate).weights)
        self._tell("judging", 1, 1)
        return judged


def _facts(features: tuple[str, ...]) -> dict[str, Any]:
    """What the registry is told of any ranker, which reads no text."""
    return {"precision": "fp32", "max_tokens": 1, "width": len(features)}


def _until(manifest: Manifest) -> datetime | None:
    # Versions of before say when they were made, which was soon after their last behavior.
    told = manifest.lineage.get("until", manifest.lineage.get("time"))
    return None if told is None else datetime.fromisoformat(told)


def _items(settings: Settings) -> _Shelf:
    """The items of the embedder that has embedded most of them; vectors of two are never compared."""
    latest: dict[bytes, ItemVector | None] = {}
    for record in read_all(settings, item_vectors_topic(settings.topics)):
        try:
            latest[record.key] = None if record.value is None else _vector.decode(record.value)
        except msgspec.DecodeError:
            continue
    by_embedder: dict[str, list[ItemVector]] = {}
    for vector in latest.values():
        if vector is not None:
            by_embedder.setdefault(vector.embedder, []).append(vector)
    if not by_embedder:
        raise NothingToLearnError("there are no items: feed some with `tocsin feed items.jsonl --to items`")
    embedder, most = max(by_embedder.items(), key=lambda pair: len(pair[1]))
    vectors = np.stack([np.frombuffer(each.vector, "<f4") for each in most])
    return _Shelf(embedder, [each.item for each in most], vectors)


def _behaviors(settings: Settings) -> tuple[list[Behavior], dict[int, int]]:
    """What readers did, and by partition the first offset that was not read."""
    limit = settings.enrich.max_message_bytes
    found: list[Behavior] = []
    ends: dict[int, int] = {}
    for raw in read_all(settings, settings.recommend.behaviors_topic):
        ends[raw.partition] = raw.offset + 1
        try:
            found.append(decode_behavior(_record(raw), max_bytes=limit))
        except BadMessageError:
            continue  # It became a dead letter when it came.
    return found, ends


def _record(raw: ConsumerRecord) -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.timestamp / 1000, raw.key, raw.value, raw.headers)
