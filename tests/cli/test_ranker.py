"""``tocsin ranker learn``: from what is on the topics to a version in the registry, judged."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.commands import Tocsin
from support.messages import produce

from models.items.ranker import load_ranker
from models.registry import Registry
from streams.contract.recommendations import Behavior, Item, ItemVector
from streams.contract.records import encode
from streams.contract.topics import item_vectors_topic

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.settings import Settings

pytestmark = pytest.mark.parametrize(
    "broker", [pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu")], indirect=True
)

START = datetime.now(UTC) - timedelta(days=5)
SUBJECTS = 4
EACH = 15


@pytest.fixture
def settings(stream_settings: Settings, tmp_path: Path) -> Settings:
    model = stream_settings.model.model_copy(
        update={"registry": str(tmp_path / "registry"), "cache": tmp_path / "cache"}
    )
    return stream_settings.model_copy(update={"model": model})


@pytest.fixture
def tocsin(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    return Tocsin(monkeypatch, capsys).under(settings)


def send_items(settings: Settings) -> None:
    noise = np.random.default_rng(5)
    records: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = []
    for number in range(SUBJECTS * EACH):
        vector = 0.1 * noise.normal(size=16)
        vector[number % SUBJECTS] = 1.0
        unit = (vector / np.linalg.norm(vector)).astype("<f4")
        item = Item(id=f"item {number}", text="text", time=START)
        records.append((item.id.encode(), encode(ItemVector(item=item, embedder="sha", vector=unit.tobytes())), []))
    other = Item(id="other", text="of another embedder", time=START)
    records.append((b"other", encode(ItemVector(item=other, embedder="sha 2", vector=b"\0" * 12)), []))
    records += [(b"item 0", None, []), (b"x", b"nothing", [])]
    produce(settings, item_vectors_topic(settings.topics), records)


def send_behaviors(settings: Settings, readers: int) -> None:
    """Each reader keeps to one subject."""
    lots = random.Random(7)
    told = []
    for step in range(8):
        for reader in range(readers):
            number = lots.randrange(EACH) * SUBJECTS + reader % SUBJECTS
            time = START + timedelta(hours=6 * step, minutes=reader)
            behavior = Behavior(user=f"reader {reader}", item=f"item {number}", action="click", time=time)
            told.append((behavior.user.encode(), encode(behavior), []))
    produce(settings, settings.recommend.behaviors_topic, [*told, (b"", b"nothing", [])])


def test_a_ranker_is_learned_judged_and_kept(tocsin: Tocsin, settings: Settings) -> None:
    send_items(settings)
    send_behaviors(settings, 300)
    learned = tocsin("ranker", "learn", "--json")
    assert learned.code == 0, learned.err
    told = json.loads(learned.out)
    assert told["version"] == 1
    assert told["questions"] > 0
    registry = Registry(settings.model.registry)
    champion = registry.state("ranker").aliases.champion
    assert champion == (1 if told["promoted"] else None)
    kept = load_ranker(registry, "1", settings.model.cache)
    assert kept is not None
    assert kept.version == "ranker:1"


def test_too_few_behaviors_are_told(tocsin: Tocsin, settings: Settings) -> None:
    send_items(settings)
    send_behaviors(settings, 1)
    learned = tocsin("ranker", "learn")
    assert learned.code == 1
    assert "wait for more" in learned.err


def test_without_items_it_says_how_to_send_some(tocsin: Tocsin) -> None:
    learned = tocsin("ranker", "learn")
    assert learned.code == 1
    assert "tocsin feed items.jsonl --to items" in learned.err
