from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support import toy_llama

from models.generator.config import CONFIG, PARITY, GenerationOptions, GeneratorConfig, GreedyParity
from models.generator.prompting import reply_prompt
from models.generator.runtime import Generator
from models.manifest import MANIFEST, Manifest, ParityError, VersionError, decode, encode, read
from models.runtime import MODEL, Encoder, OutOfMemoryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.generator.weights import Base

OPTIONS = GenerationOptions(max_new_tokens=12)
PROMPT = reply_prompt("Where is my card?", ["It comes by post."])


@pytest.fixture
def copy(version: Path, tmp_path: Path) -> Path:
    return shutil.copytree(version, tmp_path / "version")


def change(path: Path, type_: type[Any], **changed: object) -> None:
    values = {field: getattr(read(path, type_), field) for field in type_.__struct_fields__}
    path.write_bytes(encode(type_(**{**values, **changed})))


def test_a_version_writes_and_says_which_it_is(generator: Generator) -> None:
    assert generator.model == "generator:1"
    first, second = generator.generate([PROMPT, reply_prompt("Hi", [])], OPTIONS)
    assert (first.tokens, first.stopped) == (12, "length")
    assert first.text
    assert 0 > first.mean_log_probability != second.mean_log_probability


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_a_quantised_version_loads_and_writes(precision: str, make_version: Callable[..., Path]) -> None:
    generator = Generator.load(make_version(precision), threads=1)
    assert generator.manifest.precision == precision
    assert generator.generate([PROMPT], OPTIONS)[0].tokens == 12


def test_what_the_machine_lacks_is_no_fault_of_the_version(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(*_: object, **__: object) -> None:
        raise RuntimeError("[ONNXRuntimeError] : 6 : Exception during initialization: std::bad_alloc")

    monkeypatch.setattr("models.generator.runtime.onnxruntime.InferenceSession", lack)
    with pytest.raises(OutOfMemoryError, match="bad_alloc"):
        Generator.load(copy, threads=1)


def test_more_prompts_than_a_batch_are_written_to_in_their_order(generator: Generator) -> None:
    asked = [reply_prompt(f"Question {number}?", []) for number in range(11)]
    alone = [generator.generate([prompt], OPTIONS)[0].mean_log_probability for prompt in asked]
    assert len(set(alone)) == len(alone)
    together = [one.mean_log_probability for one in generator.generate(asked, OPTIONS)]
    assert together == pytest.approx(alone, abs=1e-4)


def test_a_message_that_fills_the_window_is_not_written_to_and_stops_no_other(generator: Generator) -> None:
    longest = reply_prompt("word " * 400, [])
    full, other = generator.generate([longest, PROMPT], OPTIONS)
    assert (full.text, full.tokens, full.stopped) == ("", 0, "length")
    assert other.tokens == 12


def test_evidence_gives_way_where_the_window_is_smaller_than_the_budget(generator: Generator) -> None:
    options = GenerationOptions(max_prompt_tokens=4000, max_new_tokens=12)
    assert generator.generate([reply_prompt("Hi", ["word " * 400])], options)[0].tokens == 12


def test_what_is_late_at_once_is_told(generator: Generator) -> None:
    (one,) = generator.generate([PROMPT], OPTIONS, deadline=0.0)
    assert (one.text, one.stopped) == ("", "deadline")


def test_weights_that_are_not_those_of_the_export_are_refused(copy: Path) -> None:
    model = onnx.load(copy / MODEL)
    for constant in model.graph.initializer:
        if constant.name == "words":
            noise = np.random.default_rng(0).normal(size=tuple(constant.dims)).astype(np.float32)
            constant.CopyFrom(numpy_helper.from_array(noise, constant.name))
    onnx.save(model, copy / MODEL)
    with pytest.raises(ParityError, match="another token"):
        Generator.load(copy, threads=1)
    Generator.load(copy, threads=1, check_parity=False)


def test_tokens_of_which_it_was_not_sure_may_differ(copy: Path) -> None:
    parity = read(copy / PARITY, GreedyParity)
    assert all(sample.sure for sample in parity.samples)
    spoilt = tuple(
        type(sample)(prompt=sample.prompt, tokens=(*sample.tokens[:-1], 5), sure=(0,)) for sample in parity.samples
    )
    change(copy / PARITY, GreedyParity, samples=spoilt)
    Generator.load(copy, threads=1)


@pytest.mark.parametrize(
    ("changed", "named"), [({"vocab_size": 7}, "vocabulary"), ({"head_dim": 8}, "cache"), ({"layers": 5}, "cache")]
)
def test_a_graph_that_is_not_as_its_description_says_is_refused(
    changed: dict[str, int], named: str, copy: Path
) -> None:
    change(copy / CONFIG, GeneratorConfig, **changed)
    with pytest.raises(VersionError, match=named):
        Generator.load(copy, threads=1)


def test_a_version_of_another_kind_is_refused_by_both(version: Path, copy: Path) -> None:
    change(copy / MANIFEST, Manifest, kind="encoder")
    with pytest.raises(VersionError, match="of the kind encoder, where one of generator is needed"):
        Generator.load(copy, threads=1)
    with pytest.raises(VersionError, match="of the kind generator, where one of encoder is needed"):
        Encoder.load(version, threads=1, sub_batch=4)


def test_a_manifest_that_tells_no_kind_is_an_encoders(version: Path) -> None:
    values = json.loads((version / MANIFEST).read_text())
    assert values.pop("kind") == "generator"
    assert decode(json.dumps(values).encode(), Manifest, "manifest").kind == "encoder"


def test_an_unnamed_file_is_not_read(copy: Path) -> None:
    files = {name: entry for name, entry in read(copy / MANIFEST, Manifest).files.items() if name != CONFIG}
    change(copy / MANIFEST, Manifest, files=files)
    with pytest.raises(VersionError, match=CONFIG):
        Generator.load(copy, threads=1)


def test_tuned_weights_make_a_version_that_writes_otherwise(
    generator: Generator, toy_base: Base, make_version: Callable[..., Path]
) -> None:
    model = toy_llama.llama()
    turned = {name: value[::-1].copy() if "up_proj" in name else value for name, value in model.weights.items()}
    tuned = Generator.load(make_version("fp32", toy_base.tuned(turned)), threads=1)
    assert tuned.generate([PROMPT], OPTIONS) != generator.generate([PROMPT], OPTIONS)


def test_serving_imports_neither_torch_nor_what_makes_models() -> None:
    code = (
        "import sys, models.generator.runtime; "
        "print([name for name in ('torch', 'transformers', 'onnx', 'gguf', 'huggingface_hub') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
