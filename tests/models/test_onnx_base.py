"""A BERT that torch exported becomes base weights that compute the same; what is none is refused and leaves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from support import toy_bert

from models.base_files import TOKENIZER, WeightsError
from models.bert import load_trunk
from models.onnx_base import from_onnx
from models.weights import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a checkpoint, with the model as torch's exporter writes it."""
    pytest.importorskip("torch")
    from support import torch_bert  # noqa: PLC0415  where there is no torch there is nothing to export

    folder = tmp_path_factory.mktemp("exported")
    toy_bert.write(folder)
    torch_bert.export(torch_bert.TorchBert(folder, heads=toy_bert.HEADS, layers=toy_bert.LAYERS), folder / "model.onnx")
    return folder


def test_what_is_read_is_what_was_exported(exported: Path, tmp_path: Path) -> None:
    out = tmp_path / "bases" / "toy"
    difference = from_onnx(exported / "model.onnx", exported / TOKENIZER, out, heads=toy_bert.HEADS)
    assert difference < 1e-5
    assert resolve(str(out), tmp_path).folder == out
    ours, theirs = load_trunk(out), load_trunk(exported)
    assert (ours.width, ours.layers, ours.heads, ours.max_tokens) == (
        theirs.width,
        theirs.layers,
        theirs.heads,
        theirs.max_tokens,
    )
    for name, weight in theirs.weights.items():
        np.testing.assert_array_equal(ours.weights[name], weight, err_msg=name)
    assert {path.name for path in out.parent.iterdir()} == {"toy"}


def renamed(model: onnx.ModelProto) -> None:
    """No bias has a name by which its layer could be known."""
    known = {tensor.name: f"b{number}" for number, tensor in enumerate(model.graph.initializer)}
    for tensor in model.graph.initializer:
        tensor.name = known[tensor.name]
    for node in model.graph.node:
        node.input[:] = [known.get(name, name) for name in node.input]


def changed(model: onnx.ModelProto) -> None:
    """It computes something else than BERT: one residual is taken twice."""
    weights = {tensor.name for tensor in model.graph.initializer}
    added = [node for node in model.graph.node if node.op_type == "Add" and not weights & set(node.input)]
    added[-1].input[0] = added[-1].input[1]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (renamed, "under BERT's names"),
        (changed, "differs from what it computes"),
    ],
)
def test_what_is_no_such_bert_is_refused(
    exported: Path, tmp_path: Path, spoil: Callable[[onnx.ModelProto], None], problem: str
) -> None:
    model = onnx.load(exported / "model.onnx")
    spoil(model)
    onnx.save(model, tmp_path / "spoilt.onnx")
    with pytest.raises(WeightsError, match=problem):
        from_onnx(tmp_path / "spoilt.onnx", exported / TOKENIZER, tmp_path / "out", heads=toy_bert.HEADS)
    assert {path.name for path in tmp_path.iterdir()} == {"spoilt.onnx"}


@pytest.mark.parametrize("heads", [1, 4])
def test_another_number_of_heads_is_found_out(exported: Path, tmp_path: Path, heads: int) -> None:
    with pytest.raises(WeightsError, match="--heads"):
        from_onnx(exported / "model.onnx", exported / TOKENIZER, tmp_path / "out", heads=heads)


def test_heads_that_do_not_part_the_width_are_told(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="3 heads do not part a width of 8"):
        from_onnx(exported / "model.onnx", exported / TOKENIZER, tmp_path / "out", heads=3)


def test_a_file_that_is_no_onnx_is_told(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    with pytest.raises(WeightsError, match=r"noise\.onnx"):
        from_onnx(tmp_path / "noise.onnx", exported / TOKENIZER, tmp_path / "out")


def test_a_tokenizer_of_another_model_is_refused(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(WeightsError, match="cannot be run"):
        from_onnx(exported / "model.onnx", tmp_path / "tokenizer.json", tmp_path / "out", heads=toy_bert.HEADS)
