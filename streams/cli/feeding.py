"""What ``tocsin feed`` does once its options are read: send item after item, and account for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from streams.brokers.delivery import Delivery
from streams.cli import common
from streams.cli.stopping import INTERRUPTED, Stop
from streams.contract.settings import KafkaSettings
from streams.sources.items import Item, Skipped, SourceError

# Over the time after which the producer gives a record up; somebody who asked to stop waits less.
_FLUSH_MARGIN_SECONDS = 5.0
_HURRIED_FLUSH_SECONDS = 10.0
_SLICE_SECONDS = 0.2
_REFRESH_SECONDS = 0.1


class Summary(msgspec.Struct, kw_only=True):
    """What became of a source. ``read`` is ``blank`` + ``too_long`` + ``sent``, in lines, rows or entries."""

    source: str
    topic: str
    read: int = 0
    """Lines, rows or entries; a table's header is none."""
    blank: int = 0
    too_long: int = 0
    """Longer than any broker takes: not sent."""
    sent: int = 0
    malformed: int = 0
    """Of those sent, as they stood: they will come out as dead letters."""
    acknowledged: int = 0
    failed: int = 0
    """Of those sent, not acknowledged by the broker."""
    seconds: float = 0.0
    interrupted: bool = False
    skipped: int = 0
    """Passed over at the start because --skip says so, and not read."""
    resume: int | None = None
    """Where it stopped early: what to give to --skip, to go on with the first that is not acknowledged."""
    problem: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the broker has acknowledged all that was read."""
        return self.acknowledged == self.read - self.blank and self.problem is None

    def exit_code(self, *, endless: bool) -> int:
        """0 only where everything was acknowledged, to the end of a source that has one."""
        if not self.complete:
            return common.FAILED
        return INTERRUPTED if self.interrupted and not endless else 0


def flush_seconds(kafka: KafkaSettings) -> float:
    """After so long, each record in flight is acknowledged or has failed."""
    return kafka.delivery_timeout_seconds + _FLUSH_MARGIN_SECONDS


class Display:
    """A progress bar on standard error, where that is a terminal.

    Args:
        total: Bytes of the source, or how many items are wanted, where one is known.
        position: How far of that.
        shown: Whether there is a bar at all.
    """

    def __init__(self, total: int | None, position: Callable[[Summary], int], *, shown: bool) -> None:
        columns = [
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
        ]
        self.progress = Progress(*columns, console=common.err, disable=not (shown and common.err.is_terminal))
        self._total = total
        self._position = position
        self._task: TaskID | None = None
        self._drawn = self._started = time.monotonic()

    def update(self, summary: Summary, acknowledged: int) -> None:
        """Draw how it stands, some times a second."""
        now = time.monotonic()
        if self._task is None:
            self._task = self.progress.add_task(f"to {summary.topic}", total=self._total, counts="")
        elif now - self._drawn < _REFRESH_SECONDS:
            return
        self._drawn = now
        rate = acknowledged / max(now - self._started, 1e-9)
        counts = f"{summary.read:,} read, {acknowledged:,} acknowledged, {rate:,.0f}/s"
        self.progress.update(self._task, completed=self._position(summary), counts=counts)


def send_all(
    items: Iterator[Item],
    delivery: Delivery,
    summary: Summary,
    display: Display,
    stop: Stop,
    *,
    limit: int | None,
    patience: float,
    persistent: bool,
) -> None:
    """Send items until there are no more, enough, or somebody asks to stop; wait for what is in flight.

    Args:
        items: From a source, paced or not.
        delivery: Where they go; holds back what is too fast for the broker.
        summary: Filled in.
        display: Shows how it stands.
        stop: Asked between two items.
        limit: Most items to read.
        patience: Longest wait for what is in flight at the end, in seconds.
        persistent: Go on after the broker failed, for a source that brings what failed again.
    """
    started = time.monotonic()
    try:
        with display.progress:
            while (limit is None or summary.read < limit) and not stop.requested:
                if delivery.broker_failed and not persistent:
                    break
                if not delivery.has_room(_SLICE_SECONDS):
                    continue
                item = stop.wait_for(lambda: next(items, None))
                if item is None:
                    break
                _take(item, delivery, summary)
                display.update(summary, delivery.acknowledged)
    except SourceError as error:
        summary.problem = str(error)
    _flush(delivery, stop, patience)
    summary.interrupted = stop.requested
    _settle(summary, delivery, persistent=persistent)
    summary.seconds = round(time.monotonic() - started, 3)


def _settle(summary: Summary, delivery: Delivery, *, persistent: bool) -> None:
    """Say what became of all that was sent, and how to go on."""
    summary.acknowledged = delivery.acknowledged
    summary.sent = delivery.sent
    summary.failed = delivery.sent - delivery.acknowledged
    if not persistent:
        summary.resume = delivery.first_unacknowledged
        if summary.resume is None and summary.interrupted:
            summary.resume = summary.skipped + summary.read
    if summary.failed and summary.problem is None:
        first = delivery.problem or "no answer from the broker"
        summary.problem = (
            f"{summary.acknowledged:,} of {summary.sent:,} sent were acknowledged and {summary.failed:,} were not, "
            f"{first}"
        )
        if summary.resume is not None:
            summary.problem += (
                f". To go on, give the same command with --skip {summary.resume}; what was acknowledged beyond that "
                "comes again, with the same ids"
            )


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """The outcome: a line for people on standard error, or a JSON document on standard output."""
    if as_json:
        common.print_json(summary)
        return
    parts = [f"{summary.skipped:,} skipped"] if summary.skipped else []
    parts += [f"{summary.read:,} read"]
    parts += [f"{summary.blank:,} blank"] if summary.blank else []
    parts += [f"{summary.too_long:,} too long to send"] if summary.too_long else []
    parts += [f"{summary.sent:,} sent", f"{summary.acknowledged:,} acknowledged", f"{summary.failed:,} failed"]
    parts += [f"{summary.malformed:,} malformed (they will be dead letters)"] if summary.malformed else []
    rate = summary.acknowledged / summary.seconds if summary.seconds else 0.0
    colour = "green" if summary.complete else "red"
    common.err.print(
        f"[{colour}]{', '.join(parts)}[/] in {summary.seconds:.1f} s ({rate:,.0f}/s)", highlight=False, soft_wrap=True
    )
    if summary.resume is not None and summary.problem is None:
        common.err.print(f"to go on, give the same command with --skip {summary.resume}", highlight=False)


def _take(item: Item, delivery: Delivery, summary: Summary) -> None:
    summary.read += 1
    if isinstance(item, Skipped):
        if item.reason == "blank":
            summary.blank += 1
        else:
            summary.too_long += 1
            common.say(f"{item.place}: too long for a broker, not sent", common.err)
        return
    summary.malformed += item.malformed
    position = summary.skipped + summary.read - 1
    delivery.send(item.place, item.key, item.value, item.headers, position=position)


def _flush(delivery: Delivery, stop: Stop, patience: float) -> None:
    started = time.monotonic()
    while not delivery.flush(_SLICE_SECONDS):
        hurried = stop.requested or delivery.broker_failed
        if time.monotonic() - started > (min(_HURRIED_FLUSH_SECONDS, patience) if hurried else patience):
            return
