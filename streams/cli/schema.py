"""``tocsin schema``: JSON Schemas, the AsyncAPI document, and the references of settings, topics and metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from exporters.reference import metrics_markdown
from streams.cli import common
from streams.contract.schema import asyncapi, record_schemas
from streams.contract.settings import Settings
from streams.contract.settings_reference import settings_markdown
from streams.contract.topics import all_topics
from streams.contract.topics_reference import topics_markdown


def schema(
    write: Annotated[
        Path | None,
        typer.Option(help="Write asyncapi.json, schemas/, settings.md, topics.md and metrics.md.", show_default=False),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the AsyncAPI document.")] = False,
) -> None:
    """Publish what is on the topics: a JSON Schema for each record, and an AsyncAPI 3.0 document for all topics.

    Topics, brokers and partitions are those of the settings in force.

    Example: `tocsin schema --write docs`
    """
    settings = common.settings()
    if write is not None:
        written = _write(write, documents(settings))
        if not as_json:
            common.out.print("\n".join(written), highlight=False)
    if as_json:
        common.print_json(asyncapi(settings, all_topics(settings)))
    elif write is None:
        table = Table("topic", "direction", "record", "key", "about")
        for topic in all_topics(settings):
            direction = "in" if topic.is_input else "out"
            table.add_row(topic.name, direction, topic.record.__name__, topic.key, topic.description)
        common.out.print(table)
        common.err.print(
            "`tocsin schema --json` prints the AsyncAPI document, `--write DIR` writes all", highlight=False
        )


def documents(settings: Settings) -> dict[str, str]:
    """Every document under these settings: its content, by its path within the folder of documentation."""
    topics = all_topics(settings)
    schemas = record_schemas(topic.record for topic in topics)
    return {
        "asyncapi.json": _text(asyncapi(settings, topics)),
        "settings.md": settings_markdown(),
        "topics.md": topics_markdown(settings),
        "metrics.md": metrics_markdown(),
        **{f"schemas/{name}.json": _text(content) for name, content in schemas.items()},
    }


def _text(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _write(folder: Path, files: dict[str, str]) -> list[str]:
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise common.CommandError(f"{folder} cannot be written: {error}") from error
    return [str(folder / name) for name in files]
