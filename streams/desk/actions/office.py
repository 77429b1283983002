"""What every action needs: the settings, what the page shows, a writer, a clock."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeVar

from msgspec import Meta, Struct

from streams.contract.settings import Settings  # noqa: TC001  a dataclass's field
from streams.desk.view.shown import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from streams.brokers.writing import Writer
    from streams.contract.domain import Domain
    from streams.desk.live import Live

T = TypeVar("T")

By = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\S")]
Words = Annotated[str, Meta(max_length=2000)]
Key = Annotated[str, Meta(min_length=1, max_length=1024)]

NOT_FOUND, CONFLICT, INVALID, AWAY = 404, 409, 422, 503

_LABELLED_KEPT = 10_000


class ActionError(Exception):
    """An action cannot be done. The message is for the person at the page: what is wrong, and what to do."""

    def __init__(self, message: str, status: int = INVALID) -> None:
        super().__init__(message)
        self.status = status


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the page asks for."""

    by: By
    """Who does it."""


@dataclass(frozen=True, slots=True)
class Office:
    """What every action needs."""

    settings: Settings
    domain: Domain
    live: Live
    writer: Writer
    clock: Callable[[], datetime]
    alone: threading.Lock = field(default_factory=threading.Lock)
    """Held from a look at what stands to the writing that rests on it: of two at once, the second sees the first."""
    labelled: Kept[None] = field(default_factory=lambda: Kept(_LABELLED_KEPT))
    """Messages that were labelled here, some of which the view may not have heard of yet."""

    def meant(self, read: Callable[[], T]) -> T:
        """What a person wrote, read.

        Raises:
            ActionError: It cannot be read.
        """
        try:
            return read()
        except ValueError as error:
            raise ActionError(str(error)) from None


def found(thing: T | None, what: str) -> T:
    """A thing that the page names.

    Raises:
        ActionError: It is not there any more.
    """
    if thing is None:
        raise ActionError(f"{what} is not known here any more", NOT_FOUND)
    return thing


@contextmanager
def registry_at_hand() -> Iterator[None]:
    """What is done with the model registry: where that is away, the person is told so, and not that the desk failed.

    Raises:
        ActionError: It cannot be read or written for now.
    """
    try:
        yield
    except OSError as error:
        raise ActionError(f"the model registry cannot be read or written: {error}", AWAY) from error
