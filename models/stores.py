"""Where a registry is kept elsewhere, as the rest of it knows it: what a store's client raises is an OSError.

fsspec leaves that to each client. What s3fs raises of a bucket that is out of reach, or where there are no
credentials, is botocore's own; what gcsfs and adlfs raise is Google's and Azure's. Whoever waits until a registry is
back, or tells that it is away, knows an OSError alone.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from models.manifest import VersionError
from streams.contract.credentials import hide_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISTAKES = (TypeError, AttributeError, NameError, LookupError, AssertionError, MemoryError)


class Store:
    """A file system of fsspec, of which every call may raise OSError for whatever its client raises.

    Args:
        fs: The file system.
    """

    def __init__(self, fs: Any) -> None:  # noqa: ANN401  fsspec has no types
        self._fs = fs

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  likewise
        member = getattr(self._fs, name)
        if not callable(member):
            return member

        def call(*values: Any, **named: Any) -> Any:  # noqa: ANN401  likewise
            with store_faults():
                return member(*values, **named)

        return call

    @contextmanager
    def open(self, path: str, mode: str) -> Iterator[Any]:
        """A file; what it raises while it is read or written, and when it is closed, is told alike."""
        with store_faults(), self._fs.open(path, mode) as file:
            yield file


@contextmanager
def store_faults() -> Iterator[None]:
    """Raise what a store's client raises as an OSError.

    What a mistake in a program raises stays what it is.

    Raises:
        OSError: A client's own error, without credentials.
    """
    try:
        yield
    except (OSError, VersionError, *_MISTAKES):
        raise
    except Exception as error:  # clients' own exceptions have no base in common
        raise OSError(hide_credentials(f"{type(error).__name__}: {error}")) from error
