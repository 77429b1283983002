"""``tocsin models from-onnx``: nothing is overwritten, and what is wrong is told in a line."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from support.commands import Tocsin

from models.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def tocsin(
    clean_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tocsin:
    monkeypatch.chdir(tmp_path)
    for name in ("model.onnx", "tokenizer.json"):
        Path(name).write_text("")
    return Tocsin(monkeypatch, capsys)


@pytest.fixture
def convert(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., float]], None]:
    """Puts another conversion in the place of the real one, which tests/models/test_onnx_base.py looks at."""

    def put(conversion: Callable[..., float]) -> None:
        module = ModuleType("models.onnx_base")
        module.from_onnx = conversion  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "models.onnx_base", module)

    return put


ARGUMENTS = ("models", "from-onnx", "model.onnx", "--tokenizer", "tokenizer.json", "--to", "bases/x")


def test_it_tells_the_setting_to_write(tocsin: Tocsin, convert: Callable[[Callable[..., float]], None]) -> None:
    given: dict[str, object] = {}

    def made(model: Path, tokenizer: Path, out: Path, *, heads: int | None) -> float:
        given.update(model=model, tokenizer=tokenizer, out=out, heads=heads)
        return 2.5e-6

    convert(made)
    outcome = tocsin(*ARGUMENTS, "--heads", "8")
    assert outcome.code == 0
    assert 'model.base = "bases/x"' in outcome.out
    assert given == {
        "model": Path("model.onnx"),
        "tokenizer": Path("tokenizer.json"),
        "out": Path("bases/x"),
        "heads": 8,
    }
    assert tocsin(*ARGUMENTS, "--json").json == {"folder": "bases/x", "difference": 2.5e-6}


def test_what_is_refused_is_told(tocsin: Tocsin, convert: Callable[[Callable[..., float]], None]) -> None:
    def refuse(*_: object, **__: object) -> float:
        raise WeightsError("model.onnx is quantised")

    convert(refuse)
    outcome = tocsin(*ARGUMENTS)
    assert (outcome.code, "model.onnx is quantised" in outcome.err) == (1, True)


def test_nothing_is_overwritten_and_files_must_be_there(tocsin: Tocsin) -> None:
    Path("bases/x").mkdir(parents=True)
    Path("bases/x/mine").touch()
    assert tocsin(*ARGUMENTS).code == 1
    Path("tokenizer.json").unlink()
    missing = tocsin(*ARGUMENTS[:-1], "elsewhere")
    assert (missing.code, "there is no file tokenizer.json" in missing.err) == (3, True)
