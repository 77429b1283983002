"""What of recommendations runs beside the stream: which ranker is taken up, and which partitions hold readers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from exporters.recommend_metrics import RecommendMetrics
from models.items.ranker import NAME, write_ranker
from models.manifest import VersionError
from models.registry import Registry
from streams.contract.ranking import RankerWeights
from streams.contract.settings import ModelSettings
from streams.worker.recommending import Recommending

if TYPE_CHECKING:
    from pathlib import Path


class Worker:
    """As much of a worker's recommendations as looks for the ranker."""

    def __init__(self, registry: Registry, cache: Path) -> None:
        self.prometheus = CollectorRegistry()
        self.parts = SimpleNamespace(
            _registry=registry,
            _model=ModelSettings(registry=registry.url, cache=cache),
            _ranker=None,
            _ranker_epoch=0,
            _counted=RecommendMetrics(self.prometheus),
        )

    def look(self) -> None:
        Recommending._look_for_ranker(self.parts)  # type: ignore[arg-type]

    def served(self, ranker: str) -> float | None:
        return self.prometheus.get_sample_value("tocsin_ranker_info", {"ranker": ranker})


def promote(registry: Registry, folder: Path, feature: str) -> None:
    folder.mkdir()
    write_ranker(folder, RankerWeights(features=(feature,), means=(0.0,), scales=(1.0,), coefficients=(1.0,)), None)
    number = registry.register(folder, NAME, precision="fp32", max_tokens=1, width=1, metrics={}, lineage={})
    registry.set_alias(NAME, "champion", number)


def test_a_ranker_that_weighs_what_is_not_known_serves_neither_the_readers_nor_the_metric(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    worker = Worker(registry, tmp_path / "cache")
    promote(registry, tmp_path / "known", "topic")
    worker.look()
    promote(registry, tmp_path / "strange", "horoscope")
    with pytest.raises(VersionError, match="ranker:2: the ranker weighs horoscope"):
        worker.look()
    assert worker.parts._ranker.version == "ranker:1"
    assert (worker.served("ranker:1"), worker.served("ranker:2")) == (1.0, None)


def test_partitions_that_were_added_to_readers_events_alone_are_not_restored() -> None:
    # They stay empty, and the topic of interests may lack them: to look for state there would end the worker.
    expected: list[set[int]] = []
    parts = SimpleNamespace(_events="reader-events", _partitions=4)
    parts._readership = SimpleNamespace(expect=expected.append)
    parts._of_readers = lambda places: Recommending._of_readers(parts, places)  # type: ignore[arg-type]
    Recommending._take_on(
        parts,  # type: ignore[arg-type]
        {("reader-events", 0), ("reader-events", 3), ("reader-events", 4), ("items", 1)},
    )
    assert expected == [{0, 3}]
