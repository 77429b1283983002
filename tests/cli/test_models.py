from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import toy_llama, toy_model

from models.registry import Registry
from streams.cli import main as command_line
from streams.contract.domain import load_domain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


class Trainer:
    """In the place of the trainer, which takes minutes: writes a version whose answers are known."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.spoil: Callable[[Path], None] = lambda _: None
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self, *, on_progress: Callable[[str, int, int], None], out: Path, **given: Any) -> SimpleNamespace:  # noqa: ANN401
        self.given = given
        on_progress("features", 1, 2)
        toy_model.write_files(out)
        (out / "report.md").write_text("# Report\n")
        self.spoil(out)
        on_progress("features", 2, 2)
        self.meanwhile()
        facts = toy_model.facts()
        return SimpleNamespace(
            metrics={"topic": {"macro_f1": 0.87654}},
            lineage={**facts["lineage"], "domain": given["domain"].name},
            precision="int8",
            width=facts["width"],
        )


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    module = ModuleType("models.bootstrap")
    module.bootstrap = trainer = Trainer()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "models.bootstrap", module)
    return trainer


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOCSIN_MODEL__REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("TOCSIN_MODEL__CACHE", str(tmp_path / "cache"))
    # What the toy trainer writes is read with as many tokens as its parity was recorded with.
    monkeypatch.setenv("TOCSIN_MODEL__MAX_TOKENS", str(toy_model.MAX_TOKENS))
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


def test_bootstrap_registers_and_serves(run: Run, registry: Registry, trainer: Trainer) -> None:
    code, out, err = run("models", "bootstrap", "--seed", "7")
    assert code == 0
    assert registry.aliases("encoder") == {"champion": 1}
    assert "models announce" not in err, "nobody runs with a version that was not there"
    assert "topic.macro_f1" in out
    assert "0.8765" in out
    assert f"{registry.url}/encoder/1/report.md" in out
    assert "features" in err
    assert trainer.given["seed"] == 7
    assert trainer.given["domain"].name == "finance"
    assert not list((trainer.given["cache"]).glob("bootstrap-*")), "the draft was left behind"


def test_bootstrap_again_makes_the_next_version(run: Run, registry: Registry, trainer: Trainer) -> None:
    run("models", "bootstrap")
    code, out, _ = run("models", "bootstrap", "--json")
    made = json.loads(out)
    assert (code, made["version"], made["made"], made["aliases"]) == (0, 2, True, ["champion"])
    assert registry.aliases("encoder") == {"champion": 2, "previous": 1}
    assert "`tocsin models announce`" in run("models", "bootstrap")[2]


def test_if_missing_leaves_a_whole_champion(run: Run, registry: Registry, trainer: Trainer) -> None:
    run("models", "bootstrap", "--if-missing")
    code, out, _ = run("models", "bootstrap", "--if-missing", "--json")
    assert (code, json.loads(out)["made"]) == (0, False)
    assert registry.versions("encoder") == [1]


def test_if_missing_makes_a_new_one_where_the_champion_is_corrupt(
    run: Run, registry: Registry, trainer: Trainer, tmp_path: Path
) -> None:
    run("models", "bootstrap")
    (tmp_path / "registry/encoder/1/labels.json").write_text("{}")
    code, _, err = run("models", "bootstrap", "--if-missing")
    assert code == 0
    assert "champion is refused" in err
    assert registry.aliases("encoder")["champion"] == 2


@pytest.fixture
def bakery(tmp_path: Path) -> Path:
    """A domain of one's own, which the trainer here needs no seed examples of."""
    shipped = load_domain("finance").folder / "domain.toml"
    folder = tmp_path / "domains/bakery"
    folder.mkdir(parents=True)
    text = shipped.read_text(encoding="utf-8")
    (folder / "domain.toml").write_text(text.replace('name = "finance"', 'name = "bakery"', 1), encoding="utf-8")
    return folder


def test_if_missing_makes_a_new_one_where_the_champion_is_of_another_domain(
    run: Run, registry: Registry, trainer: Trainer, bakery: Path
) -> None:
    run("models", "bootstrap", "--if-missing")
    code, out, err = run("--domain", str(bakery), "models", "bootstrap", "--if-missing", "--json")
    assert (code, json.loads(out)["made"], json.loads(out)["lineage"]["domain"]) == (0, True, "bakery")
    assert "encoder:1, the champion, was made for the domain finance: a new version is made for bakery" in err
    assert registry.aliases("encoder") == {"champion": 2, "previous": 1}
    assert registry.versions("encoder") == [1, 2]
    code, out, err = run("--domain", str(bakery), "models", "bootstrap", "--if-missing", "--json")
    assert (code, json.loads(out)["made"], err) == (0, False, "")


def test_a_champion_that_does_not_tell_its_domain_stays(run: Run, registry: Registry, tmp_path: Path) -> None:
    version = registry.register(toy_model.write_files(tmp_path / "files"), "encoder", **toy_model.facts())
    registry.set_alias("encoder", "champion", version)
    code, out, _ = run("models", "bootstrap", "--if-missing", "--json")
    assert (code, json.loads(out)["made"], json.loads(out)["version"]) == (0, False, version)


def test_who_is_late_is_told_and_the_others_champion_serves(
    run: Run, registry: Registry, trainer: Trainer, tmp_path: Path
) -> None:
    run("models", "bootstrap")

    def another_process_promotes() -> None:
        version = registry.register(toy_model.write_files(tmp_path / "files"), "encoder", **toy_model.facts())
        registry.set_alias("encoder", "champion", version)

    trainer.meanwhile = another_process_promotes
    code, _, err = run("models", "bootstrap")
    assert code == 1
    assert "champion of encoder is 2 by now and no longer 1, so version 3 does not take its place" in err
    assert registry.aliases("encoder") == {"champion": 2, "previous": 1}
    assert registry.versions("encoder") == [1, 2, 3]


def test_a_version_that_answers_otherwise_does_not_serve(run: Run, registry: Registry, trainer: Trainer) -> None:
    def spoil(out: Path) -> None:
        parity = json.loads((out / "parity.json").read_text())
        parity["samples"][0]["topic_logits"][0] += 1
        (out / "parity.json").write_text(json.dumps(parity))

    trainer.spoil = spoil
    code, _, err = run("models", "bootstrap")
    assert code == 1
    assert "topic_logits differs" in err
    assert registry.aliases("encoder") == {}


def test_without_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "models.bootstrap", None)
    code, _, err = run("models", "bootstrap")
    assert code == 1
    assert "tocsin[bootstrap]" in err


def test_a_version_that_is_refused_is_listed_with_the_others(run: Run, registry: Registry, tmp_path: Path) -> None:
    for number in range(2):
        registry.register(toy_model.write_files(tmp_path / f"toy-{number}"), "encoder", **toy_model.facts())
    registry.set_alias("encoder", "champion", 2)
    (tmp_path / "registry/encoder/2/manifest.json").write_text("{", encoding="utf-8")
    code, out, _ = run("models", "list", "--json")
    whole, broken = map(json.loads, out.splitlines())
    assert (code, whole["version"], whole["precision"]) == (0, 1, "int8")
    assert (broken["version"], broken["aliases"]) == (2, ["champion"])
    assert "encoder/2/manifest.json" in broken["refused"]
    code, out, _ = run("models", "list")
    assert code == 0
    assert "version 2 is refused: " in out


def test_list(run: Run, trainer: Trainer) -> None:
    assert run("models", "list")[0] == 3
    run("models", "bootstrap")
    run("models", "bootstrap")
    code, out, _ = run("models", "list", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(row["version"], row["aliases"]) for row in rows] == [(1, ["previous"]), (2, ["champion"])]
    assert "champion" in run("models", "list")[1]


def test_show(run: Run, trainer: Trainer) -> None:
    run("models", "bootstrap")
    code, out, _ = run("models", "show", "champion", "--json")
    assert (code, json.loads(out)["metrics"]) == (0, {"topic": {"macro_f1": 0.87654}})
    code, out, _ = run("models", "show", "1")
    assert code == 0
    assert "topic.macro_f1" in out
    assert "model.onnx" in out


def test_a_registry_that_cannot_be_written(run: Run, trainer: Trainer, tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("a file where a folder should be")
    code, _, err = run("models", "bootstrap")
    assert code == 1
    assert "the model registry (model.registry) cannot be read or written" in err


@pytest.mark.parametrize("version", ["7", "challenger", "best"])
def test_show_what_is_not_there(run: Run, trainer: Trainer, version: str) -> None:
    run("models", "bootstrap")
    code, _, err = run("models", "show", version)
    assert code == 3
    assert version in err


def test_show_refuses_what_is_corrupt(run: Run, trainer: Trainer, tmp_path: Path) -> None:
    run("models", "bootstrap")
    (tmp_path / "registry/encoder/1/labels.json").write_text("{}")
    code, _, err = run("models", "show", "1")
    assert code == 1
    assert "labels.json has 2 bytes" in err


def test_pull(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for name in ("model.safetensors", "config.json"):
        (base / name).write_text("{}")
    monkeypatch.setenv("TOCSIN_MODEL__BASE", str(base))
    monkeypatch.setenv("TOCSIN_GENERATOR__BASE", str(toy_llama.write(tmp_path / "llama", toy_llama.llama())))
    code, _, err = run("models", "pull")
    assert code == 1
    assert "lacks tokenizer.json" in err.replace("\n", " ")
    (base / "tokenizer.json").write_text("{}")
    code, out, _ = run("models", "pull", "encoder", "--json")
    assert (code, json.loads(out)["folder"]) == (0, str(base))
    code, out, _ = run("models", "pull", "--json")
    assert code == 0
    assert {line["of"]: line["folder"] for line in map(json.loads, out.splitlines())} == {
        "encoder": str(base),
        "generator": str(tmp_path / "llama"),
    }
