"""What following readers costs: updates, recommendations and memory. A room of its own: one process, one thread.

python -m benchmarks.support.recommend.cost --readers 10000 --items 100000 --behaviors 60000
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from benchmarks.support.rooms import tell
from models.items.index import ItemIndex
from streams.contract.recommendations import Behavior, Item
from streams.contract.service_settings import RecommendSettings
from streams.logic.recommend.interests import Bounds, Interests
from streams.logic.recommend.recommender import Recommender

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from streams.contract.recommendations import BehaviorAction

_WIDTH = 384
_SUBJECTS = 200
_SPREAD = 0.8
_START = datetime(2026, 3, 2, tzinfo=UTC)
_SEED = 17
_ACTIONS: tuple[BehaviorAction, ...] = ("view", "click", "click", "click", "comment", "share", "purchase", "dismiss")
_RECOMMENDED = 300


def measure(readers: int, items: int, behaviors: int) -> dict[str, Any]:
    """Fill an index, take in behaviors, recommend; what each takes.

    Items lie around 200 subjects and are read by Zipf's law; a reader has three subjects. The order of behaviors, ids
    and times are made beforehand: what is timed is a reader's and the counts' update with the look-up of the vector,
    and neither decoding nor Kafka.
    """
    generator = np.random.default_rng(_SEED)
    settings = RecommendSettings()
    memory = [_resident()]
    index = ItemIndex(_WIDTH, items, settings.item_ttl_hours)
    started = time.perf_counter()
    for item, vector in make_items(items, generator, _START):
        index.put(item, vector)
    index_seconds = time.perf_counter() - started
    memory.append(_resident())
    recommender = Recommender(settings, index)
    told = make_behaviors(readers, items, behaviors, generator, _START)
    started = time.perf_counter()
    for offset, behavior in enumerate(told):
        if recommender.is_new(behavior.user, "behaviors", 0, offset):
            recommender.observe(behavior)
    seconds = time.perf_counter() - started
    memory.append(_resident())
    now = told[-1].time.timestamp()
    users = list(dict.fromkeys(behavior.user for behavior in told))[:_RECOMMENDED]
    took = []
    for user in users:
        started = time.perf_counter()
        recommender.recommend(user, now)
        took.append(time.perf_counter() - started)
    started = time.perf_counter()
    sizes = [len(recommender.dump(user) or b"") for user in users]
    dump_seconds = (time.perf_counter() - started) / len(users)
    full = _full_reader(settings, told)
    return {
        "readers": recommender.readers,
        "items": len(index),
        "behaviors": behaviors,
        "behaviors_per_second": behaviors / seconds,
        "items_indexed_per_second": items / index_seconds,
        "recommendation_p50_seconds": median(took),
        "recommendation_p99_seconds": float(np.quantile(took, 0.99)),
        "state_mean_bytes": sum(sizes) / len(sizes),
        "dump_seconds": dump_seconds,
        "full_state_bytes": len(full.dump()),
        "full_state_seen": full.seen,
        "index_memory_bytes": memory[1] - memory[0],
        "readers_and_counts_memory_bytes": memory[2] - memory[1],
        "memory_bytes": memory[2],
    }


def _full_reader(settings: RecommendSettings, told: list[Behavior]) -> Interests:
    """One who has seen more than is remembered; ids are as long as the others'."""
    reader = Interests(Bounds.of(settings))
    centres = _unit(np.random.default_rng(_SEED).standard_normal((_SUBJECTS, _WIDTH)))
    for number in range(2 * (settings.recent_items + settings.seen_items)):
        vector = centres[number % _SUBJECTS].astype(np.float32)
        reader.observe(f"item-{number:06}", 1.0, told[0].time.timestamp() + number, vector=vector)
    return reader


def make_items(count: int, generator: np.random.Generator, now: datetime) -> Iterator[tuple[Item, NDArray[np.float32]]]:
    """Items around 200 subjects with their unit vectors, one each ten seconds until now."""
    centres = _unit(generator.standard_normal((_SUBJECTS, _WIDTH)))
    for number in range(count):
        noise = _unit(generator.standard_normal((1, _WIDTH)))[0]
        vector = _unit((centres[number % _SUBJECTS] + _SPREAD * noise)[None])[0]
        item = Item(
            id=f"item-{number:06}",
            text=f"Story {number}",
            title=f"Story {number}",
            time=now - timedelta(seconds=10 * (count - number)),
            topics=[f"topic-{number % _SUBJECTS % 12}"],
            sentiment=0.0,
        )
        yield item, vector.astype(np.float32)


def make_behaviors(
    readers: int, items: int, count: int, generator: np.random.Generator, start: datetime, gap: float = 1.0
) -> list[Behavior]:
    """Behaviors of readers with three subjects each, by Zipf's law, one each ``gap`` seconds."""
    own = generator.integers(_SUBJECTS, size=(readers, 3))
    users = generator.integers(readers, size=count)
    subjects = own[users, generator.integers(3, size=count)]
    ranks = np.minimum(generator.zipf(1.3, size=count) - 1, items // _SUBJECTS - 1)
    numbers = ranks * _SUBJECTS + subjects
    actions = generator.integers(len(_ACTIONS), size=count)
    return [
        Behavior(
            user=f"reader-{user:05}",
            item=f"item-{number:06}",
            action=_ACTIONS[action],
            time=start + timedelta(seconds=gap * at),
        )
        for at, (user, number, action) in enumerate(
            zip(users.tolist(), numbers.tolist(), actions.tolist(), strict=True)
        )
    ]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def _resident() -> int:
    resident: int = psutil.Process().memory_info().rss
    return resident


def main() -> None:
    """The room."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--readers", type=int, required=True)
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--behaviors", type=int, required=True)
    given = parser.parse_args()
    tell(measure(given.readers, given.items, given.behaviors))


if __name__ == "__main__":
    main()
