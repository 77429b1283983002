from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from support import toy_llama

from models.generator.config import PARITY
from models.registry import Registry
from streams.cli import main as command_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOCSIN_MODEL__REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("TOCSIN_MODEL__CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TOCSIN_GENERATOR__BASE", str(toy_llama.write(tmp_path / "base", toy_llama.llama())))
    monkeypatch.setenv("TOCSIN_GENERATOR__MAX_NEW_TOKENS", "9")
    monkeypatch.setenv("COLUMNS", "200")
    return Registry(str(tmp_path / "registry"))


@pytest.fixture
def run(registry: Registry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tocsin", *args])
        with pytest.raises(SystemExit) as exit_:
            command_line.main()
        captured = capsys.readouterr()
        return int(exit_.value.code or 0), captured.out, captured.err

    return call


def test_bootstrap_makes_a_generator_that_serves(run: Run, registry: Registry, tmp_path: Path) -> None:
    code, out, _ = run("generator", "bootstrap")
    assert code == 0
    assert "generator:1 serves: int8" in out
    assert registry.aliases("generator") == {"champion": 1}
    manifest = registry.manifest("generator", 1)
    assert (manifest.kind, manifest.max_tokens) == ("generator", 512)
    assert manifest.lineage["base"] == str(tmp_path / "base")
    assert not list((tmp_path / "cache").glob("generator-*")), "the draft was left behind"


def test_the_same_base_makes_the_same_files(run: Run, registry: Registry) -> None:
    run("generator", "bootstrap")
    run("generator", "bootstrap")
    first, second = (registry.manifest("generator", version).files for version in (1, 2))
    assert first == second
    assert registry.aliases("generator") == {"champion": 2, "previous": 1}


def test_if_missing_leaves_a_whole_champion_and_replaces_a_broken_one(
    run: Run, registry: Registry, tmp_path: Path
) -> None:
    run("generator", "bootstrap")
    code, out, _ = run("generator", "bootstrap", "--if-missing", "--json")
    assert (code, json.loads(out)["made"], json.loads(out)["version"]) == (0, False, 1)
    (tmp_path / "registry/generator/1" / PARITY).write_text("{}")
    code, out, err = run("generator", "bootstrap", "--if-missing", "--json")
    assert (code, json.loads(out)["made"], json.loads(out)["version"]) == (0, True, 2)
    assert "the champion is refused" in err


def test_the_precision_is_that_of_the_settings(run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_GENERATOR__PRECISION", "fp32")
    run("generator", "bootstrap")
    assert registry.manifest("generator", 1).precision == "fp32"


def test_a_base_that_cannot_be_served_is_told_in_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_GENERATOR__BASE", "package:none")
    code, _, err = run("generator", "bootstrap")
    assert code == 1
    assert "generator.base: no package of weights 'none'" in err


def test_write_gives_what_the_model_wrote(run: Run) -> None:
    run("generator", "bootstrap")
    code, out, _ = run("generator", "write", "Where is my card?", "--evidence", "By post.", "--tone", "warm", "--json")
    written = json.loads(out)
    assert code == 0
    assert (written["model"], written["tokens"], written["stopped"]) == ("generator:1", 9, "length")


def test_write_without_a_generator_says_how_to_make_one(run: Run) -> None:
    code, _, err = run("generator", "write", "Hi")
    assert code == 1
    assert "no version of generator is champion" in err
    assert "tocsin generator bootstrap" in err
