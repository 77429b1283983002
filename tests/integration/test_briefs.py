"""Alerts are told of by a real worker over a real broker: once when they begin, once when they are over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.alerts import make_alert
from support.messages import consume_all, produce
from support.processes import wait_for
from support.streams import worker

from streams.contract.records import encode
from streams.contract.replies import Brief
from streams.contract.service_settings import BriefsSettings
from streams.contract.topics import alerts_topic, briefs_topic

if TYPE_CHECKING:
    from streams.contract.alerts import Alert
    from streams.contract.settings import Settings

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(120),
    pytest.mark.parametrize("broker", ["tansu_broker"], indirect=True),
]


def ring(settings: Settings, *alerts: Alert) -> None:
    topic = alerts_topic(settings.topics)
    produce(settings, topic, [(alert.fingerprint.encode(), encode(alert), []) for alert in alerts])


def briefs(settings: Settings, count: int) -> list[Brief]:
    records = consume_all(settings, briefs_topic(settings.topics), count)
    found = [msgspec.json.decode(record.value, type=Brief) for record in records]
    assert [record.key.decode() for record in records] == [brief.fingerprint for brief in found]
    return found


def test_each_alert_has_a_brief_when_it_begins_and_when_it_is_over_and_none_twice(stream_settings: Settings) -> None:
    settings = stream_settings.model_copy(update={"briefs": BriefsSettings(enabled=True, min_messages=1)})
    began = datetime.now(UTC) - timedelta(minutes=10)
    with worker(settings) as first:
        first.wait_until_ready()
        ring(settings, make_alert(starts=began), make_alert(level="red", starts=began))
        (brief,) = briefs(settings, 1)
        assert (brief.status, brief.origin, brief.subject) == ("firing", "template", "entity/larkmoor")
        assert "Larkmoor halts withdrawals" in brief.text
        told = 'tocsin_briefs_total{origin="template",status="firing"}'
        wait_for(lambda: first.metric(told) == 1, what="for the metric")
        assert first.process.terminate() == 0, first.process.stderr
    with worker(settings) as second:
        second.wait_until_ready()
        ring(settings, make_alert(level="orange", starts=began), make_alert(status="resolved", starts=began))
        ring(settings, make_alert("topic/fraud", starts=began))
        found = briefs(settings, 3)
        assert second.process.terminate() == 0, second.process.stderr
    found_of = sorted((brief.subject, brief.status) for brief in found)
    assert found_of == [("entity/larkmoor", "firing"), ("entity/larkmoor", "resolved"), ("topic/fraud", "firing")]
