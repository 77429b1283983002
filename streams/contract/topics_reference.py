"""The topics as a reference, from the topics themselves: what is on each, how it is kept, who reads and writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.contract.access import components
from streams.contract.schema import record_name
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from streams.contract.settings import Settings
    from streams.contract.topics import TopicSpec

_MS_PER_HOUR = 3_600_000
_HEAD = """# Topics

Every topic that Tocsin reads or writes, under the default settings. `tocsin topics create` makes those that are
missing; nothing relies on auto-creation. [kafka.md](kafka.md) tells how to run on a cluster of yours.

This page is made by `tocsin schema --write docs`.

## What is on them

Partitions: `topics.partitions` (4), or 1 where the order over all keys matters. Copies: `topics.replication` (1). Of a
compacted topic the latest record of each key is kept for ever.

| topic | key | record | kept | partitions | what |
| --- | --- | --- | --- | ---: | --- |
"""
_RIGHTS = """
## Who reads and writes them

R: Read on the topic. W: Write. Both imply Describe. `tocsin topics acls COMPONENT` prints the rights as commands for
Kafka's own `kafka-acls.sh`, with the names that your settings give.

"""


def topics_markdown(settings: Settings) -> str:
    """The reference as a Markdown page."""
    specs = all_topics(settings)
    rows = "\n".join(_row(spec) for spec in specs)
    return f"{_HEAD}{rows}\n{_RIGHTS}{_access(settings, specs)}"


def _row(spec: TopicSpec) -> str:
    name = record_name(spec.record)
    cells = (f"`{spec.name}`", spec.key, f"[{name}](schemas/{name}.json)", _kept(spec), str(spec.partitions))
    return f"| {' | '.join(cells)} | {spec.description} |"


def _kept(spec: TopicSpec) -> str:
    limit = spec.config.get("max.message.bytes")
    larger = f"; records up to {int(limit):,} bytes" if limit else ""
    if spec.config.get("cleanup.policy") == "compact":
        return f"compacted{larger}"
    hours = int(spec.config["retention.ms"]) / _MS_PER_HOUR
    return f"for ever{larger}" if hours < 0 else f"{hours:g} h{larger}"


def _access(settings: Settings, specs: list[TopicSpec]) -> str:
    shown = [component for component in components(settings) if component.reads or component.writes]
    lines = [
        f"| topic | {' | '.join(component.name for component in shown)} |",
        f"| --- | {' | '.join('---' for _ in shown)} |",
    ]
    for spec in specs:
        cells = ("R" * (spec.name in one.reads) + "W" * (spec.name in one.writes) for one in shown)
        lines.append(f"| `{spec.name}` | {' | '.join(cells)} |")
    lines += ["", "| component | what it is | consumer groups |", "| --- | --- | --- |"]
    for one in components(settings):
        groups = [f"Read on `{name}`" for name in one.joins] + [f"Describe on `{name}`" for name in one.sees]
        lines.append(f"| {one.name} | `{one.command}` | {', '.join(groups) or 'none'} |")
    return "\n".join([*lines, ""])
