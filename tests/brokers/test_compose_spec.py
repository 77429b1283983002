"""docker-compose.yml is what the Compose specification allows, as a parser of that specification has it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

spec = pytest.importorskip("compose_spec", reason="compose-spec, of the dev extra, parses Compose files")

FILE = Path(__file__).parents[2] / "docker-compose.yml"


def parsed(document: dict[str, Any]) -> Any:  # noqa: ANN401  a library without types
    # As JSON, since the library knows no merge keys of YAML, which PyYAML has resolved by then.
    compose = spec.PyCompose.from_json(json.dumps(document))
    compose.validate()
    return compose


@pytest.fixture
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def test_it_is_valid_and_whole(document: dict[str, Any]) -> None:
    assert set(parsed(document).service_names()) == set(document["services"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kafka: kafka.update(restarts="always"),
        lambda kafka: kafka.update(restart="sometimes"),
        lambda kafka: kafka.update(ports=["x:y:z"]),
        lambda kafka: kafka.update(networks=["nowhere"]),
    ],
    ids=["key", "value", "port", "network"],
)
def test_what_is_wrong_is_found(document: dict[str, Any], spoil: Callable[[dict[str, Any]], None]) -> None:
    spoilt = copy.deepcopy(document)
    spoil(spoilt["services"]["kafka"])
    with pytest.raises(ValueError, match=r"\w"):
        parsed(spoilt)
