"""The demonstration's readers: what a few of them read on the domain's site, and what two of them are recommended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.brokers import client
from streams.brokers.following import Follower
from streams.cli.common import CommandError, some
from streams.cli.watching import printable
from streams.contract.domain import Domain
from streams.contract.ids import derived_id, output_id
from streams.contract.recommendations import Behavior, Item, Recommendation
from streams.contract.records import encode
from streams.contract.settings import Settings
from streams.contract.topics import item_vectors_topic, recommendations_topic
from streams.logic.items import item_key
from streams.logic.reader_events import user_key

T = TypeVar("T", Item, Behavior)

_SHOWN_READERS = 2
_SHOWN_ITEMS = 4
_PATIENCE_SECONDS = 90.0
_POLL_SECONDS = 0.2

_recommendation = msgspec.json.Decoder(Recommendation)


@dataclass(frozen=True, slots=True)
class Readership:
    """A site's items, and what was done with them."""

    items: list[Item]
    behaviors: list[Behavior]


class ReaderSummary(msgspec.Struct, frozen=True):
    """One reader: what was read, and what is recommended."""

    user: str
    read: list[str]
    """Titles."""
    recommendation: Recommendation


def load_readership(domain: Domain, now: datetime) -> Readership | None:
    """The domain's items and behaviors, as if the last of them were of this moment.

    Args:
        domain: Whose ``items.jsonl`` and ``behaviors.jsonl`` are read.
        now: The time.

    Returns:
        None where the domain has none.
    """
    items = _read(domain.folder / "items.jsonl", Item)
    behaviors = _read(domain.folder / "behaviors.jsonl", Behavior)
    if not items or not behaviors:
        return None
    return Readership(_as_of(items, now), _as_of(behaviors, now))


def play_readers(readership: Readership, settings: Settings, each_turn: Callable[[], None]) -> list[ReaderSummary]:
    """Send the items and behaviors, and give what two readers are recommended.

    Args:
        readership: What is sent.
        settings: Where the broker and a worker are.
        each_turn: Called while the worker is waited for; raises where there is no sense in that.

    Raises:
        CommandError: The worker does not answer in time.
    """
    recommend = settings.recommend
    items = {item_key(item.id): encode(item) for item in readership.items}
    _send(settings, recommend.items_topic, list(items.items()))
    _wait_for_items(settings, set(items), each_turn)
    users = list(dict.fromkeys(behavior.user for behavior in readership.behaviors))[:_SHOWN_READERS]
    topic = recommendations_topic(settings.topics)
    with Follower(settings.kafka, [topic], from_beginning=False) as follower:
        sent = [(user_key(behavior.user), encode(behavior)) for behavior in readership.behaviors]
        places = _send(settings, recommend.behaviors_topic, sent)
        # The last behavior of each reader is answered with an id that is made of its place.
        ids = {
            behavior.user: derived_id(output_id(recommend.behaviors_topic, *place, "reader-event"), "recommendation")
            for behavior, place in zip(readership.behaviors, places, strict=True)
        }
        wanted = {ids[user]: user for user in users}
        told = _answers(follower, set(wanted), each_turn)
    titles = {item.id: item.title or item.id for item in readership.items}
    return [
        ReaderSummary(
            user,
            [titles.get(each.item, each.item) for each in _read_by(user, readership.behaviors)],
            told[ids[user]],
        )
        for user in users
    ]


def print_readers(console: Console, readers: Sequence[ReaderSummary]) -> None:
    """Show what each reader read, and is recommended, and why."""
    for reader in readers:
        read = "; ".join(printable(title) for title in reader.read)
        console.print(f"\n[bold]{escape(printable(reader.user))}[/] read: {escape(read)}", highlight=False)
        table = Table("recommended", "why", box=None, pad_edge=False, header_style="dim")
        for each in reader.recommendation.items[:_SHOWN_ITEMS]:
            table.add_row(escape(printable(each.title)), f"[dim]{escape(printable(each.why))}[/]")
        console.print(table)


def _read_by(user: str, behaviors: Sequence[Behavior]) -> list[Behavior]:
    return [each for each in behaviors if each.user == user and each.action != "dismiss"]


def _read(path: Path, kind: type[T]) -> list[T]:
    if not path.is_file():
        return []
    decoder = msgspec.json.Decoder(kind)
    return [decoder.decode(line) for line in path.read_bytes().splitlines() if line.strip()]


def _as_of(records: Sequence[T], now: datetime) -> list[T]:
    """Records moved in time, so that the latest is of now."""
    shift = now - max(record.time for record in records)
    return [msgspec.structs.replace(record, time=record.time + shift) for record in records]


def _send(settings: Settings, topic: str, records: Sequence[tuple[bytes, bytes]]) -> list[tuple[int, int]]:
    """Send records, and give the place of each."""
    with client.producer(settings.kafka) as producer:
        futures: list[Any] = [producer.send(topic, key=key, value=value) for key, value in records]
        producer.flush()
        sent = [future.get(timeout=settings.kafka.delivery_timeout_seconds) for future in futures]
    return [(metadata.partition, metadata.offset) for metadata in sent]


def _wait_for_items(settings: Settings, keys: set[bytes], each_turn: Callable[[], None]) -> None:
    """Return once all items are embedded."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    missing = set(keys)
    with Follower(settings.kafka, [item_vectors_topic(settings.topics)], from_beginning=True) as follower:
        while missing:
            each_turn()
            missing -= {record.key for record in follower.poll(_POLL_SECONDS)}
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{len(missing)} of {some(len(keys), 'item')} not known after {_PATIENCE_SECONDS:g} s"
                )


def _answers(follower: Follower, wanted: set[str], each_turn: Callable[[], None]) -> dict[str, Recommendation]:
    found: dict[str, Recommendation] = {}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not wanted <= found.keys():
        each_turn()
        for record in follower.poll(_POLL_SECONDS):
            told = _recommendation.decode(record.value or b"")
            found[told.id] = told
        if time.monotonic() > deadline:
            raise CommandError(f"readers got no recommendation within {_PATIENCE_SECONDS:g} s")
    return found
