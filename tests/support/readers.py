"""Items with vectors and what readers did with them, on their topics, for tests that learn a ranker."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from support.messages import produce

from streams.contract.recommendations import Behavior, Item, ItemVector
from streams.contract.records import encode
from streams.contract.topics import item_vectors_topic

if TYPE_CHECKING:
    from streams.contract.settings import Settings

START = datetime.now(UTC) - timedelta(days=5)
SUBJECTS = 4
EACH = 15


def send_items_and_behaviors(settings: Settings, readers: int) -> None:
    """Items of four subjects, and eight behaviors of each reader."""
    send_items(settings)
    send_behaviors(settings, readers)


def send_items(settings: Settings) -> None:
    noise = np.random.default_rng(5)
    records: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = []
    for number in range(SUBJECTS * EACH):
        vector = 0.1 * noise.normal(size=16)
        vector[number % SUBJECTS] = 1.0
        unit = (vector / np.linalg.norm(vector)).astype("<f4")
        item = Item(id=f"item {number}", text="text", time=START - timedelta(hours=6 * (number // SUBJECTS)))
        records.append((item.id.encode(), encode(ItemVector(item=item, embedder="sha", vector=unit.tobytes())), []))
    other = Item(id="other", text="of another embedder", time=START)
    records.append((b"other", encode(ItemVector(item=other, embedder="sha 2", vector=b"\0" * 12)), []))
    records += [(b"item 0", None, []), (b"x", b"nothing", [])]
    produce(settings, item_vectors_topic(settings.topics), records)


def send_behaviors(settings: Settings, readers: int) -> None:
    """Each reader keeps to one subject, and to its older items: what the default weights do not expect."""
    lots = random.Random(7)
    told = []
    for step in range(8):
        for reader in range(readers):
            age = EACH - 1 - min(int(lots.expovariate(0.4)), EACH - 1)
            number = age * SUBJECTS + reader % SUBJECTS
            time = START + timedelta(hours=6 * step, minutes=reader)
            behavior = Behavior(user=f"reader {reader}", item=f"item {number}", action="click", time=time)
            told.append((behavior.user.encode(), encode(behavior), []))
    produce(settings, settings.recommend.behaviors_topic, [*told, (b"", b"nothing", [])])
