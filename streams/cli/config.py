"""``tocsin config``: the settings in force, and where each was set."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Column, Table

from streams.cli import common
from streams.contract.credentials import HIDDEN, hide_all
from streams.contract.settings import Settings, config_file
from streams.contract.settings_reference import Setting, list_settings, section_titles

app = typer.Typer(help="Show the settings.", no_args_is_help=True)

Origin = Literal["default", "file", "environment", "flag"]


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting with its value, which is hidden where it is a secret, and where it was set."""

    setting: Setting
    value: Any
    origin: Origin
    is_hidden: bool
    """Whether stars stand in the value for what may not be shown."""


@app.callback()
def _config() -> None:
    """Show the settings."""


@app.command()
def show(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one setting a line, for scripts.")] = False,
    as_toml: Annotated[bool, typer.Option("--toml", help="Print a tocsin.toml with these settings.")] = False,
) -> None:
    """Show every setting: its value, where it was set (default, file, environment, flag) and what it means.

    Secrets are never shown.

    Example: `tocsin config show --toml > tocsin.toml`
    """
    if as_json and as_toml:
        raise common.CommandError("--json and --toml exclude each other", code=2)
    rows = in_force(common.settings(), common.flags.sections)
    if as_json:
        common.print_json_lines(
            {"key": row.setting.key, "value": row.value, "origin": row.origin, "description": row.setting.description}
            for row in rows
        )
    elif as_toml:
        sys.stdout.write(to_toml(rows))
    else:
        _print_table(rows)


def in_force(settings: Settings, flags: dict[str, Any]) -> list[InForce]:
    """Every setting as it is in force.

    Args:
        settings: As they were read.
        flags: Sections of flags that were laid over them.
    """
    file = config_file()
    written = tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
    values = settings.model_dump(mode="json")
    rows = []
    for setting in list_settings():
        place = values[setting.section] if setting.section else values
        value = place[setting.name]
        shown = _shown(setting, value)
        rows.append(InForce(setting, shown, _origin(setting, flags, written), is_hidden=shown != value))
    return rows


def to_toml(rows: list[InForce]) -> str:
    """A settings file that gives these values; what has none, and what is or holds a secret, are comments in it."""
    titles = section_titles()
    lines = ["# Settings of Tocsin; see docs/settings.md. Secrets belong into the environment."]
    section = ""
    for row in rows:
        if row.setting.section != section:
            section = row.setting.section
            lines += ["", f"# {titles[section]}", f"[{section}]"]
        lines.append(f"# {row.setting.description}")
        if row.setting.secret or row.value is None:
            where = f"set {row.setting.variable}" if row.setting.secret else "not set"
            lines.append(f"# {row.setting.name} =  # {where}")
        elif row.is_hidden:
            lines.append(f"# {row.setting.name} = {_toml_value(row.value)}  # set {row.setting.variable}")
        else:
            lines.append(f"{row.setting.name} = {_toml_value(row.value)}")
    return "\n".join(lines) + "\n"


def _shown(setting: Setting, value: Any) -> Any:  # noqa: ANN401  any JSON
    if setting.secret:
        return HIDDEN if value else None
    # Addresses may hold a password, or be one.
    return hide_all(value)


def _origin(setting: Setting, flags: dict[str, Any], written: dict[str, Any]) -> Origin:
    if _holds(flags, setting):
        return "flag"
    environment = {name.upper(): value for name, value in os.environ.items()}
    # A table's own keys may be variables too, and a whole section may be given as JSON.
    if any(name == setting.variable or name.startswith(f"{setting.variable}__") for name in environment):
        return "environment"
    section = environment.get(f"TOCSIN_{setting.section.upper()}") if setting.section else None
    # "null" is JSON too, and gives nothing.
    if section and setting.name in (json.loads(section) or ()):
        return "environment"
    return "file" if _holds(written, setting) else "default"


def _holds(sections: dict[str, Any], setting: Setting) -> bool:
    place = sections.get(setting.section, {}) if setting.section else sections
    return setting.name in place


def _toml_value(value: Any) -> str:  # noqa: ANN401  any JSON
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml_value(key)} = {_toml_value(item)}" for key, item in value.items()) + " }"
    # JSON's strings, numbers and booleans are TOML's too, but for the character that TOML alone wants escaped, and for
    # what JSON would escape as two surrogates.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _print_table(rows: list[InForce]) -> None:
    table = Table(Column("setting", no_wrap=True), Column("value", overflow="fold"), "from", "meaning")
    for row in rows:
        style = "" if row.origin == "default" else "bold"
        value = "" if row.value is None else row.value if isinstance(row.value, str) else json.dumps(row.value)
        table.add_row(row.setting.key, escape(value), row.origin, escape(row.setting.description), style=style)
    common.out.print(table)
    file = config_file()
    common.err.print(f"file: {file or 'none (./tocsin.toml, or what TOCSIN_CONFIG names)'}", highlight=False)
