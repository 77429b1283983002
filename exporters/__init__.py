"""Prometheus metrics and probes."""
