"""A model version whose every answer is known: word pieces are one-hot, so the heads' weights are tables of words.

Real enough for the registry and the runtime (an ONNX graph, a WordPiece tokeniser, labels, parity samples), and made in
a moment without any trained weights.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from models import parity
from models.manifest import Labels, Parity, encode
from models.tokens import TextTokenizer

if TYPE_CHECKING:
    from pathlib import Path

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")
LABELS = Labels(
    topics=("earnings", "markets", "deals"),
    topic_mode="single",
    sentiments=("negative", "neutral", "positive"),
    intents=("complaint", "question"),
    entity_tags=TAGS,
)
TAGGED_WORDS = {
    "acme": "B-ORG", "corp": "I-ORG", "beta": "B-ORG", "cola": "I-ORG", "paris": "B-LOC", "u": "B-LOC", "s": "I-LOC",
    "zoe": "B-PER", "lone": "I-PER",
}  # fmt: skip
TOPIC_WORDS = {"profit": 0, "shares": 1, "merger": 2}
SENTIMENT_WORDS = {"loses": 0, "wins": 2, "lone": 0}
INTENT_WORDS = {"broken": 0, "why": 1}
MAX_TOKENS = 32
# Among 32 pieces, the mean still lets one word outweigh the rest.
_STRENGTH = 100.0
_TAG_STRENGTH = 8.0


def vocabulary() -> dict[str, int]:
    """Special tokens, the words of the tables, and every ASCII character alone or inside a word."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *TAGGED_WORDS, *TOPIC_WORDS, *SENTIMENT_WORDS, *INTENT_WORDS]
    characters = string.ascii_lowercase + string.digits + string.punctuation
    words += [*characters, *(f"##{character}" for character in characters)]
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def tokenizer() -> Tokenizer:
    """A BERT-like uncased tokeniser; like real ones it comes with a truncation and a padding of its own."""
    known = vocabulary()
    made = Tokenizer(models.WordPiece(known, unk_token="[UNK]"))  # noqa: S106  a token of text
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", known["[CLS]"]), ("[SEP]", known["[SEP]"])]
    )
    made.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    made.enable_truncation(8)
    made.enable_padding(length=8)
    return made


def _table(outputs: int, words: dict[str, int], strength: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    known = vocabulary()
    table = np.zeros((len(known), outputs), np.float32)
    for word, output in words.items():
        table[known[word], output] = strength
    return table


def graph(labels: Labels = LABELS, *, trunk_alone: bool = False) -> onnx.ModelProto:
    """The graph: one-hot pieces, their mean as the embedding, and a table for each head."""
    width = len(vocabulary())
    tag_words = {word: TAGS.index(tag) for word, tag in TAGGED_WORDS.items()}
    tag_table = _table(len(TAGS), tag_words, _TAG_STRENGTH)
    tag_table[:, 0] += 1.0
    constants: dict[str, Any] = {
        "table": np.eye(width, dtype=np.float32),
        "last": np.array([-1], np.int64),
        "rows": np.array([1], np.int64),
        "topic": _table(len(labels.topics), TOPIC_WORDS, _STRENGTH),
        "sentiment": _table(3, SENTIMENT_WORDS, _STRENGTH),
        "intent": _table(max(len(labels.intents), 1), INTENT_WORDS if labels.intents else {}, _STRENGTH),
        "tags": tag_table,
    }
    node = helper.make_node
    nodes = [
        node("Gather", ["table", "input_ids"], ["pieces"]),
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["mask", "last"], ["mask_column"]),
        node("Mul", ["pieces", "mask_column"], ["states"]),
        node("ReduceSum", ["states", "rows"], ["sum"], keepdims=0),
        node("ReduceSum", ["mask_column", "rows"], ["count"], keepdims=0),
        node("Div", ["sum", "count"], ["mean"]),
        node("LpNormalization", ["mean"], ["embedding"], axis=-1, p=2),
    ]
    shapes: dict[str, list[str | int]] = {"embedding": ["batch", width]}
    if not trunk_alone:
        nodes += [
            node("MatMul", ["mean", "topic"], ["topic_logits"]),
            node("MatMul", ["mean", "sentiment"], ["sentiment_logits"]),
            node("MatMul", ["states", "tags"], ["entity_logits"]),
            # Each piece feels the message's sentiment and its own.
            node("MatMul", ["states", "sentiment"], ["own_sentiment"]),
            node("Unsqueeze", ["sentiment_logits", "rows"], ["message_sentiment"]),
            node("Add", ["own_sentiment", "message_sentiment"], ["entity_sentiment_logits"]),
            node("Identity", ["case_ids"], ["cases_unused"]),
        ]
        shapes |= {
            "topic_logits": ["batch", len(labels.topics)],
            "sentiment_logits": ["batch", 3],
            "entity_logits": ["batch", "length", len(TAGS)],
            "entity_sentiment_logits": ["batch", "length", 3],
        }
        if labels.intents:
            nodes.append(node("MatMul", ["mean", "intent"], ["intent_logits"]))
            shapes["intent_logits"] = ["batch", len(labels.intents)]
    names = ["input_ids", "attention_mask"] + ([] if trunk_alone else ["case_ids"])
    made = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in names],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write_files(folder: Path, labels: Labels = LABELS, *, precision: str = "int8") -> Path:
    """Write the files of a version, without a manifest. An "int8" one is fp32 too, with an embedder beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph(labels), folder / "model.onnx")
    if precision == "int8":
        onnx.save(graph(labels, trunk_alone=True), folder / "embedder.onnx")
    tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "labels.json").write_bytes(encode(labels))
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    samples = parity.record(
        session, TextTokenizer(tokenizer(), MAX_TOKENS), ["acme profit wins why", "beta merger loses broken"]
    )
    (folder / "parity.json").write_bytes(encode(Parity(tolerance=0.01, samples=samples)))
    return folder


def facts(precision: str = "int8") -> dict[str, Any]:
    """What the registry is told of a toy version."""
    return {
        "precision": precision,
        "max_tokens": MAX_TOKENS,
        "width": len(vocabulary()),
        "metrics": {"topic_macro_f1": 0.9},
        "lineage": {"base": "toy", "seed": 13},
    }
