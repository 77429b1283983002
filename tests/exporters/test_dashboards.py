"""The dashboards and their provisioning, as far as can be told without Grafana."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.dashboards import DASHBOARDS, FOLDER, expressions, panels

NAMES = {"overview", "stream", "model", "alerts", "readers"}


def test_there_are_five() -> None:
    assert {path.stem for path in DASHBOARDS} == NAMES


@pytest.fixture(params=DASHBOARDS, ids=lambda path: path.stem)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(request.param.read_text())
    assert loaded["uid"] == f"tocsin-{request.param.stem}"
    return loaded


def test_panels_lie_beside_one_another(dashboard: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    for place in places:
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
    for a, b in itertools.combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or below, (a, b)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


def test_every_panel_asks_the_chosen_prometheus(dashboard: dict[str, Any]) -> None:
    assert panels(dashboard)
    for panel in panels(dashboard):
        assert panel["datasource"] == {"type": "prometheus", "uid": "$datasource"}, panel["title"]
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == list("ABCDEFGH")[: len(letters)]


def test_every_variable_that_is_used_is_defined(dashboard: dict[str, Any]) -> None:
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$(?!__)(\w+)", " ".join(expressions(dashboard))))
    assert used | {"datasource"} == defined


def test_alerts_are_drawn_into_every_graph(dashboard: dict[str, Any]) -> None:
    drawn = [note["expr"] for note in dashboard["annotations"]["list"] if "expr" in note]
    assert any("ALERTS{" in expression for expression in drawn)
    assert any("tocsin_alerts_total" in expression for expression in drawn)


def test_grafana_is_told_where_all_of_it_is() -> None:
    (source, *_) = yaml.safe_load((FOLDER / "provisioning/datasources/tocsin.yml").read_text())["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    scraped = yaml.safe_load((FOLDER.parent / "prometheus" / "prometheus.yml").read_text())["global"]
    assert source["jsonData"]["timeInterval"] == scraped["scrape_interval"]
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/tocsin.yml").read_text())["providers"]
    compose = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
    mounts = [volume.split(":") for volume in compose["services"]["grafana"]["volumes"]]
    assert ["./exporters/grafana/dashboards", provider["options"]["path"], "ro"] in mounts
    assert ["./exporters/grafana/provisioning", "/etc/grafana/provisioning", "ro"] in mounts
