"""The generator, fine-tuned on Bitext's training part as a training run does it; kept, since it takes long."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from msgspec import to_builtins
from msgspec.structs import replace
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from benchmarks.support.replies.bitext import CATEGORY_OF
from models.generator.chat import Chat
from retrain.generator.finetune import finetune
from retrain.generator.lessons import lessons
from retrain.generator.pairs import Pair, split
from streams.logic.replies.check import check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.support.replies.bitext import Asked
    from benchmarks.support.replies.desk import Desk
    from models.generator.weights import Base
    from models.runtime import Encoder
    from retrain.generator.options import TuningOptions

    Tell = Callable[[str, int, int], None]


class Tuned(NamedTuple):
    """A fine-tuned generator and how it came to be."""

    base: Base
    story: dict[str, Any]
    identity: str
    """Hash of what it came from."""


class Study(NamedTuple):
    """How a generator is tuned for the benchmark."""

    options: TuningOptions
    most: int | None
    """Only so many lessons are learnt, and an eighth as many validated on; all where absent."""
    threads: int
    """Of torch."""


def tuned(
    base: Base, held: Sequence[Asked], desk: Desk, encoder: Encoder, study: Study, folder: Path, tell: Tell
) -> Tuned:
    """Fine-tune, or take what was tuned before with the same data and options.

    Args:
        base: What to begin from.
        held: The pairs, which stand in the desk's index.
        desk: Its index and settings.
        encoder: Reads the sentiment of the questions.
        study: How.
        folder: Where weights are kept.
        tell: Told of progress.
    """
    options, most = study.options, study.most
    identity = sha256(repr((base.files.sha256, list(held), options, most)).encode()).hexdigest()[:16]
    weights, story = folder / f"{identity}.safetensors", folder / f"{identity}.json"
    if weights.is_file() and story.is_file():
        return Tuned(base.tuned(load_file(weights)), json.loads(story.read_text(encoding="utf-8")), identity)
    torch.set_num_threads(study.threads)
    chat = Chat(Tokenizer.from_str(base.tokenizer.to_str()), base.form)
    readings = encoder.read([pair.question for pair in held])
    pairs = split(
        [
            replace(_pair(pair), sentiment=reading.sentiment)
            for pair, reading in zip(held, readings, strict=True)
        ],
        keep=False,
    )  # fmt: skip
    left_out = 0

    def refuses(text: str, *, evidence: Sequence[str], message: str) -> bool:
        nonlocal left_out
        found = bool(check(text, evidence=evidence, message=message, names=desk.rules.names))
        left_out += not found
        return found

    tone, company = desk.rules.replies.tone, desk.rules.replies.company or None
    train = lessons(pairs.train, desk.index, chat, desk.settings, refuses, tone=tone, company=company)
    own_left_out = left_out
    validation = lessons(pairs.validation, desk.index, chat, desk.settings, refuses, tone=tone, company=company)
    if most is not None:
        train, validation = train[:most], validation[: max(1, most // 8)]
    made = finetune(base, chat.end, train, validation, options, tell)
    told = {
        "pairs": {"train": len(pairs.train), "validation": len(pairs.validation)},
        "lessons": {"train": len(train), "validation": len(validation)},
        "own_answer_left_out_of_train": own_left_out,
        "tokens_of_a_lesson": sum(len(lesson.ids) for lesson in train) / len(train),
        "options": asdict(options),
        "history": to_builtins(made.history),
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(made.base.llama.weights), weights)
    story.write_text(json.dumps(told), encoding="utf-8")
    return Tuned(made.base, told, identity)


def _pair(one: Asked) -> Pair:
    return Pair(id=one.id, question=one.question, answer=one.answer, intent=one.intent, topic=CATEGORY_OF[one.intent])
