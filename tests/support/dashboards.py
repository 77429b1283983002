"""What the dashboards that ship ask Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "exporters" / "grafana"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Its panels but for the headings of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    """Every query of its panels and annotations, with Grafana's variables in it."""
    for panel in panels(dashboard):
        yield from (target["expr"] for target in panel["targets"])
    yield from (note["expr"] for note in dashboard["annotations"]["list"] if "expr" in note)


def variable_queries(dashboard: dict[str, Any]) -> dict[str, str]:
    """Query of each variable that Grafana fills from Prometheus."""
    return {
        variable["name"]: variable["query"]["query"]
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    }


def filled_in(expression: str) -> str:
    """An expression as Grafana sends it, with all of each variable chosen and a scrape every few seconds."""
    return (
        expression.replace("$__rate_interval", "1m")
        .replace("$__interval", "1m")
        .replace("$instance", ".*")
        .replace("$group", ".*")
    )
