"""What every command shares: settings with flags over them, output for people or scripts, errors and exit codes.

Exit codes: 0 done; 1 it failed (the message says why and what to do); 2 the command line is wrong; 3 nothing found.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import typer
from rich.console import Console

from streams.contract.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

FAILED = 1
NOT_FOUND = 3

out = Console(soft_wrap=False)
err = Console(stderr=True)


@dataclass
class Flags:
    """Flags given before the command; they win over the settings file and the environment."""

    sections: dict[str, Any] = field(default_factory=dict)

    def set(self, section: str, **values: object) -> None:
        """Lay values that were given over a section."""
        given = {name: value for name, value in values.items() if value is not None}
        if given:
            self.sections.setdefault(section, {}).update(given)


flags = Flags()


class CommandError(Exception):
    """A command cannot go on. The message is for the person at the terminal: what is wrong, and what to do."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def settings() -> Settings:
    """Settings in force for this command."""
    return load_settings(**flags.sections)


def print_json(data: object) -> None:
    """One JSON document on a line of standard output, for scripts."""
    sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
    sys.stdout.flush()


def print_json_lines(rows: Iterable[object]) -> None:
    """One JSON document a line."""
    for row in rows:
        print_json(row)


def say(text: str, console: Console = out) -> None:
    """Print a text as it stands: whatever is in it is no markup, and a line is not broken."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def some(count: int, what: str, several: str | None = None) -> str:
    """So many of something, such as ``1 page`` and ``2,000 pages``.

    Args:
        count: How many.
        what: What one of them is called.
        several: What several are called, where an s does not do.
    """
    return f"{count:,} {what if count == 1 else several or f'{what}s'}"


def fail(message: str, code: int = FAILED) -> typer.Exit:
    """Say why on standard error, and make the exit for ``raise``."""
    err.print(f"[bold red]error:[/] {message}", highlight=False)
    return typer.Exit(code)
