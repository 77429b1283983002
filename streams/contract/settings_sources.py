"""Where settings come from, beside what is pydantic's: what a variable may not be, and what it takes from the file."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, get_origin

from pydantic_settings import TomlConfigSettingsSource

from streams.contract.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

PREFIX = "TOCSIN_"
CONFIG_VARIABLE = "TOCSIN_CONFIG"
# Variables of the same prefix that are not settings: where the file is, where trial data lies, and that tests on Apache
# Kafka, on Prometheus and Alertmanager and in a browser must not be skipped.
_NOT_SETTINGS = frozenset(
    {
        CONFIG_VARIABLE,
        "TOCSIN_DATA",
        "TOCSIN_REQUIRE_BROWSER",
        "TOCSIN_REQUIRE_KAFKA",
        "TOCSIN_REQUIRE_PROMETHEUS",
    }
)


class FileSource(TomlConfigSettingsSource):
    """The file, without the tables that the environment gives whole.

    What stands in the file and in a variable is laid over one another key by key, which is right for sections. Of a
    table it would keep what the variable leaves out: an input no longer to be read, a token that was taken away.
    """

    def __call__(self) -> dict[str, Any]:
        """What the file says."""
        told = dict(super().__call__())
        for section, name in _tables_given(self.settings_cls):
            if isinstance(told.get(section), dict):
                told[section] = {key: value for key, value in told[section].items() if key != name}
        return told


def unknown_variables(settings: type[BaseSettings]) -> list[str]:
    """Variables of our prefix that name no setting, in order; of a section that there is, pydantic finds them."""
    return sorted(
        name
        for name, (section, rest) in _variables()
        if (field := settings.model_fields.get(section)) is None or (rest and _section(field) is None)
    )


def variables_without_json(settings: type[BaseSettings]) -> list[str]:
    """Variables of whole sections, tables and lists that hold no JSON, in order."""
    found = []
    for name, (section, rest) in _variables():
        field = settings.model_fields.get(section)
        inner = None if field is None else _section(field)
        if inner is not None and (not rest or _is_composite(inner.model_fields.get(rest))):
            try:
                json.loads(os.environ[name])
            except ValueError:
                found.append(name)
    return sorted(found)


def _variables() -> Iterator[tuple[str, tuple[str, str]]]:
    """Names of our variables as they are written, each with its section and what follows that."""
    for name in os.environ:
        upper = name.upper()
        if upper.startswith(PREFIX) and upper not in _NOT_SETTINGS:
            section, _, rest = upper.removeprefix(PREFIX).lower().partition("__")
            yield name, (section, rest)


def _tables_given(settings: type[BaseSettings]) -> Iterator[tuple[str, str]]:
    """Section and name of each table that a variable of its own, or its section's, gives whole."""
    given = {place: os.environ[name] for name, place in _variables()}
    for section, field in settings.model_fields.items():
        inner = _section(field)
        for name, setting in inner.model_fields.items() if inner is not None else ():
            whole = given.get((section, ""), "")
            if get_origin(setting.annotation) is dict and ((section, name) in given or name in _keys(whole)):
                yield section, name


def _keys(text: str) -> set[str]:
    try:
        told = json.loads(text)
    except ValueError:  # told by pydantic
        return set()
    return set(told) if isinstance(told, dict) else set()


def _section(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _is_composite(field: FieldInfo | None) -> bool:
    return field is not None and get_origin(field.annotation) in (dict, tuple)
