"""How often what is found has the intent that was asked for: by vectors alone, by words alone, and by both.

    python -m benchmarks.retrieval

Banking77's test questions are asked of its training questions, and Bitext's of its training pairs, whose intents are
told by rule; and the customers of the finance domain's seed of that domain's own answers. Then the score: the weights
of ``models/answers/scoring.py`` are fitted anew on training parts and printed beside those that are served, and the
served ones are judged on the test parts, in small indexes that answer three intents of four. Prints tables, puts them
into docs/answers.md, and writes ``benchmarks/results/retrieval.json``.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.support.machine import describe_machine
from benchmarks.support.real_messages import RealDataError
from benchmarks.support.report import table, update_page
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.retrieval.bitext_intents import intent_of
from benchmarks.support.retrieval.calibration import Embedded, draw, fit, joined, judge
from benchmarks.support.retrieval.questions import banking, bitext_test, bitext_train
from benchmarks.support.served_version import served_version
from models.answers.index import AnswerIndex
from models.answers.lexicon import Lexicon
from models.answers.scoring import WEIGHTS
from models.answers.vectors import Vectors
from models.manifest import VersionError
from models.runtime import Encoder
from streams.contract.domain import load_domain
from streams.contract.examples import load_seed
from streams.contract.replies import Document
from streams.contract.service_settings import RepliesSettings
from streams.contract.settings import ModelSettings
from streams.sources.answers.items import Taken
from streams.sources.answers.making import DocumentMaker
from streams.sources.answers.reading import files_of, guess_format, read_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.support.retrieval.questions import Question

    Finder = Callable[[int], list[str]]

_PAGE = ROOT / "docs" / "answers.md"
_SHOWN = 5
_QUICK = 60
_NEVER_DRAWN = 100
"""Seeds of the draws that judge; those that fit are smaller."""
_NOTE = (
    "Intents of Bitext's training part are told by a rule of words, written with both parts' questions in view; of the "
    "test part it tells {told:.1%} rightly.\n"
)
_TITLES = {"banking77": "Banking77", "bitext": "Bitext", "bitext_pages": "Bitext's answers as pages"}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="A few questions, to see that it runs; writes nothing.")
    parser.add_argument("--registry", type=Path, default=ROOT / ".tocsin" / "registry", help="Of the model versions.")
    given = parser.parse_args()
    machine = describe_machine()
    try:
        figures = _measure(given.registry.resolve(), quick=given.quick)
    except (RealDataError, VersionError) as error:
        sys.exit(f"error: {error}")
    content = _tables(figures)
    sys.stdout.write(content)
    if not given.quick:
        update_page(_PAGE, content, "retrieval")
        write_result("retrieval", figures, machine=machine)


def _measure(registry: Path, *, quick: bool) -> dict[str, Any]:
    folder, model = served_version(registry).folder, ModelSettings()
    encoder = Encoder.load(folder, threads=model.threads, sub_batch=model.sub_batch)
    few = slice(None, None, _QUICK if quick else None)

    def embedded(questions: Sequence[Question]) -> Embedded:
        return Embedded(questions, encoder.embed([question.text for question in questions]))

    bank, bank_test = embedded(banking("train")[few]), embedded(banking("test")[few])
    pairs, pairs_test = embedded(bitext_train()), embedded(bitext_test())
    recall = {
        "banking77": _recall(encoder, bank, bank_test),
        "bitext": _recall(encoder, pairs, pairs_test),
    }
    answers = [question.answer for question in pairs.questions]
    pages = Embedded(pairs.questions, encoder.embed(answers))
    most = 30 if quick else 400
    fitted = fit(
        joined(
            [
                draw(bank, bank, of_each=each, seed=seed, most=most)
                for each in (1, 3, 10)
                for seed in range(each, each + 2)
            ]
        )
    )
    replies = RepliesSettings()
    thresholds = (replies.min_score, replies.send_score)
    tested = {
        "banking77": [draw(bank, bank_test, of_each=each, seed=_NEVER_DRAWN + each, most=most) for each in (1, 3, 10)],
        "bitext": [
            draw(pairs, pairs_test, of_each=each, seed=_NEVER_DRAWN + seed, texts=_as_held(pairs.questions))
            for each in (1, 3)
            for seed in range(4)
        ],
        "bitext_pages": [
            draw(pages, pairs_test, of_each=each, seed=_NEVER_DRAWN + seed, texts=answers)
            for each in (1, 3)
            for seed in range(4)
        ],
    }
    return {
        "embedder": encoder.embedder_sha256,
        "model": encoder.model,
        "recall": recall,
        "intents_told_rightly_by_rule": float(
            np.mean([intent_of(question.text) == question.intent for question in pairs_test.questions])
        ),
        "weights": {"served": WEIGHTS._asdict(), "fitted": fitted._asdict()},
        "domain": _domain(encoder, thresholds, few),
        "calibration": {name: judge(joined(draws), thresholds) for name, draws in tested.items()},
    }


def _domain(encoder: Encoder, thresholds: Sequence[float], few: slice) -> dict[str, Any]:
    """The finance domain's own answers, asked by the customers of its seed, from which no vector was learnt."""
    domain = load_domain("finance")
    index = AnswerIndex(encoder.embed, encoder.embedder_sha256)
    for file, name in files_of(domain.folder / "answers"):
        maker = DocumentMaker(name, time=datetime.now(UTC))
        items = read_answers(guess_format(name), file.read_text(encoding="utf-8"), maker)
        index.put([item.document for item in items if isinstance(item, Taken)])
    asked = [one for one in load_seed(domain) if one.kind == "customer" and one.intent not in (None, "other")][few]
    found = index.search([one.text for one in asked], _SHOWN)
    intents = [[each.intent for each in one] for one in found]
    right = np.array([one[0] == example.intent for one, example in zip(intents, asked, strict=True)])
    among = [example.intent in one for one, example in zip(intents, asked, strict=True)]
    scores = np.array([one[0].score for one in found])
    return {
        "held": len(index),
        "asked": len(asked),
        "recall_at_1": float(right.mean()),
        "recall_at_5": float(np.mean(among)),
        "at": {
            f"{threshold:.2f}": {
                "answered": float((scores >= threshold).mean()),
                "right_of_answered": float(right[scores >= threshold].mean()) if (scores >= threshold).any() else None,
            }
            for threshold in thresholds
        },
    }


def _recall(encoder: Encoder, held: Embedded, asked: Embedded) -> dict[str, Any]:
    intents = [question.intent for question in held.questions]
    vectors = Vectors(held.vectors.shape[1])
    vectors.add(held.vectors)
    lexicon = Lexicon.of(_as_held(held.questions))
    index = _index(encoder, held)
    finders: dict[str, Finder] = {
        "vectors": lambda number: [intents[place] for place in vectors.nearest(asked.vectors[number], _SHOWN)],
        "words": lambda number: [
            intents[place] for place in np.argsort(-lexicon.coverage(asked.questions[number].text))[:_SHOWN]
        ],
        "both": lambda number: [
            found.intent or "" for found in index.search([asked.questions[number].text], _SHOWN)[0]
        ],
    }
    figures: dict[str, Any] = {"held": len(held.questions), "asked": len(asked.questions)}
    for name, finder in finders.items():
        started = time.perf_counter()
        found = [finder(number) for number in range(len(asked.questions))]
        seconds = time.perf_counter() - started
        wanted = [question.intent for question in asked.questions]
        figures[name] = {
            "recall_at_1": float(np.mean([intent in one[:1] for intent, one in zip(wanted, found, strict=True)])),
            "recall_at_5": float(np.mean([intent in one for intent, one in zip(wanted, found, strict=True)])),
            "seconds_per_query": seconds / len(found),
        }
    return figures


def _index(encoder: Encoder, held: Embedded) -> AnswerIndex:
    """The index as it is served, its questions embedded already."""
    known = {question.text: vector for question, vector in zip(held.questions, held.vectors, strict=True)}

    def embed(texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.stack([known[text] for text in texts]) if known.keys() >= set(texts) else encoder.embed(texts)

    index = AnswerIndex(embed, encoder.embedder_sha256)
    now = datetime.now(UTC)
    index.put(
        [
            # Without an answer, equal answers would count as one.
            Document(
                id=str(number),
                text=question.answer or str(number),
                question=question.text,
                intent=question.intent,
                time=now,
            )
            for number, question in enumerate(held.questions)
        ]
    )
    return index


def _as_held(questions: Sequence[Question]) -> list[str]:
    return [f"{question.text}\n{question.answer}" for question in questions]


def _tables(figures: dict[str, Any]) -> str:
    rows = [
        [
            f"{_TITLES[name]}, {each['asked']:,} asked of {each['held']:,}: {how}",
            f"{each[how]['recall_at_1']:.3f}",
            f"{each[how]['recall_at_5']:.3f}",
            f"{1000 * each[how]['seconds_per_query']:.1f} ms",
        ]
        for name, each in figures["recall"].items()
        for how in ("vectors", "words", "both")
    ]
    domain = figures["domain"]
    title = f"Finance, {domain['asked']:,} customers asked of {domain['held']:,}: both"
    rows.append([title, f"{domain['recall_at_1']:.3f}", f"{domain['recall_at_5']:.3f}", ""])
    recall = table(["the intent asked for is", "first", "among five", "a query"], rows)
    rows = []
    for name, each in figures["calibration"].items():
        for threshold, at in each["at"].items():
            right = "-" if at["right_of_answered"] is None else f"{at['right_of_answered']:.1%}"
            shares = (f"{at['answered_of_answerable']:.1%}", right, f"{at['answered_of_unanswerable']:.1%}")
            rows.append([f"{_TITLES[name]}, score of {threshold} or more", *shares])
    for threshold, at in domain["at"].items():
        right = "-" if at["right_of_answered"] is None else f"{at['right_of_answered']:.1%}"
        rows.append([f"Finance, score of {threshold} or more", f"{at['answered']:.1%}", right, ""])
    head = ["", "of what the index answers", "of these right", "of what it does not answer"]
    calibration = table(head, rows)
    weights = [[which, *(f"{value:.2f}" for value in each.values())] for which, each in figures["weights"].items()]
    return "\n".join(
        [
            recall,
            calibration,
            table(["weights of the score", "cosine", "coverage", "bias"], weights),
            _NOTE.format(told=figures["intents_told_rightly_by_rule"]),
        ]
    )


if __name__ == "__main__":
    main()
