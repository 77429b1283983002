"""``tocsin topics acls``: the rights that a process needs, as commands for Kafka's own tool."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated

import typer

from streams.cli import common
from streams.contract.access import Component, Right, components, rights


def acls(
    component: Annotated[
        str | None, typer.Argument(help="worker, connector, ...; all if not given.", show_default=False)
    ] = None,
    *,
    principal: Annotated[
        str | None,
        typer.Option(help="Who is to be allowed; User:tocsin-COMPONENT if not given.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one right a line, for scripts.")] = False,
) -> None:
    """Print what each process must be allowed on the brokers, as commands for kafka-acls.sh; nothing is changed.

    Names of topics and groups are those of the settings in force.

    Example: `tocsin topics acls worker --principal User:alice`
    """
    settings = common.settings()
    known = {one.name: one for one in components(settings)}
    if component is not None and component not in known:
        raise common.CommandError(f"no component {component}: one of {', '.join(known)}", 2)
    wanted = list(known.values()) if component is None else [known[component]]
    for one in wanted:
        who = principal or f"User:tocsin-{one.name}"
        if as_json:
            common.print_json_lines(
                {
                    "component": one.name,
                    "principal": who,
                    "operation": right.operation,
                    "resource": right.resource,
                    "name": right.name,
                }
                for right in rights(one)
            )
            continue
        for line in _commands(one, who, settings.kafka.bootstrap_servers):
            common.say(line)


def _commands(component: Component, principal: str, servers: str) -> Iterator[str]:
    """A command for each operation on topics, and on groups."""
    alike: dict[tuple[str, str], list[Right]] = {}
    for right in rights(component):
        alike.setdefault((right.operation, right.resource), []).append(right)
    yield f"# {component.name}: {component.command}"
    for (operation, resource), found in alike.items():
        named = [word for right in found for word in (f"--{resource}", right.name)]
        words = ["kafka-acls.sh", "--bootstrap-server", servers, "--add", "--allow-principal", principal]
        yield shlex.join([*words, "--operation", operation, *named])
