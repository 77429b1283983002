"""``tocsin models why``: what the gate found of a version, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from models.registry import Registry
from retrain.decisions import DecisionRecord, decision_of
from streams.cli import common, desk
from streams.cli.registry_faults import registry_faults


def why(
    version: Annotated[str, typer.Argument(metavar="VERSION|ALIAS", help="A number, champion, challenger, previous.")],
    model: Annotated[str | None, typer.Option(help="Name of the model; the encoder's where absent.")] = None,
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Say why a version was promoted or rejected, with every figure that it was judged by.

    Example: `tocsin models why 7`
    """
    settings = common.settings()
    name = settings.model.name if model is None else model
    with registry_faults(common.NOT_FOUND):
        registry = Registry.of(settings.model)
        number = registry.resolve(name, version)
        manifest = registry.manifest(name, number)
        decision = decision_of(registry, name, number)
    if decision is None:
        if manifest.lineage.get("parent") is None:
            raise common.CommandError(
                f"{name}:{number} is a first one, as `tocsin models bootstrap` makes, and was never judged",
                common.NOT_FOUND,
            )
        raise common.CommandError(
            f"{name}:{number} was never judged: its run ended before; `tocsin retrain history` says why",
            common.NOT_FOUND,
        )
    if as_json:
        common.print_json(decision)
        return
    verdict = "is better than" if decision.promote else "does not take the place of"
    common.say(f"{name}:{number} {verdict} version {decision.champion}, as judged at {desk.moment(decision.time)} UTC:")
    for reason in decision.reasons:
        common.say(f"  {reason}")
    common.out.print(_table(decision))


def _table(decision: DecisionRecord) -> Table:
    table = Table("looked at", "champion", "candidate", "ahead by, between", "messages", "")
    for name, check in decision.figures.items():
        between = "" if check["low"] is None else f"{check['low']:+.3f} and {check['high']:+.3f}"
        rows = str(check["rows"] or "")
        # Decisions made before there were notes have none.
        note = check.get("note")
        passed = f"passed: {escape(note)}" if note else "passed"
        verdict = passed if check["passed"] else "[bold red]failed[/]"
        table.add_row(escape(name), _figure(check, "champion"), _figure(check, "candidate"), between, rows, verdict)
    return table


def _figure(check: Mapping[str, Any], whose: str) -> str:
    value = check[whose]
    return "" if value is None else f"{value:.3f}"
