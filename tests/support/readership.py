"""Items and readers for tests of recommendations: what they say to the topics, and what comes back."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import onnx
from onnx import numpy_helper
from support import toy_model
from support.messages import consume_all, produce

from streams.contract.recommendations import InterestState, Recommendation
from streams.contract.topics import interests_topic, recommendation_requests_topic, recommendations_topic
from streams.logic.recommend.interests import Bounds, Interests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kafka.consumer.fetcher import ConsumerRecord

    from models.registry import Registry
    from streams.contract.settings import Settings

# Words of the toy model's vocabulary: items that share one are near each other to its embedder.
SUBJECTS = ("profit", "merger", "cola")


def items(each: int = 8, *, now: datetime | None = None) -> list[dict[str, Any]]:
    """So many items about each subject; the first ones are the newest."""
    now = now or datetime.now(UTC)
    return [
        {
            "id": f"{subject}-{number}",
            "title": f"{subject} {number}",
            "text": " ".join([subject] * 3 + [chr(ord("a") + number)]),
            "time": (now - timedelta(minutes=number)).isoformat(),
        }
        for number in range(each)
        for subject in SUBJECTS
    ]


def behavior(user: str, item: str, action: str = "click", **more: object) -> dict[str, Any]:
    """What a reader did."""
    return {"user": user, "item": item, "action": action, **more}


def send_items(settings: Settings, sent: Iterable[dict[str, Any]]) -> None:
    """Send items, keyed by their ids."""
    records = [(item["id"].encode(), json.dumps(item).encode(), []) for item in sent]
    produce(settings, settings.recommend.items_topic, records)


def withdraw(settings: Settings, item: str) -> None:
    """Take an item out."""
    produce(settings, settings.recommend.items_topic, [(item.encode(), None, [])])


def send_behaviors(settings: Settings, sent: Iterable[dict[str, Any]]) -> list[tuple[int, int]]:
    """Send behaviors, keyed by their readers; the place of each."""
    records = [(each["user"].encode(), json.dumps(each).encode(), []) for each in sent]
    return produce(settings, settings.recommend.behaviors_topic, records)


def ask(settings: Settings, user: str, request: str, limit: int = 10) -> Recommendation:
    """Ask for recommendations, and wait for the answer."""
    value = json.dumps({"id": request, "user": user, "limit": limit}).encode()
    produce(settings, recommendation_requests_topic(settings.topics), [(user.encode(), value, [])])
    found = told(settings, lambda those: any(each.id == request for each in those))
    return next(each for each in found if each.id == request)


def told(
    settings: Settings, enough: Callable[[Sequence[Recommendation]], bool], timeout: float = 60.0
) -> list[Recommendation]:
    """Every recommendation, once there are enough."""

    def decoded(records: Sequence[ConsumerRecord]) -> list[Recommendation]:
        return [msgspec.json.decode(record.value, type=Recommendation) for record in records]

    topic = recommendations_topic(settings.topics)
    return decoded(consume_all(settings, topic, lambda records: enough(decoded(records)), timeout))


def weights(settings: Settings) -> dict[str, float]:
    """How much the interests of each reader weigh together, by the state that was kept last."""
    latest = {}
    for record in consume_all(settings, interests_topic(settings.topics), 1):
        state = msgspec.json.decode(record.value, type=InterestState)
        _, width, interests, _ = msgspec.msgpack.decode(state.state)
        kept = Interests.load(interests, Bounds.of(settings.recommend), width)
        latest[state.user] = float(kept.vectors(kept.as_of)[1].sum())
    return latest


def add_with_another_trunk(registry: Registry, name: str) -> int:
    """Register a toy version that reads like the first, and embeds into other directions."""
    with tempfile.TemporaryDirectory() as folder:
        files = toy_model.write_files(Path(folder) / "files")
        embedder = onnx.load(files / "embedder.onnx")
        table = next(each for each in embedder.graph.initializer if each.name == "table")
        turned = np.roll(numpy_helper.to_array(table), 7, axis=1)
        table.CopyFrom(numpy_helper.from_array(turned, "table"))
        onnx.save(embedder, files / "embedder.onnx")
        return registry.register(files, name, **toy_model.facts())
