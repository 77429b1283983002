"""``tocsin feed``: records from a file, standard input or a feed's address into an input topic."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath
from typing import Annotated, TypeAlias

import typer
from kafka.errors import KafkaError

from streams.brokers import client
from streams.brokers.delivery import Delivery
from streams.cli import common
from streams.cli.broker_watch import BrokerWatch
from streams.cli.feeding import Display, Summary, flush_seconds, print_summary, send_all
from streams.cli.reach import require_topics
from streams.cli.stopping import Stop
from streams.contract.settings import Settings
from streams.sources.files import STANDARD_INPUT, FileOptions, Format, OpenSource, guess_format, open_source, read_items
from streams.sources.items import Item, SourceError
from streams.sources.replay import Pace, ReplayPace, SteadyPace, paced
from streams.sources.rss import USUAL_LAG_SECONDS, RssFeed, follow, http_client
from streams.sources.shapes import BEHAVIOR, ITEM, MESSAGE, Shape
from streams.sources.table import TableOptions

_TABLES = "Tables (csv, tsv)"
_READERS = "Items and behaviors in tables"
_FEEDS = "RSS and Atom"
_CLOSE_SECONDS = 5.0
# Of a record, for its key and headers.
_BESIDE_THE_VALUE = 16 * 1024
_DELIMITERS = {"csv": ",", "tsv": "\t"}

_Column: TypeAlias = Annotated[
    str | None, typer.Option(help="By name, or by number from 1.", rich_help_panel=_TABLES, show_default=False)
]

_ItemColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="By name, or by number from 1.", rich_help_panel=_READERS, show_default=False)
]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A source that is ready to be sent."""

    items: Generator[Item, None, None]
    delivery: Delivery
    display: Display
    endless: bool
    """It goes on until stopped: to stop it is no failure."""
    resends: bool
    """What the broker did not acknowledge comes again by itself, so that a broker may be away for a while."""


def feed(  # noqa: PLR0913  each is a flag
    source: Annotated[str, typer.Argument(help="A file, - for standard input, or the address of an RSS or Atom feed.")],
    *,
    to: Annotated[
        str,
        typer.Option(help="Input topic: one of topics.inputs in the settings, or the topic of items or behaviors."),
    ],
    format: Annotated[  # noqa: A002  the flag's name
        Format | None, typer.Option(help="How to read it; told by its extension if not given.", show_default=False)
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the file.")] = "utf-8",
    name: Annotated[
        str | None,
        typer.Option("--source", help="Source of records that name none; else the file's or feed's own name."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Read so many at most.", show_default=False)] = None,
    skip: Annotated[
        int, typer.Option(min=0, help="Pass over so many lines or rows first: to go on where one stopped.")
    ] = 0,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Send so many a second.", show_default=False)] = None,
    replay: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Send by the messages' own times: 1 as they came, 60 a minute in a second.",
            show_default=False,
        ),
    ] = None,
    text_column: Annotated[
        list[str] | None,
        typer.Option(
            help="By name, or by number from 1; give several to join them.",
            rich_help_panel=_TABLES,
            show_default="text",
        ),
    ] = None,
    id_column: _Column = None,
    time_column: _Column = None,
    source_column: _Column = None,
    author_column: _Column = None,
    language_column: _Column = None,
    url_column: _Column = None,
    channel_column: _Column = None,
    conversation_column: _Column = None,
    user_column: _Column = None,
    title_column: _ItemColumn = None,
    topics_column: Annotated[
        str | None,
        typer.Option(help="Its cells hold topics with | between them.", rich_help_panel=_READERS, show_default=False),
    ] = None,
    expires_column: _ItemColumn = None,
    item_column: _ItemColumn = None,
    action_column: _ItemColumn = None,
    seconds_column: _ItemColumn = None,
    time_format: Annotated[
        str | None,
        typer.Option(
            help="strptime's, such as %d-%b-%y; ISO 8601 or epoch if not given.",
            rich_help_panel=_TABLES,
            show_default=False,
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(help="One character; a comma, or a tab in tsv.", rich_help_panel=_TABLES, show_default=False),
    ] = None,
    header: Annotated[bool, typer.Option(help="The first row names the columns.", rich_help_panel=_TABLES)] = True,
    quotes: Annotated[bool, typer.Option(help="Double quotes enclose cells.", rich_help_panel=_TABLES)] = True,
    interval: Annotated[
        float,
        typer.Option(
            min=1,
            help="Seconds between polls, which a server answers briefly while nothing is new. An entry counts by the "
            f"time it was published: an interval that leaves less than {USUAL_LAG_SECONDS:.0f} s of "
            "surge.allowed_lateness_seconds makes entries too late for surges.",
            rich_help_panel=_FEEDS,
        ),
    ] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Poll once only.", rich_help_panel=_FEEDS)] = False,
    memory_dir: Annotated[Path, typer.Option(help="Where seen entries are remembered.", rich_help_panel=_FEEDS)] = Path(
        ".tocsin/feeds"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Send messages, items or behaviors to an input topic, and see each acknowledged by the broker.

    What is none is sent as it stands, to come out as a dead letter: no line is lost. Ends with 0 only if everything
    was acknowledged, within kafka.delivery_timeout_seconds; else it says how to go on with --skip.

    Example: `tocsin feed tweets.csv --to social --time-column created_at --replay 60`

    Example: `tocsin feed clicks.csv --to behaviors --user-column reader --item-column article`
    """
    settings = common.settings()
    shape = _shape(settings, to)
    pace = _pace(rate, replay)
    columns = {
        "id": id_column,
        "time": time_column,
        "source": source_column,
        "author": author_column,
        "language": language_column,
        "url": url_column,
        "channel": channel_column,
        "conversation": conversation_column,
        "user": user_column,
        "title": title_column,
        "topics": topics_column,
        "expires": expires_column,
        "item": item_column,
        "action": action_column,
        "seconds": seconds_column,
    }
    _refuse_foreign(columns, shape)
    summary = Summary(source=source, topic=to, skipped=skip)
    patience = flush_seconds(settings.kafka)
    stop = Stop()
    try:
        with stop.on_signals(), ExitStack() as stack:
            if "://" in source:
                if replay is not None or skip:
                    raise common.CommandError(
                        "--replay and --skip are for files: a feed's entries come as published", 2
                    )
                if not shape.has_text:
                    raise common.CommandError(f"--to {to}: a feed's entries are texts, and no {shape.name}s", 2)
                feed = RssFeed(source, stack.enter_context(http_client()), memory_dir, name)
                summary.source = feed.name
                if shape is MESSAGE and not once:
                    _warn_of_lateness(settings, interval)
                delivery = _delivery(stack, settings, to, track_keys=True)
                opened = _open_feed(feed, delivery, patience, stop, interval=interval, once=once)
            else:
                kind = format or guess_format(source)
                table = TableOptions(
                    text=tuple(text_column or ["text"]),
                    columns={field: column for field, column in columns.items() if column is not None},
                    delimiter=_delimiter(delimiter, kind),
                    header=header,
                    quotes=quotes,
                    time_format=time_format,
                )
                stem = "stdin" if source == STANDARD_INPUT else PurePath(source).stem
                longest = _largest_record(settings)
                options = FileOptions(
                    kind, name or stem, encoding=encoding, max_chars=longest, table=table, shape=shape
                )
                file = stack.enter_context(open_source(source))
                opened = _open_file(source, file, options, _delivery(stack, settings, to), limit)
            stack.enter_context(BrokerWatch(settings.kafka, opened.delivery))
            items = stack.enter_context(closing(opened.items))
            stop.wait_for(lambda: deque(islice(items, skip), maxlen=0))
            if pace is not None:
                items = stack.enter_context(closing(paced(items, pace)))
            send_all(
                items,
                opened.delivery,
                summary,
                opened.display,
                stop,
                limit=limit,
                patience=patience,
                persistent=opened.resends,
            )
    except SourceError as error:
        raise common.CommandError(str(error)) from error
    print_summary(summary, as_json=as_json)
    if summary.problem:
        raise common.CommandError(summary.problem)
    raise typer.Exit(summary.exit_code(endless=opened.endless))


def _shape(settings: Settings, topic: str) -> Shape:
    """What the records of an input topic are."""
    recommend = settings.recommend
    shapes = dict.fromkeys(settings.topics.inputs, MESSAGE)
    shapes |= {recommend.items_topic: ITEM, recommend.behaviors_topic: BEHAVIOR}
    if topic not in shapes:
        known = ", ".join(settings.topics.inputs)
        raise common.CommandError(
            f"--to {topic}: no input topic; topics.inputs in the settings has {known}, and recommend has "
            f"{recommend.items_topic} and {recommend.behaviors_topic}",
            2,
        )
    return shapes[topic]


def _warn_of_lateness(settings: Settings, interval: float) -> None:
    """Say where entries come after their windows are closed, so that no surge counts them."""
    surge = settings.surge
    late = interval + USUAL_LAG_SECONDS
    if not surge.enabled or late <= surge.allowed_lateness_seconds:
        return
    shorter = surge.allowed_lateness_seconds - USUAL_LAG_SECONDS
    advice = f"set surge.allowed_lateness_seconds to {late:g} for the workers, and alerts come later by as much"
    if shorter >= 1:
        advice = f"give --interval {shorter:g}, or {advice}"
    common.err.print(
        f"[yellow]warning:[/] polled every {interval:g} s (--interval), an entry comes up to {late:g} s after the time "
        f"it was published, the {USUAL_LAG_SECONDS:g} s that feeds usually lag included; where that is more than "
        f"surge.allowed_lateness_seconds ({surge.allowed_lateness_seconds:g}) its window may be closed, and no surge "
        f"counts it. {advice[0].upper()}{advice[1:]}.",
        highlight=False,
        soft_wrap=True,
    )


def _refuse_foreign(columns: Mapping[str, str | None], shape: Shape) -> None:
    """Refuse a column of what this kind of record has not."""
    for name, column in columns.items():
        if column is not None and name not in (*shape.needed, *shape.optional):
            raise common.CommandError(f"--{name}-column: {shape.indefinite} has no {name}", 2)


def _open_feed(
    feed: RssFeed, delivery: Delivery, patience: float, stop: Stop, *, interval: float, once: bool
) -> _Opened:
    def delivered() -> frozenset[str]:
        # Where somebody asked to stop, what is in flight was waited for before the feed is closed.
        delivery.flush(0.0 if stop.requested else patience)
        return delivery.take_acknowledged()

    items = follow(feed, interval=interval, delivered=delivered, wait=time.sleep, tell=_tell, once=once)
    return _Opened(items, delivery, Display(None, lambda _: 0, shown=False), endless=not once, resends=not once)


def _open_file(name: str, file: OpenSource, options: FileOptions, delivery: Delivery, limit: int | None) -> _Opened:
    position: Callable[[Summary], int] = (lambda summary: summary.read) if limit else (lambda _: file.position())
    display = Display(limit or file.size, position, shown=True)
    return _Opened(
        read_items(file.stream, name, options), delivery, display, endless=name == STANDARD_INPUT, resends=False
    )


def _delivery(stack: ExitStack, settings: Settings, topic: str, *, track_keys: bool = False) -> Delivery:
    require_topics(settings.kafka, [topic])
    producer = client.producer(settings.kafka, max_record_bytes=_largest_record(settings))

    def close() -> None:
        # What is still in flight is in the summary already.
        with suppress(KafkaError):
            producer.close(timeout=_CLOSE_SECONDS)

    stack.callback(close)
    return Delivery(producer, topic, track_keys=track_keys)


def _largest_record(settings: Settings) -> int:
    """Bytes of the largest record that is sent: more than any broker takes, unless larger messages are asked for."""
    return max(client.USUAL_RECORD_BYTES, settings.enrich.max_message_bytes + _BESIDE_THE_VALUE)


def _pace(rate: float | None, replay: float | None) -> Pace | None:
    if rate is not None and replay is not None:
        raise common.CommandError("give --rate or --replay, not both", 2)
    if rate is not None:
        return SteadyPace(rate)
    return None if replay is None else ReplayPace(replay)


def _delimiter(given: str | None, kind: Format) -> str:
    delimiter = _DELIMITERS.get(kind, ",") if given is None else {"\\t": "\t"}.get(given, given)
    if len(delimiter) != 1 or delimiter in "\r\n":
        raise common.CommandError(f"--delimiter {given!r}: one character, \\t for a tab", 2)
    return delimiter


def _tell(line: str) -> None:
    common.say(line, common.err)
