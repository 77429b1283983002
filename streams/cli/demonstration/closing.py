"""What to try after the demonstration: commands as they are to be typed here."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

AFTERWARDS = (
    ("demo --keep", "feed it and watch it from elsewhere"),
    ("models show champion", "how well the model reads"),
    ("--bootstrap-servers HOST:PORT doctor", "what your own Kafka lacks"),
)
"""Commands with their purpose, once nothing runs any more."""


def meanwhile(bootstrap_servers: str, subject: str | None) -> list[tuple[str, str]]:
    """Commands with their purpose, while broker and worker are kept.

    Args:
        bootstrap_servers: Of the broker.
        subject: One that rang, to be looked at and muted; None where none did.
    """
    at = f"--bootstrap-servers {bootstrap_servers}"
    commands = [(f"{at} alerts list", "what rang, and what rings")]
    if subject is not None:
        commands += [
            (f"{at} trends {shlex.quote(subject)}", "what was said, window by window"),
            (f"{at} silence add {shlex.quote(f'subject={subject}')} --for 2h", "mute it for two hours"),
        ]
    return [
        *commands,
        (f"{at} watch predictions alerts", "see what comes"),
        (f"{at} replies list", "which customers wait for a person"),
        (f"{at} feed - --to social", "write posts, a line each"),
        (f"{at} dead-letters list", "what was given up, and why"),
    ]


def tell_next(commands: Sequence[tuple[str, str]], console: Console) -> None:
    """Print commands to try."""
    program = Path(sys.executable).with_name("tocsin")
    name = "tocsin" if shutil.which("tocsin") else os.path.relpath(program)
    lines = [(f"  {name} {arguments}", f"  # {purpose}") for arguments, purpose in commands]
    widest, most = (max(map(len, parts)) for parts in zip(*lines, strict=True))
    console.print("\n[bold]Try next[/]")
    # Comments, and no line cut or wrapped: all of it can be copied.
    for command, comment in lines:
        if widest + most <= console.width:
            text = Text.assemble(f"{command:<{widest}}", (comment, "dim"))
        else:
            text = Text.assemble((comment, "dim"), f"\n{command}")
        console.print(text, highlight=False, soft_wrap=True)
