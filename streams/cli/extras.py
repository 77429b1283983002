"""What an install may lack: told in a line, with the command that brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streams.cli import common


@contextmanager
def bootstrap_extra() -> Iterator[None]:
    """Around imports of what makes models, which a worker's install lacks.

    Raises:
        CommandError: One is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise common.CommandError(
            f"{error.name} is not installed: `pip install 'tocsin[bootstrap]'` brings what making a model needs; "
            "serving one needs none of it"
        ) from error
