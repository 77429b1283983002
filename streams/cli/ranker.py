"""``tocsin ranker``: how items are ranked, learnt from what readers did."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import typer

from models.items.ranker import NAME, load_ranker
from models.registry import Registry
from retrain import promotion
from retrain.learner import named
from streams.cli import common, desk
from streams.cli.learners import learner_of, told, train_extra
from streams.cli.reach import require_topics
from streams.cli.registry_faults import registry_faults
from streams.cli.stages import Stages, bars
from streams.contract.logs import configure_logging
from streams.contract.model_records import RetrainRequest

app = typer.Typer(help="Learn how items are ranked from what readers did.", no_args_is_help=True)


class _Learned(msgspec.Struct, frozen=True):
    """What came of it, as JSON."""

    version: int
    promoted: bool
    says: str
    current: float
    candidate: float
    questions: int


@app.command()
def learn(by: desk.By = None, *, as_json: desk.AsJson = False) -> None:
    """Learn a ranker from the behaviors and items that the topics hold; it serves if it is better by later behaviors.

    Workers take it up within half a minute. A ranker that is not better is kept, and does not serve. The same as
    `tocsin retrain run --model ranker`; `tocsin retrain schedule` does it by itself.

    Example: `tocsin ranker learn`
    """
    settings = common.settings()
    learner = learner_of(settings, NAME)
    require_topics(settings.kafka, told(learner))
    with train_extra():
        from retrain.decisions import decision_of  # noqa: PLC0415  a worker's install lacks what it needs
        from retrain.lock import BusyError  # noqa: PLC0415  likewise
        from retrain.ranker import LATER  # noqa: PLC0415  likewise
    request = RetrainRequest(
        id=uuid4().hex, model=NAME, time=datetime.now(UTC), by=desk.speaker(by), reason="tocsin ranker learn"
    )
    with registry_faults(), bars() as progress:
        configure_logging(settings.log)
        try:
            record = learner.job(settings, Stages(progress).move).run(request)
        except BusyError as error:
            raise common.CommandError(str(error)) from error
        registry = Registry.of(settings.model)
        decision = None if record.version is None else decision_of(registry, NAME, record.version)
    if record.version is None or decision is None:
        raise common.CommandError(" ".join(record.reasons))
    promoted = record.outcome == "promoted"
    says = " ".join(record.reasons)
    if as_json:
        check = decision.figures[LATER]
        common.print_json(
            _Learned(record.version, promoted, says, check["champion"], check["candidate"], check["rows"])
        )
        return
    common.say(f"{NAME}:{record.version} {'serves from now on' if promoted else 'is kept, and does not serve'}. {says}")


@app.command()
def rollback(
    reason: str = typer.Option("", help="Why; it is kept in the registry and told to everybody."),
    by: desk.By = None,
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Let the ranker before serve again; workers take it up within half a minute.

    Example: `tocsin ranker rollback --reason "only the popular is shown"`
    """
    settings = common.settings()
    with registry_faults():
        registry = Registry.of(settings.model)
        expected = registry.aliases(NAME).get("champion")
        # It must be whole: what cannot be loaded would leave the one that serves in place without a word.
        load_ranker(registry, "previous", settings.model.cache)
        pointer = promotion.rollback(named(settings, NAME), registry, desk.speaker(by), reason, expected=expected)
    if as_json:
        common.print_json(pointer)
        return
    common.say(f"{NAME}:{pointer.version} serves again (epoch {pointer.epoch})")
