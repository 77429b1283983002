from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from support import toy_llama
from tokenizers import Tokenizer, models

from models.base_files import CONFIG, TOKENIZER, WEIGHTS, WeightsError
from models.generator.llama import EMBEDDING, HEAD
from models.generator.weights import find, load

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path) -> Any:  # noqa: ANN401  its parts are what is looked at
    return load(find(str(folder), folder / "cache"))


def test_a_folder_of_safetensors_is_read(tmp_path: Path) -> None:
    model = toy_llama.llama(tie_word_embeddings=False)
    base = read(toy_llama.write(tmp_path, model))
    assert base.llama.sizes == model.sizes
    assert all(np.array_equal(base.llama.weights[name], value) for name, value in model.weights.items())
    assert base.form == "chatml"
    assert base.files.weights == (tmp_path / WEIGHTS,)


def test_a_folder_with_one_gguf_file_is_read(tmp_path: Path) -> None:
    path = toy_llama.write_gguf(tmp_path / "toy.gguf", toy_llama.llama())
    base = read(tmp_path)
    assert base.files.weights == (path,)
    assert base.llama.sizes == toy_llama.sizes()


def test_several_files_of_safetensors_are_one_model(tmp_path: Path) -> None:
    model = toy_llama.llama()
    toy_llama.write(tmp_path, model)
    (tmp_path / WEIGHTS).unlink()
    parts = {"a.safetensors": [], "b.safetensors": list(model.weights)[3:]}
    parts["a.safetensors"] = [name for name in model.weights if name not in parts["b.safetensors"]]
    for file, names in parts.items():
        save_file({name: model.weights[name] for name in names}, tmp_path / file)
    index = {name: file for file, names in parts.items() for name in names}
    (tmp_path / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": index}))
    # What the index does not name is no part of it.
    save_file({EMBEDDING: np.zeros((1, 1), np.float32)}, tmp_path / "adapter.safetensors")
    assert sorted(read(tmp_path).llama.weights) == sorted(model.weights)


def test_bfloat16_is_read(tmp_path: Path) -> None:
    model = toy_llama.llama()
    toy_llama.write(tmp_path, model)
    halves = {name: (value.view(np.uint32) >> 16).astype("<u2") for name, value in model.weights.items()}
    header, content = {}, b""
    for name, value in halves.items():
        end = len(content) + value.nbytes
        header[name] = {"dtype": "BF16", "shape": value.shape, "data_offsets": [len(content), end]}
        content += value.tobytes()
    named = json.dumps(header).encode()
    (tmp_path / WEIGHTS).write_bytes(struct.pack("<Q", len(named)) + named + content)
    read_back = read(tmp_path).llama.weights
    for name, value in model.weights.items():
        assert np.array_equal(read_back[name].view(np.uint32), value.view(np.uint32) & 0xFFFF0000), name


def test_tied_weights_that_are_there_twice_are_read_once(tmp_path: Path) -> None:
    model = toy_llama.llama()
    toy_llama.write(tmp_path, model)
    save_file({**model.weights, HEAD: model.weights[EMBEDDING].copy()}, tmp_path / WEIGHTS)
    assert HEAD not in read(tmp_path).llama.weights


@pytest.mark.parametrize("style", ["four", "five"])
def test_positions_are_read_as_either_transformers_writes_them(style: str, tmp_path: Path) -> None:
    scaling = {"rope_type": "linear", "factor": 2.0}
    told: dict[str, Any] = {"rope_theta": 7_000.0, "rope_scaling": scaling}
    if style == "five":
        told = {"rope_parameters": {**scaling, "rope_theta": 7_000.0}, "rope_theta": None, "rope_scaling": None}
    sizes = read(toy_llama.write(tmp_path, toy_llama.llama(), **told)).llama.sizes
    assert (sizes.rope_theta, dict(sizes.rope_scaling)) == (7_000.0, scaling)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model_type": "gpt_neox"}, "gpt_neox"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"attention_bias": True}, "attention_bias"),
        ({"model_type": "mistral", "sliding_window": 4096}, "sliding_window"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "yarn"),
        ({"num_hidden_layers": 3}, r"model\.layers\.2"),
        ({"intermediate_size": 95}, "gate_proj"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(changed: dict[str, Any], named: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=named):
        read(toy_llama.write(tmp_path, toy_llama.llama(), **changed))


def test_a_model_without_known_control_tokens_is_refused(tmp_path: Path) -> None:
    toy_llama.write(tmp_path, toy_llama.llama())
    Tokenizer(models.BPE(vocab={"a": 0}, merges=[])).save(str(tmp_path / TOKENIZER))
    with pytest.raises(WeightsError, match="ChatML"):
        read(tmp_path)


def test_what_a_folder_lacks_is_named(tmp_path: Path) -> None:
    toy_llama.write(tmp_path, toy_llama.llama())
    (tmp_path / WEIGHTS).rename(tmp_path / "pytorch_model.bin")
    (tmp_path / CONFIG).unlink()
    with pytest.raises(WeightsError, match=r"generator\.base.*lacks config\.json, model\.safetensors"):
        read(tmp_path)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (toy_llama.write(tmp_path, toy_llama.llama()) / WEIGHTS).write_bytes(b"\x80\x04 a pickle, perhaps")
    with pytest.raises(WeightsError, match="safetensors"):
        read(tmp_path)


def test_an_unknown_package_is_told_by_the_generators_setting(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"generator\.base: no package of weights 'none'.*smollm2-135m"):
        find("package:none", tmp_path)


def test_tuned_weights_take_the_place_of_the_base(tmp_path: Path) -> None:
    model = toy_llama.llama()
    base = read(toy_llama.write(tmp_path, model))
    doubled = {name: value * 2 for name, value in model.weights.items()}
    assert base.tuned(doubled).llama.weights[EMBEDDING][0, 0] == 2 * model.weights[EMBEDDING][0, 0]
    with pytest.raises(WeightsError, match="lacks the weight"):
        base.tuned({EMBEDDING: doubled[EMBEDDING]})
