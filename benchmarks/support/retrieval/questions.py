"""Real customers' questions with their intents, and answers where the data has them."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.support.real_messages import RealDataError, data_folder
from benchmarks.support.retrieval.bitext_intents import intent_of

if TYPE_CHECKING:
    from pathlib import Path


class Question(NamedTuple):
    """One question of a data set."""

    text: str
    intent: str
    answer: str
    """As it was given; empty where the data has none."""


def banking(part: str) -> list[Question]:
    """Banking77's questions of a part, ``train`` or ``test``; they have no answers.

    Raises:
        RealDataError: It is not there.
    """
    path = data_folder() / "service" / "banking77" / f"{part}.csv"
    lines = csv.DictReader(_content(path).splitlines(keepends=True))
    return [Question(line["text"].strip(), line["category"], "") for line in lines]


def bitext_train() -> list[Question]:
    """Bitext's questions and answers of the training part; their intents by rule, since it tells none.

    Raises:
        RealDataError: It is not there.
    """
    rows = _lines(data_folder() / "service" / "bitext" / "qa_train_300.jsonl")
    return [Question(row["input_text"], intent_of(row["input_text"]), row["output_text"]) for row in rows]


def bitext_test() -> list[Question]:
    """Bitext's questions and answers of the test part, with the intents that it tells.

    Raises:
        RealDataError: It is not there.
    """
    rows = _lines(data_folder() / "service" / "bitext" / "qa_test_80.jsonl")
    return [Question(row["question"], row["intent"], row["reference_answer"]) for row in rows]


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in _content(path).splitlines()]


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RealDataError(f"{path}: {error.strerror}. See the MANIFEST of the data folder") from error
