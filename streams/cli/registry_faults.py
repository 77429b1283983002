"""What goes wrong with a version of a model, or with where versions are kept, as a command tells it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from models.manifest import VersionError
from streams.cli.common import FAILED, CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def registry_faults(code: int = FAILED, *, advice: str = "") -> Iterator[None]:
    """Tell faults of a version, and of the registry, in a line.

    Args:
        code: Exit code where a version is missing, refused or corrupt.
        advice: What to do then, behind what is wrong.

    Raises:
        CommandError: In the place of either.
    """
    try:
        yield
    except VersionError as error:
        raise CommandError(f"{error}{advice}", code) from error
    except OSError as error:
        raise CommandError(f"the model registry (model.registry) cannot be read or written: {error}") from error
