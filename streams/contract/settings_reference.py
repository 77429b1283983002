"""The settings as a reference: every one with its type, default, variable and meaning, from the model itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from streams.contract.settings import Settings

_HEAD = """# Settings

Defaults < `tocsin.toml` < `TOCSIN_*` environment variables < command-line flags. An unknown key is an error.
The file is `./tocsin.toml`, or what `TOCSIN_CONFIG` names. `tocsin config show` tells what is in force and where it
was set; `tocsin config show --toml` prints a file to start from.

In a variable a list or a table is JSON, as its default is shown here: `TOCSIN_SURGE__KINDS='["negative", "volume"]'`.
It replaces the list or table of the file. An empty variable of a secret says that there is none. The container images
set places of state, address and port of metrics, and the form of logs by variables (`Dockerfile`), which win over a
file that you mount: set those by variables too.

This page is made by `tocsin schema --write docs`.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        section: Section in the file; empty for a setting that stands above all sections.
        name: Name in the section.
        type: What it may be, for people.
        default: Its default, JSON's types.
        description: What it means.
        secret: Whether its value must not be shown.
    """

    section: str
    name: str
    type: str
    default: Any
    description: str
    secret: bool

    @property
    def key(self) -> str:
        """Full name, such as ``kafka.group_id``."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def variable(self) -> str:
        """Environment variable, such as ``TOCSIN_KAFKA__GROUP_ID``."""
        return "TOCSIN_" + self.key.replace(".", "__").upper()


def list_settings() -> list[Setting]:
    """Every setting, in the order of the model: those above all sections first."""
    schema = Settings.model_json_schema()
    defaults = Settings.model_construct().model_dump(mode="json")
    top: list[Setting] = []
    nested: list[Setting] = []
    for name, told in schema["properties"].items():
        section = _section(told, schema["$defs"])
        if section is None:
            top.append(_setting("", name, told, defaults[name]))
        else:
            nested += [_setting(name, key, item, defaults[name][key]) for key, item in section["properties"].items()]
    return top + nested


def section_titles() -> dict[str, str]:
    """What each section is for, by name."""
    schema = Settings.model_json_schema()
    sections = {name: _section(told, schema["$defs"]) for name, told in schema["properties"].items()}
    return {name: section["description"] for name, section in sections.items() if section}


def settings_markdown() -> str:
    """The reference as a Markdown page."""
    titles = {"": "Settings above all sections."} | section_titles()
    lines = [_HEAD]
    for section, title in titles.items():
        lines += [f"## {f'`[{section}]`' if section else 'Top level'}", "", title, ""]
        lines += ["| setting | type | default | variable | meaning |", "| --- | --- | --- | --- | --- |"]
        for setting in (setting for setting in list_settings() if setting.section == section):
            default = "" if setting.default is None else f"`{_shown(setting.default)}`"
            cells = (f"`{setting.name}`", setting.type, default, f"`{setting.variable}`", setting.description)
            lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
        lines.append("")
    return "\n".join(lines)


def _shown(value: object) -> str:
    # As it is written in a variable; texts without quotes, but for an empty one, which nobody would see.
    return value if value and isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _section(told: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any] | None:
    reference = told.get("$ref") or next((part["$ref"] for part in told.get("allOf", []) if "$ref" in part), None)
    return definitions[reference.rpartition("/")[2]] if reference else None


def _setting(section: str, name: str, told: dict[str, Any], default: Any) -> Setting:  # noqa: ANN401  any JSON
    kinds = [kind for kind in told.get("anyOf", [told]) if kind.get("type") != "null"]
    return Setting(
        section=section,
        name=name,
        type=" or ".join(_type(kind) for kind in kinds),
        default=default,
        description=told.get("description", ""),
        secret=any(_is_secret(kind) or _is_secret(kind.get("additionalProperties")) for kind in kinds),
    )


def _is_secret(kind: object) -> bool:
    return isinstance(kind, dict) and kind.get("format") == "password"


def _type(kind: dict[str, Any]) -> str:
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if kind.get("type") == "object":
        return "table"
    if kind.get("type") == "array":
        return f"list of {_type(kind['items'])}"
    base = {"number": "number", "integer": "whole number", "boolean": "true or false"}.get(
        kind.get("type", ""), "path" if kind.get("format") == "path" else "text"
    )
    bounds = [
        f"{sign} {_bound(kind[key])}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if key in kind
    ]
    return " ".join([base, " and ".join(bounds)]).strip()


def _bound(value: float) -> str:
    # In whole digits, where ``:g`` would round.
    return str(value) if isinstance(value, int) else f"{value:g}"
