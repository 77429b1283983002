"""Settings of the property tests: few examples, and no clock, since the machine may be busy."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
