"""Turns a language model into the files that a generator's version serves from.

A first generator and a fine-tuned one leave here in the same form: the graph in the precision that is asked for, the
tokenizer, the sizes, and samples by which a loader checks that it writes alike.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import onnx
from tokenizers import Tokenizer

from models.base_files import WeightsError
from models.generator import parity
from models.generator.chat import Chat
from models.generator.config import CONFIG, PARITY, GeneratorConfig
from models.generator.graph import generator_model
from models.generator.prompting import brief_prompt, encode, reply_prompt
from models.generator.runtime import open_session
from models.generator.session import Rows
from models.manifest import encode as to_json
from models.runtime import MODEL, TOKENIZER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.generator.config import GreedyParity
    from models.generator.prompting import Prompt
    from models.generator.weights import Base
    from models.manifest import Precision

CONTEXT = 2048
"""Tokens of the longest text that a version takes, where its base takes as many: more would cost memory alone."""

_MAX_BYTES = 2**31 - 2**20
_SAMPLE_TOKENS = 256
_SAMPLES = (
    reply_prompt("Where is my parcel?", ["Parcels arrive within three working days."]),
    reply_prompt("How do I close my account?", ["Write to us, and we close it on the same day."]),
    reply_prompt("When are you open?", ["We are open from nine to five, Monday to Friday."], tone="short"),
    reply_prompt("Thank you!", ["You are welcome."]),
    reply_prompt("Is there a fee for a new card?", ["A new card costs nothing.", "It comes by post."]),
    brief_prompt(["Larkmoor Bank: 18 negative messages in 12 minutes, 0.7 expected"], ["The app is down again"]),
)


def write_files(base: Base, out: Path, precision: Precision, context: int = CONTEXT) -> GeneratorConfig:
    """Write a version's files, all but its manifest.

    Args:
        base: The model, its tokenizer and the form of its turns.
        out: An empty folder.
        precision: Of the weights.
        context: Tokens of the longest text.

    Raises:
        WeightsError: The graph is too large for one file.
        VersionError: It writes nothing of which it is sure.
    """
    sizes = base.llama.sizes
    context = min(context, sizes.max_position_embeddings)
    config = GeneratorConfig(
        layers=sizes.num_hidden_layers,
        key_value_heads=sizes.num_key_value_heads,
        head_dim=sizes.head_dim,
        vocab_size=sizes.vocab_size,
        context=context,
        form=base.form,
    )
    model = generator_model(base.llama, precision, context)
    if model.ByteSize() > _MAX_BYTES:
        raise WeightsError(
            f"{base.files.name} makes a graph of {model.ByteSize() / 1e9:.1f} GB in {precision}, and a version holds "
            "2 GB at most: take generator.precision = int8 or a smaller base"
        )
    onnx.save(model, out / MODEL)
    base.tokenizer.save(str(out / TOKENIZER))
    (out / CONFIG).write_bytes(to_json(config))
    for notice in base.files.notices:
        shutil.copyfile(notice, out / notice.name)
    (out / PARITY).write_bytes(to_json(_parity(out, config)))
    return config


def _parity(out: Path, config: GeneratorConfig, prompts: Sequence[Prompt] = _SAMPLES) -> GreedyParity:
    """What the graph writes to some prompts."""
    chat = Chat(Tokenizer.from_file(str(out / TOKENIZER)), config.form)
    rows = Rows(open_session(out / MODEL, 1), config, 1)
    limit = min(_SAMPLE_TOKENS, config.context // 2)
    return parity.record(rows, [encode(chat, prompt, limit) for prompt in prompts])
