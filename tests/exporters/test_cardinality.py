"""Nothing out of a message becomes a label: whatever is sent, the number of series stays as it is."""

from __future__ import annotations

import json
import random
import string
from typing import TYPE_CHECKING

import msgspec
from prometheus_client import generate_latest
from support.serving import Alone
from support.surge import make_desk

from exporters.metrics import WorkerMetrics
from models.readings import Reading
from streams.agents.enrich import _count
from streams.contract.domain import load_domain
from streams.contract.incoming import Record
from streams.contract.records import Entity
from streams.contract.settings import Settings, SurgeSettings
from streams.logic.enricher import REASONS, Enricher

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGES, BATCH, MOST = 20_000, 200, 2_000


class Inventive:
    """Reads another entity in each text."""

    model = "toy:1"

    def read(self, texts: Sequence[str]) -> list[Reading]:
        return [
            Reading(
                topics=["markets"],
                topic_scores={"markets": 1.0},
                sentiment="negative",
                sentiment_scores={"negative": 1.0, "neutral": 0.0, "positive": 0.0},
                intent="complaint",
                intent_scores={"complaint": 1.0},
                entities=[
                    Entity(
                        text=text.split()[0],
                        type="ORG",
                        start=0,
                        end=len(text.split()[0]),
                        score=1.0,
                        sentiment="negative",
                        sentiment_scores={"negative": 1.0},
                    )
                ],
                truncated=False,
            )
            for text in texts
        ]


def _invented(offset: int, draw: random.Random) -> Record:
    """A message in which all is new that a sender can choose; one in ten is none."""
    word = "".join(draw.choices(string.ascii_lowercase, k=12)).title()
    body: object = {
        "id": word,
        "text": f"{word} slumps after a loss",
        "source": f"source-{word}" * draw.randrange(1, 200),
        "author": word,
        "conversation": word,
        "channel": word,
    }
    if offset % 10 == 0:
        body = draw.choice([{}, {"text": ""}, {"text": "x", "time": word}, [word], word, {"text": {word: word}}])
    kind = draw.choice(["news", "social", "customer"])
    return Record(kind, 0, offset, 1_770_000_000.0 + offset / 100, None, json.dumps(body).encode(), ())


def _series(metrics: WorkerMetrics) -> int:
    return sum(not line.startswith("#") for line in generate_latest(metrics.registry).decode().splitlines())


def test_twenty_thousand_invented_messages_make_no_series_and_bounded_subjects() -> None:
    settings = Settings(surge=SurgeSettings(max_subjects=MOST))
    enricher = Enricher(Alone(Inventive()), settings, load_domain("finance"))
    metrics = WorkerMetrics()
    metrics.prepare(settings.topics.inputs, REASONS)
    desk = make_desk(settings.surge)
    draw = random.Random(11)
    series, rows = [], []
    for start in range(0, MESSAGES, BATCH):
        batch = enricher.enrich([_invented(offset, draw) for offset in range(start, start + BATCH)])
        _count(batch, metrics)
        for outcome in batch.outcomes:
            for signal in outcome.signals:
                desk.observe(
                    msgspec.structs.replace(signal, watermark=signal.time.timestamp()), signal.time.timestamp()
                )
        now = 1_770_000_000.0 + (start + BATCH) / 100
        desk.advance(now, now)
        if start % 1000 == 0:
            desk.dirty()
            series.append(_series(metrics))
            rows.append(len(desk._panel._store.last))
        assert desk.subjects <= MOST + len(load_domain("finance").topics)
    # From the second look on there are no more, of series and of rows of figures.
    assert series[-1] == series[1]
    assert series[-1] < 300
    assert rows[-1] == rows[1] <= 2 * MOST
    assert metrics.messages.labels("news")._value.get() > 0


def test_no_label_is_named_after_what_a_sender_chooses() -> None:
    """Every labelled metric of the worker: its labels are of the settings, of our own words or of partitions."""
    chosen = {"entity", "subject", "author", "user", "conversation", "message", "id", "channel", "language", "url"}
    for family in WorkerMetrics().registry.collect():
        for sample in family.samples:
            assert not chosen & sample.labels.keys(), sample.name
