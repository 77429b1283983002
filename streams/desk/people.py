"""Who a desk knows: by a token of their own, each with a name, or by the one that stands for whoever has it."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from streams.contract.settings import SettingsError

if TYPE_CHECKING:
    from streams.contract.service_settings import DeskSettings

_LEAST_TOKEN = 16
_MOST_NAME = 128


@dataclass(frozen=True, slots=True)
class Person:
    """Who has a token.

    Attributes:
        token: The token.
        name: Stands with all that is done by this token; None where a browser says itself who acts.
        read_only: May look, and change nothing.
    """

    token: str
    name: str | None = None
    read_only: bool = False

    @property
    def key(self) -> str:
        """What the page sends with each change."""
        return self._derived("key")

    @property
    def session(self) -> str:
        """What the cookie holds."""
        return self._derived("session")

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.token.encode(), purpose.encode(), sha256).hexdigest()


def people_of(settings: DeskSettings) -> list[Person]:
    """Everybody whom the settings name; where they name nobody, whoever has a token that is made now.

    Raises:
        SettingsError: A token is too short, or two are alike; a name is none, or stands for nobody.
    """
    named = {name: token.get_secret_value() for name, token in settings.tokens.items()}
    if nobody := sorted(set(settings.read_only) - set(named)):
        raise SettingsError(
            f"desk.read_only names {', '.join(nobody)}, whom desk.tokens does not: give a token, or none"
        )
    people = [Person(token, name, name in settings.read_only) for name, token in named.items()]
    if settings.token is not None:
        people.append(Person(settings.token.get_secret_value()))
    for person in people:
        setting = "desk.token" if person.name is None else f"desk.tokens: the one of {person.name}"
        if len(person.token) < _LEAST_TOKEN:
            raise SettingsError(f"{setting} is too short: give it {_LEAST_TOKEN} characters or more")
        if person.name is not None and not 0 < len(person.name.strip()) <= _MOST_NAME:
            raise SettingsError(f"desk.tokens: a name has 1 to {_MOST_NAME} characters")
    if len({person.token for person in people}) < len(people):
        raise SettingsError("desk.tokens: two people have the same token: give each one of their own")
    return people or [Person(secrets.token_urlsafe(32))]
