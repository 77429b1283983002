"""Surge detection: signals and event time go in, alerts and trends come out. Pure: neither Kafka nor a clock."""
