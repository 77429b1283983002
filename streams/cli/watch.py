"""``tocsin watch``: what comes on topics, as it comes."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from streams.brokers.following import Follower
from streams.brokers.presence import Presence
from streams.cli import common
from streams.cli.broker_watch import tell_change
from streams.cli.reach import require_topics
from streams.cli.stopping import Stop
from streams.cli.watching import as_document, as_line
from streams.contract.settings import Settings
from streams.contract.topics import all_topics, output_topic

_POLL_SECONDS = 0.2


def watch(
    topics: Annotated[
        list[str],
        typer.Argument(metavar="TOPIC", help="Such as predictions or dead-letters, a full name, or an input."),
    ],
    *,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Show what is there already, too.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many.", show_default=False)] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="Stop when nothing came for so many seconds.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each value as one line of JSON.")] = False,
    meta: Annotated[
        bool, typer.Option("--meta", help="With --json: add topic, partition, offset, key, headers.")
    ] = False,
) -> None:
    """Show what comes on topics from now on, until stopped.

    Ends with 3 if `--timeout` passed and nothing had come.

    Example: `tocsin watch predictions --json --limit 10 | jq .sentiment`
    """
    if meta and not as_json:
        raise common.CommandError("--meta is for --json", 2)
    settings = common.settings()
    kinds = _resolve(settings, topics)
    require_topics(settings.kafka, list(kinds))
    shown = 0
    with Stop().on_signals() as stop, Follower(settings.kafka, list(kinds), from_beginning=from_beginning) as follower:
        beginning = "from the beginning" if from_beginning else "from now on"
        common.say(f"watching {', '.join(kinds)} {beginning}; Ctrl-C stops", common.err)
        last = time.monotonic()
        presence = Presence(settings.kafka)
        while not stop.requested and (timeout is None or time.monotonic() - last < timeout):
            records = follower.poll(_POLL_SECONDS)
            if not records:
                tell_change(presence, settings.kafka.bootstrap_servers)
            for record in records:
                if as_json:
                    sys.stdout.write(as_document(record, meta=meta).decode() + "\n")
                else:
                    common.out.print(as_line(record, kinds[record.topic]), soft_wrap=True, highlight=False)
                shown += 1
                last = time.monotonic()
                if shown == limit:
                    return
            sys.stdout.flush()
    if not shown and not stop.requested:
        raise common.CommandError(f"nothing came on {', '.join(kinds)} within {timeout:g} s", common.NOT_FOUND)


def _resolve(settings: Settings, names: Sequence[str]) -> dict[str, type[msgspec.Struct]]:
    known = {spec.name: spec.record for spec in all_topics(settings)}
    found = {}
    for name in names:
        full = name if name in known else output_topic(settings.topics, name)
        if full not in known:
            prefix = settings.topics.prefix
            choices = ", ".join(topic.removeprefix(prefix) for topic in known)
            raise common.CommandError(f"no topic {name!r}: one of {choices}", 2)
        found[full] = known[full]
    return found
