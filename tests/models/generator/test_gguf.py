from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter
from support import toy_llama

from models.base_files import WeightsError
from models.generator.gguf_file import GgufFile
from models.generator.gguf_tokenizer import tokenizer_from_gguf

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = (
    "The other thing",
    "in 1234567 things, 3.14 %  and  7 more",
    " leading and trailing ",
    "tabs\tand\n\nlines \n  end",
    "Zoë naïve \u6c49\u5b57 \U0001f600 \u00a0 \u200d e\u0301",
    "don't, I'll, they've; 'quoted'",
    "<|im_start|>user\nhello<|im_end|>\n",
    "x<|endoftext|>y <|im_end|",
    "",
)


def test_sizes_and_weights_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    model = toy_llama.llama(rope_theta=50_000.0)
    read = GgufFile(toy_llama.write_gguf(tmp_path / "toy.gguf", model)).llama()
    assert read.sizes == model.sizes
    assert sorted(read.weights) == sorted(model.weights)
    for name, value in model.weights.items():
        assert np.array_equal(read.weights[name], value), name


def test_quantised_weights_are_turned_back_into_numbers(tmp_path: Path) -> None:
    model = toy_llama.llama()
    path = toy_llama.write_gguf(tmp_path / "toy.gguf", model, GGMLQuantizationType.Q8_0)
    for name, value in GgufFile(path).llama().weights.items():
        wanted = model.weights[name]
        assert value.dtype == np.float32
        assert np.abs(value - wanted).max() <= np.abs(wanted).max() / 100, name


def test_the_tokenizer_is_that_of_the_checkpoint(tmp_path: Path) -> None:
    made = tokenizer_from_gguf(GgufFile(toy_llama.write_gguf(tmp_path / "toy.gguf", toy_llama.llama())))
    wanted = toy_llama.tokenizer()
    for text in TEXTS:
        ids = made.encode(text).ids
        assert ids == wanted.encode(text).ids, text
        assert made.decode(ids, skip_special_tokens=False) == text
    assert made.token_to_id("<|im_end|>") == toy_llama.END


@pytest.mark.train
def test_the_tokenizer_reads_as_the_one_that_transformers_makes_of_the_same_file(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    path = toy_llama.write_gguf(tmp_path / "toy.gguf", toy_llama.llama())
    made = tokenizer_from_gguf(GgufFile(path))
    reference = transformers.AutoTokenizer.from_pretrained(tmp_path, gguf_file=path.name)
    for text in TEXTS:
        if "  7" not in text:
            assert made.encode(text).ids == reference(text)["input_ids"], text
    # transformers drops what GGUF says of digits: each is a piece of its own, and so are the spaces before it.
    assert [made.id_to_token(number) for number in made.encode("  7").ids] == ["ĠĠ", "7"]


@pytest.mark.parametrize(
    ("changed", "named"), [({"pre": "unheard-of"}, "unheard-of"), ({"kind_of_tokenizer": "llama"}, "byte-level BPE")]
)
def test_another_way_to_tokenise_is_refused_by_its_name(changed: dict[str, str], named: str, tmp_path: Path) -> None:
    file = GgufFile(toy_llama.write_gguf(tmp_path / "toy.gguf", toy_llama.llama(), **changed))
    with pytest.raises(WeightsError, match=named):
        tokenizer_from_gguf(file)


def test_another_architecture_is_refused_by_its_name(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "other.gguf", "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(WeightsError, match="mamba"):
        GgufFile(tmp_path / "other.gguf")


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF and no more")
    with pytest.raises(WeightsError, match=r"broken\.gguf"):
        GgufFile(tmp_path / "broken.gguf")
