"""A whole run of the generator, but for the brokers: from pairs to a decision on a version that can be served."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import structlog
from support import toy_llama
from support.retraining import REQUEST, FileMessenger, register_champion, toy_settings
from support.toy_pairs import THINGS, pair

from models.generator.bootstrap import Made, register
from models.generator.config import GenerationOptions
from models.generator.export import write_files
from models.generator.prompting import reply_prompt
from models.generator.runtime import Generator
from models.generator.weights import find, load
from retrain.arguments import FinetuneError
from retrain.generator import steps
from retrain.generator.gate import decide
from retrain.generator.pairs import split
from retrain.generator.steps import GeneratorWork, collect
from retrain.job import Job
from streams.contract.records import encode
from streams.contract.replies import Document
from streams.contract.service_settings import GeneratorSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from models.registry import Registry
    from retrain.generator.pairs import Pairs
    from streams.contract.settings import Settings

pytestmark = pytest.mark.train


@pytest.fixture(autouse=True)
def unrendered_logs() -> Iterator[None]:
    """Tracebacks in colour with every local take seconds to draw."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def settings(tmp_path: Path, clean_environment: None) -> Settings:
    base = toy_llama.write(tmp_path / "base", toy_llama.llama())
    generator = GeneratorSettings(base=str(base), precision="fp32", max_prompt_tokens=256, max_new_tokens=32)
    return toy_settings(tmp_path).model_copy(update={"generator": generator})


@pytest.fixture
def registry(settings: Settings, tmp_path: Path) -> Registry:
    """The toy encoder and the toy generator serve."""
    registry = register_champion(settings, tmp_path)
    files = tmp_path / "files"
    files.mkdir()
    config = write_files(load(find(settings.generator.base, tmp_path)), files, "fp32")
    number = register(registry, files, "generator", "fp32", Made(config.context, 64, {}))
    registry.set_alias("generator", "champion", number)
    return registry


class GivenPairs(GeneratorWork):
    """The real steps on pairs that come from no broker."""

    def data(self, champion: Path, folder: Path) -> Pairs:  # noqa: ARG002  as the job calls it
        named = [
            pair(number, f"{thing} {number} lost {number * 7} where", f"{number} {thing} found")
            for number, thing in enumerate(THINGS * 8)
        ]
        return split(named, {0: 3})


def silent(stage: str, done: int, total: int) -> None:
    """Nobody wants to know."""


def refuses(text: str, *, evidence: Sequence[str], message: str) -> bool:
    return text not in evidence


def test_a_run_makes_a_version_that_serves_and_judges_it(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    named = settings.model_copy(update={"model": settings.model.model_copy(update={"name": "generator"})})
    messenger = FileMessenger(named, registry, tmp_path / "events.jsonl")
    work = GivenPairs(settings, registry, silent, refuses)
    record = Job(named, registry, work, messenger, decide=decide, kind="generator").run(REQUEST)

    assert record.outcome != "failed", record.reasons
    assert (record.outcome, record.version, record.champion) == ("rejected", 2, 1)
    assert "kept for the gate" in record.reasons[0]
    assert messenger.kinds == ["retrain_started", "registered", "rejected"]
    assert registry.aliases("generator")["champion"] == 1
    manifest = registry.manifest("generator", 2)
    assert manifest.kind == "generator"
    assert manifest.metrics["validation_loss"] < manifest.metrics["validation_loss_of_base"]
    assert manifest.lineage["label_offsets"] == {"0": 3}
    assert {"report.json", "report.md"} <= manifest.files.keys()

    generator = Generator.load(registry.fetch("generator", 2, tmp_path / "cache"), threads=1)
    prompt = reply_prompt("where is my parcel", ["Parcel 0 is at the desk."])
    (written,) = generator.generate([prompt], GenerationOptions(max_new_tokens=8))
    assert written.tokens > 0


def test_it_is_taught_and_judged_as_the_company_that_the_domain_names(
    settings: Settings, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, object]] = []

    def nothing(*_: object, **named: object) -> tuple[()]:
        told.append(named)
        return ()

    monkeypatch.setattr(steps, "lessons", nothing)
    monkeypatch.setattr(steps, "judge", lambda *given, **named: [nothing(*given, **named)] * 2)
    work = GivenPairs(settings.model_copy(update={"domain": "finance"}), registry, silent, refuses)
    pairs = work.data(tmp_path, tmp_path)
    with pytest.raises(FinetuneError):
        work.finetune(pairs, tmp_path)
    folder = registry.fetch("generator", 1, tmp_path / "cache")
    work.judge(folder, folder, pairs)
    assert [named["company"] for named in told] == ["Larkmoor Bank"] * 3


def test_documents_are_those_that_stand_on_the_topic() -> None:
    class Record:
        def __init__(self, key: str | None, value: bytes | None) -> None:
            self.key = None if key is None else key.encode()
            self.value = value

    def document(id_: str, text: str) -> bytes:
        return encode(Document(id=id_, text=text, time=datetime(2026, 1, 1, tzinfo=UTC)))

    records = [
        Record("b", document("b", "old")),
        Record("a", document("a", "kept")),
        Record("c", document("c", "gone")),
        Record("b", document("b", "new")),
        Record("c", None),
        Record("d", b"no document"),
        Record(None, document("e", "without a key")),
    ]
    assert [(one.id, one.text) for one in collect(records)] == [("a", "kept"), ("b", "new")]
