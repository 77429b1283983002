"""Brokers: clients of any Kafka, and the two that run on this machine, Tansu and Apache Kafka."""
