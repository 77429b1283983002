"""What every section of the settings is: strict, and fixed once it is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, StringConstraints


def _absent_where_empty(value: object) -> object:
    return None if value == "" else value


Secret = Annotated[SecretStr | None, BeforeValidator(_absent_where_empty)]
"""A secret, or none. An empty variable is none: so orchestrators hand on one that nobody has set."""
Text = Annotated[str, StringConstraints(min_length=1)]
"""What cannot be empty: an empty host is every address of the machine, an empty folder the one that one stands in."""
TopicName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
"""A name that brokers take for a topic."""


class Section(BaseModel):
    """A section of the settings: an unknown key is an error, and so is a number that is infinite or none."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
