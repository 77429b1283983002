"""What the commands that import files share: reading one, sending what is in it, and the account of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import msgspec
import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streams.brokers.client import producer
from streams.brokers.delivery import Delivery
from streams.cli import common
from streams.cli.broker_watch import BrokerWatch
from streams.cli.feeding import flush_seconds
from streams.cli.watching import printable
from streams.contract.settings import Settings
from streams.contract.topics import kept_in_place

_ROOM_SECONDS = 0.2
_TOLD = 20

T = TypeVar("T")


class Told(msgspec.Struct):
    """Something of a file that is not what it should be."""

    place: str
    problem: str


class Sent(NamedTuple):
    """What became of the records that were to be sent."""

    sent: int
    acknowledged: int
    problem: str | None
    """Why not all of them were acknowledged; None where they were."""


@contextmanager
def reading(file: object, encoding: str) -> Iterator[None]:
    """Read a file in here.

    Raises:
        CommandError: It cannot be read, or the encoding is unknown or not the file's; the message names the file.
    """
    try:
        yield
    except OSError as error:
        raise common.CommandError(f"{file}: {error.strerror}") from error
    except LookupError:
        raise common.CommandError(f"unknown encoding {encoding!r}: give one such as utf-8 or cp1252", 2) from None
    except UnicodeError as error:
        raise common.CommandError(f"{file} is not {encoding} ({error}): give the right --encoding") from error


def send_each(
    settings: Settings, topic: str, records: Sequence[T], send: Callable[[Delivery, T], None], what: str
) -> Sent:
    """Send records under a progress bar, and wait until the broker has acknowledged each.

    Args:
        settings: Where the brokers are, and ``kafka.delivery_timeout_seconds``: how long each may take.
        topic: Where they go.
        records: What is sent.
        send: Hands one of them over.
        what: What one of them is called.

    Raises:
        BrokerUnreachableError: No broker answers.
    """
    if not records:
        return Sent(0, 0, None)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with (
        producer(settings.kafka) as sender,
        Progress(*columns, console=common.err, disable=not common.err.is_terminal) as bar,
    ):
        delivery = Delivery(sender, topic, spread=kept_in_place(settings).get(topic))
        task = bar.add_task(f"to {topic}", total=len(records))
        with BrokerWatch(settings.kafka, delivery):
            for record in records:
                while not delivery.has_room(_ROOM_SECONDS) and not delivery.broker_failed:
                    bar.update(task, completed=delivery.acknowledged)
                if delivery.broker_failed:
                    break
                send(delivery, record)
                bar.update(task, completed=delivery.acknowledged)
            delivery.flush(flush_seconds(settings.kafka))
        bar.update(task, completed=delivery.acknowledged)
    problem = None
    if delivery.acknowledged < len(records):
        why = delivery.problem or "no answer from the broker"
        problem = f"{delivery.acknowledged:,} of {common.some(len(records), what)} acknowledged: {why}"
    return Sent(delivery.sent, delivery.acknowledged, problem)


def print_refused(refused: Sequence[Told]) -> None:
    """The first of what was refused, on standard error."""
    for told in refused[:_TOLD]:
        common.err.print(
            f"[red]{escape(printable(told.place))}[/]: {escape(printable(told.problem))}",
            highlight=False,
            soft_wrap=True,
        )
    if (more := len(refused) - _TOLD) > 0:
        common.say(f"and {more:,} more: --json tells all", common.err)


def print_account(
    counts: Mapping[str, int], *, acknowledged: int, dry_run: bool, failed: bool, beginning: str = ""
) -> None:
    """One line on standard error: what became of all that was read.

    Args:
        counts: How many by what became of them; none are left out.
        acknowledged: How many were sent, and acknowledged.
        dry_run: Whether nothing was to be sent.
        failed: Whether something went wrong.
        beginning: Before the counts.
    """
    account = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    done = "nothing sent (dry run)" if dry_run else f"{acknowledged:,} acknowledged"
    colour = "red" if failed else "green"
    common.err.print(f"{beginning}[{colour}]{account}[/]; {done}", highlight=False, soft_wrap=True)


def end(*, problem: str | None, refused: Sequence[Told]) -> None:
    """End the command as it should end.

    Raises:
        CommandError: Not all was acknowledged.
        Exit: Something was refused.
    """
    if problem is not None:
        raise common.CommandError(f"{problem}. Give the same command again: it sends what is missing")
    if refused:
        raise typer.Exit(common.FAILED)
