"""What is counted of a batch that was read."""

from __future__ import annotations

import time

import pytest
from prometheus_client import CollectorRegistry

from exporters.metrics import WorkerMetrics
from streams.agents.enrich import _count
from streams.contract.incoming import Record
from streams.logic.enricher import Batch, Outcome

NONE = -0.001
"""As Kafka tells that a record bears no time, in seconds."""


@pytest.mark.parametrize(("age", "times"), [(None, 0), (2.0, 1), (-3600.0, 1)])
def test_a_record_that_bears_no_time_is_counted_and_took_no_time(age: float | None, times: int) -> None:
    timestamp = NONE if age is None else time.time() - age
    metrics = WorkerMetrics(CollectorRegistry())
    record = Record("news", 0, 0, timestamp, None, b"{}", ())
    _count(Batch([Outcome(record, [], None)], inference_seconds=0.1, retries=0, model="toy:1"), metrics)
    told = metrics.registry.get_sample_value
    assert told("tocsin_messages_total", {"source": "news"}) == 1
    assert told("tocsin_end_to_end_seconds_count") == times
    assert 0.0 <= (told("tocsin_end_to_end_seconds_sum") or 0.0) < 60.0
