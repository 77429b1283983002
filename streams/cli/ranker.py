"""``tocsin ranker``: learn the weights by which items are recommended from what readers did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import numpy as np
import typer
from kafka.consumer.fetcher import ConsumerRecord
from numpy.typing import NDArray

from models.items.ranker import NAME, Ranker, load_ranker
from models.manifest import VersionError
from models.registry import Registry
from streams.brokers.reading import read_all
from streams.cli import common, desk
from streams.contract.incoming import BadMessageError, Record
from streams.contract.incoming_readers import decode_behavior
from streams.contract.recommendations import Behavior, Item, ItemVector
from streams.contract.settings import Settings
from streams.contract.topics import item_vectors_topic

app = typer.Typer(help="Learn how items are ranked from what readers did.", no_args_is_help=True)

_EXTRA = "`pip install 'tocsin[retrain]'` brings what learning needs"

_vector = msgspec.json.Decoder(ItemVector)


class _Learned(msgspec.Struct, frozen=True):
    """What came of it, as JSON."""

    version: int
    promoted: bool
    says: str
    current: float
    candidate: float
    questions: int


class _Shelf(NamedTuple):
    """Items that one embedder has embedded."""

    embedder: str
    items: list[Item]
    vectors: NDArray[np.float32]


@app.command()
def learn(*, as_json: desk.AsJson = False) -> None:
    """Learn a ranker from the behaviors and items that the topics hold; it serves if it is better by later behaviors.

    Workers take it up within half a minute. A ranker that is not better is kept, and does not serve.

    Example: `tocsin ranker learn`
    """
    try:
        from retrain.ranker import TooFewExamplesError, register  # noqa: PLC0415  a worker's install lacks what it needs
        from streams.cli.ranker_learning import learn_ranker  # noqa: PLC0415  likewise
    except ModuleNotFoundError as error:
        raise common.CommandError(f"{error.name} is missing: {_EXTRA}") from error
    settings = common.settings()
    registry = Registry(settings.model.registry)
    with common.err.status("reading items and behaviors"):
        shelf = _items(settings)
        behaviors = list(_behaviors(settings))
    try:
        current = _current(settings, registry)
        with common.err.status(f"learning from {len(behaviors):,} behaviors"):
            learned = learn_ranker(
                shelf.items, shelf.vectors, behaviors, settings.recommend, embedder=shelf.embedder, current=current
            )
        version = register(
            registry,
            learned.weights,
            learned.projection,
            decision=learned.decision,
            lineage={
                "behaviors": len(behaviors),
                "items": len(shelf.items),
                "embedder": shelf.embedder,
                "parent": None if current is None else current.version,
                "time": datetime.now(UTC).isoformat(),
            },
        )
    except TooFewExamplesError as error:
        raise common.CommandError(str(error)) from error
    except (VersionError, OSError) as error:
        raise common.CommandError(f"the model registry: {error}") from error
    decision = learned.decision
    if as_json:
        common.print_json(
            _Learned(version, decision.promote, decision.says, decision.current, decision.candidate, decision.questions)
        )
        return
    what = "serves from now on" if decision.promote else "is kept, and does not serve"
    common.say(f"{NAME}:{version} {what}. {decision.says}")


def _current(settings: Settings, registry: Registry) -> Ranker | None:
    if not registry.versions(NAME) or registry.state(NAME).aliases.champion is None:
        return None
    return load_ranker(registry, "champion", settings.model.cache)


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
        raise common.CommandError("there are no items: feed some with `tocsin feed items.jsonl --to items`")
    embedder, most = max(by_embedder.items(), key=lambda pair: len(pair[1]))
    vectors = np.stack([np.frombuffer(each.vector, "<f4") for each in most])
    return _Shelf(embedder, [each.item for each in most], vectors)


def _behaviors(settings: Settings) -> Iterator[Behavior]:
    limit = settings.enrich.max_message_bytes
    for raw in read_all(settings, settings.recommend.behaviors_topic):
        try:
            yield decode_behavior(_record(raw), max_bytes=limit)
        except BadMessageError:
            continue  # It became a dead letter when it came.


def _record(raw: ConsumerRecord) -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.timestamp / 1000, raw.key, raw.value, raw.headers)
