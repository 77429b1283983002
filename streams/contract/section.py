"""What every section of the settings is: strict, and fixed once it is read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of the settings: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
