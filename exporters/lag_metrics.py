"""Consumer lag in Prometheus's shape: one measurement for each scrape."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

    from exporters.lag import Measurement

log = structlog.get_logger(__name__)


class LagCollector(Collector):
    """Shows one measurement a scrape.

    Where it fails, ``tocsin_kafka_up`` is 0 and nothing else is shown: what was true earlier is not shown as true now.

    Args:
        measure: Makes a measurement, or raises.
    """

    def __init__(self, measure: Callable[[], Measurement]) -> None:
        self._measure = measure
        self._one_at_a_time = threading.Lock()
        self.problem: str | None = None
        """What the latest measurement failed of."""

    def collect(self) -> Iterator[Metric]:
        """Measure, and show it."""
        with self._one_at_a_time:
            began = time.monotonic()
            measurement = self._try()
            took = time.monotonic() - began
        yield GaugeMetricFamily(
            "tocsin_kafka_up", "1 if the brokers told all that is shown here.", value=measurement is not None
        )
        yield GaugeMetricFamily("tocsin_lag_measurement_seconds", "Time that the measurement took.", value=took)
        if measurement is not None:
            yield from _families(measurement)

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering it asks no broker."""
        return iter(())

    def _try(self) -> Measurement | None:
        try:
            measurement = self._measure()
        except Exception as error:  # noqa: BLE001  whatever it is, a scrape is answered
            problem = f"{type(error).__name__}: {error}"
            if problem != self.problem:
                log.warning("lag cannot be measured", error=problem)
            self.problem = problem
            return None
        if self.problem is not None:
            log.info("lag can be measured again")
        self.problem = None
        return measurement


def _families(measurement: Measurement) -> Iterator[Metric]:
    of_topic, of_group = ["topic", "partition"], ["group", "topic", "partition"]
    start = GaugeMetricFamily("tocsin_topic_start_offset", "Offset of the oldest message kept.", labels=of_topic)
    end = GaugeMetricFamily("tocsin_topic_end_offset", "Offset of the next message to be written.", labels=of_topic)
    for partition, offset in measurement.starts.items():
        place = [partition.topic, str(partition.partition)]
        start.add_metric(place, offset)
        end.add_metric(place, measurement.ends[partition])
    committed = GaugeMetricFamily(
        "tocsin_group_committed_offset", "Next offset that the group reads after a restart.", labels=of_group
    )
    messages = GaugeMetricFamily(
        "tocsin_group_lag_messages", "Messages written and not yet committed as done.", labels=of_group
    )
    seconds = GaugeMetricFamily(
        "tocsin_group_lag_seconds", "Age of the oldest message not yet committed as done.", labels=of_group
    )
    for lag in measurement.lags:
        place = [lag.group, lag.topic, str(lag.partition)]
        if lag.committed is not None:
            committed.add_metric(place, lag.committed)
        messages.add_metric(place, lag.messages)
        seconds.add_metric(place, lag.seconds)
    members = GaugeMetricFamily("tocsin_group_members", "Members of the consumer group.", labels=["group"])
    for group, count in measurement.members.items():
        members.add_metric([group], count)
    yield from (start, end, committed, messages, seconds, members)
