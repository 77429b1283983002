"""``tocsin recommend``: ask what a reader may like, and show it with the reasons."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from streams.brokers.following import Follower
from streams.cli import common, desk
from streams.cli.reach import require_topics
from streams.cli.watching import printable
from streams.contract.decoding import JsonDecoder
from streams.contract.recommendations import Recommendation, RecommendationRequest
from streams.contract.settings import Settings
from streams.contract.topics import recommendation_requests_topic, recommendations_topic

_POLL_SECONDS = 0.2

_decoder = JsonDecoder(Recommendation)


def recommend(
    user: Annotated[str, typer.Argument(help="Id of the reader.")],
    *,
    limit: Annotated[
        int | None, typer.Option(min=1, max=100, help="Items; recommend.limit where absent.", show_default=False)
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the answer.")] = 15.0,
    as_json: desk.AsJson = False,
) -> None:
    """Ask the workers what a reader may like, and show it with the reasons.

    Ends with 3 where no answer came in time: a worker must run, with recommend.enabled.

    Example: `tocsin recommend reader-17 --limit 5`
    """
    settings = common.settings()
    told = ask(settings, user, limit=limit or settings.recommend.limit, timeout=timeout)
    if told is None:
        raise common.CommandError(
            f"no answer within {timeout:g} s: does a worker run, with recommend.enabled? `tocsin doctor` looks",
            common.NOT_FOUND,
        )
    if as_json:
        common.print_json(told)
    else:
        show(told)


def ask(settings: Settings, user: str, *, limit: int, timeout: float) -> Recommendation | None:
    """What a reader may like, by the workers; None where none answered within so many seconds.

    Raises:
        CommandError: No reader can have this id; a topic does not exist, or the brokers do not take the request.
        BrokerUnreachableError: No broker answers.
    """
    topic = recommendations_topic(settings.topics)
    request = RecommendationRequest(id=uuid4().hex, user=user, time=datetime.now(UTC), limit=limit)
    try:
        # A worker would bury it, and whoever waits for the answer would look for a worker.
        msgspec.convert(msgspec.to_builtins(request), RecommendationRequest)
    except msgspec.ValidationError as error:
        raise common.CommandError(f"this cannot be asked: {error}", 2) from error
    require_topics(settings.kafka, [topic])
    with Follower(settings.kafka, [topic], from_beginning=False) as follower:
        desk.put(settings, recommendation_requests_topic(settings.topics), user, request)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for record in follower.poll(_POLL_SECONDS):
                told = _decoded(record.value)
                if told is not None and told.id == request.id:
                    return told
    return None


def show(told: Recommendation) -> None:
    """Print a recommendation as a table."""
    if not told.items:
        common.say("nothing can be recommended: there are no items, or all are known to the reader")
        return
    table = Table("score", "item", "title", "why", title=_title(told), title_justify="left")
    for each in told.items:
        cells = (each.item, each.title, each.why)
        table.add_row(f"{each.score:.3f}", *(escape(printable(cell)) for cell in cells))
    common.out.print(table)


def _title(told: Recommendation) -> str:
    known = "nothing is known of this reader yet" if told.cold else "by what this reader read"
    return f"{known} ({escape(told.model)}, ranker {escape(told.ranker)})"


def _decoded(value: bytes | None) -> Recommendation | None:
    try:
        return _decoder.decode(value or b"")
    except msgspec.DecodeError:
        return None
