"""How well a model learns from labelled sets that the project was not made from, by each method, and beside others.

Every set is learnt on its training part alone and judged once on its test part, by the code of the retraining job and
the served graph in fp32. Hours on two cores: each result is kept as it comes, and a run that was stopped goes on;
``--quick`` only shows that everything runs. docs/quality.md tells what was found.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import cache
from statistics import mean, median, stdev
from typing import TYPE_CHECKING

import msgspec

from benchmarks.support.machine import describe_machine
from benchmarks.support.real_messages import RealDataError
from benchmarks.support.report import table, update_page
from benchmarks.support.results import ROOT, write_result
from benchmarks.support.sets.cells import JOINED, TITLES, WAYS, Cell, cells, keep, kept
from benchmarks.support.sets.corpora import CORPORA, load
from benchmarks.support.sets.first_model import SETS, first_model_table, judged
from benchmarks.support.sets.learning import Base, plain_recipe, tocsin, tocsin_of_several, words_alone
from models.bert import load_trunk
from models.runtime import TOKENIZER
from models.tokens import TextTokenizer
from models.weights import resolve
from streams.contract.settings import ModelSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.support.sets.corpora import Corpus
    from benchmarks.support.sets.judging import Figures
    from benchmarks.support.sets.perturbed import Perturbed
    from models.manifest import Labels

_PAGE = ROOT / "docs" / "quality.md"
_CELLS = ROOT / ".tocsin" / "quality"
_THOROUGH = "phrasebank_50agree"
_TOGETHER = ("phrasebank_50agree", "ag_news", "banking77", "conll2003")
"""Learnt as one model too: a set for each head."""
_BASES = {"finfe": "package:bge-small-zh"}
"""Of sets that the default base cannot read."""
_SEEDS = [13, 14, 15]
_QUICK_ROWS = 64


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="A few texts of each set; writes nothing.")
    parser.add_argument("--only", default="", help="Only cells whose name holds this, such as banking77.full.")
    parser.add_argument("--afresh", action="store_true", help="Measure again what is kept.")
    given = parser.parse_args()
    machine = describe_machine()
    try:
        found = _measure(given)
    except RealDataError as error:
        sys.exit(str(error))
    if given.quick:
        return
    corpora = {name: load(name) for name in CORPORA}
    first = judged(ROOT / ModelSettings().registry, [corpora[name] for name in SETS])
    content = "\n".join([first_model_table(first, corpora), _tables(found, corpora)])
    print(content)
    figures = {
        "first_model": first,
        "sets": {name: _headline(found, corpus) for name, corpus in corpora.items()},
        "cells": {cell.name: msgspec.to_builtins(figures) for cell, figures in found.items()},
        "corpora": {
            name: {"train": len(one.learnt), "validation": len(one.validation), "test": len(one.test)}
            for name, one in corpora.items()
        },
        "settings": {name: way if isinstance(way, str) else way.model_dump(mode="json") for name, way in WAYS.items()},
    }
    update_page(_PAGE, content, "quality")
    print("written:", write_result("quality", figures, machine=machine))


def _measure(given: argparse.Namespace) -> dict[Cell, Figures]:
    found: dict[Cell, Figures] = {}
    for cell in cells(list(CORPORA), _THOROUGH, list(_TOGETHER), _SEEDS[:1] if given.quick else _SEEDS):
        before = None if given.quick or given.afresh else kept(_CELLS, cell)
        if before is not None:
            found[cell] = before
            continue
        if given.only not in cell.name or cell in found:
            continue
        for learnt, figures in _learn(cell, _short if given.quick else lambda corpus: corpus).items():
            print(
                f"\r{learnt.name}: {figures.accuracy:.3f} / {figures.macro_f1:.3f} in {figures.seconds:.0f} s",
                flush=True,
            )
            found[learnt] = figures
            if not given.quick:
                keep(_CELLS, learnt, figures)
    return found


def _learn(cell: Cell, cut: Callable[[Corpus], Corpus]) -> dict[Cell, Figures]:
    """Measure a cell, and whatever other cells the same run gives."""
    way = WAYS[cell.way]
    tell = _Progress(cell.name)
    corpus = cut(load(cell.corpus))
    if way == "words":
        return {cell: words_alone(corpus)}
    base = _base(_BASES.get(cell.corpus, ModelSettings().base))
    if way == "plain":
        return {cell: plain_recipe(corpus, base, cell.seed, tell)}
    settings = way.model_copy(update={"seed": cell.seed})
    if cell.way != JOINED:
        return {cell: tocsin(corpus, base, settings, tell)}
    corpora = [cut(load(name)) for name in _TOGETHER]
    of_all = tocsin_of_several(corpora, _united(corpora), base, settings, tell)
    return {Cell(name, JOINED, cell.seed): figures for name, figures in of_all.items()}


@cache
def _base(name: str) -> Base:
    model = ModelSettings()
    weights = resolve(name, ROOT / model.cache)
    return Base(weights, load_trunk(weights.folder), TextTokenizer(weights.folder / TOKENIZER, model.max_tokens))


def _united(corpora: Sequence[Corpus]) -> Labels:
    """The names of all sets' outputs: of each head those of the set that teaches it."""
    by_task = {corpus.task: corpus.labels for corpus in corpora}
    return msgspec.structs.replace(
        by_task["entities"], topics=by_task["topic"].topics, intents=by_task["intent"].intents
    )


class _Progress:
    """A line on standard error, where that is a terminal, at most once a second."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._told > 1.0:
            self._told = now
            print(f"\r{self._name}: {stage} {done} of {total}   ", end="", file=sys.stderr, flush=True)


def _short(corpus: Corpus) -> Corpus:
    return type(corpus)(
        name=corpus.name,
        title=corpus.title,
        task=corpus.task,
        labels=corpus.labels,
        train=corpus.train[:: max(1, len(corpus.train) // _QUICK_ROWS)],
        test=corpus.test[:_QUICK_ROWS],
        split=corpus.split,
        published=corpus.published,
    )


def _tables(found: Mapping[Cell, Figures], corpora: Mapping[str, Corpus]) -> str:
    return "\n".join([_sets(found, corpora), _methods(found, corpora[_THOROUGH]), *_tags(found, corpora)])


def _sets(found: Mapping[Cell, Figures], corpora: Mapping[str, Corpus]) -> str:
    ways = ("words", "heads", "full", JOINED)
    rows = [
        [
            corpus.title,
            f"{len(corpus.learnt):,} / {len(corpus.test):,}",
            corpus.split,
            *(_figure(_of(found, corpus, way), entity=corpus.task == "entities") for way in ways),
            corpus.published,
        ]
        for corpus in corpora.values()
    ]
    head = [
        "accuracy / macro-F1",
        "learnt / tested",
        "split",
        *(TITLES[way] for way in ways),
        "published (from memory)",
    ]
    return table(head, rows)


def _tags(found: Mapping[Cell, Figures], corpora: Mapping[str, Corpus]) -> list[str]:
    """A table of a set of entities, tag by tag, by the strongest method that learnt it."""
    tables = []
    for corpus in corpora.values():
        told = [(way, one.tokens) for way in ("full", "heads") for one in _of(found, corpus, way) if one.tokens]
        if corpus.task != "entities" or not told:
            continue
        way, tokens = told[0]
        rows = [
            [one.name, f"{one.precision:.3f}", f"{one.recall:.3f}", f"{one.f1:.3f}", f"{one.support:,}"]
            for one in [*tokens.tags, tokens.micro, tokens.macro, tokens.weighted]
        ]
        tables.append(table([f"{corpus.title}, {TITLES[way]}", "precision", "recall", "F1", "tokens"], rows))
    return tables


def _methods(found: Mapping[Cell, Figures], corpus: Corpus) -> str:
    by_way = {way: _of(found, corpus, way) for way in WAYS}
    changes = list(dict.fromkeys(name for of in by_way.values() for one in of for name in one.perturbed))
    rows = [
        [
            TITLES[way],
            _spread([one.accuracy for one in of]),
            _spread([one.macro_f1 for one in of]),
            _spread([one.ece for one in of if one.ece is not None]),
            *(_lost([one.perturbed[name] for one in of if name in one.perturbed]) for name in changes),
            str(len(of)),
            f"{mean(one.seconds for one in of):.0f} s",
        ]
        for way, of in by_way.items()
        if of
    ]
    return table(
        [corpus.title, "accuracy", "macro-F1", "ECE", *(f"macro-F1, {name}" for name in changes), "seeds", "learning"],
        rows,
    )


def _of(found: Mapping[Cell, Figures], corpus: Corpus, way: str) -> list[Figures]:
    return [figures for cell, figures in found.items() if cell.corpus == corpus.name and cell.way == way]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def _lost(of: Sequence[Perturbed]) -> str:
    return f"{100.0 * mean(one.after - one.before for one in of):+.1f}" if of else "-"


def _headline(found: Mapping[Cell, Figures], corpus: Corpus) -> dict[str, object]:
    """What a set came to: medians over seeds of the strongest method that learnt it, and the baseline's."""
    baseline = _of(found, corpus, "words")
    method = next((way for way in ("full", "heads") if _of(found, corpus, way)), None)
    answers = [corpus.label(row) for row in corpus.test] if corpus.task != "entities" else []
    told: dict[str, object] = {
        "published": corpus.published,
        "majority_accuracy": max(map(answers.count, set(answers))) / len(answers) if answers else None,
        "baseline_accuracy": median(one.accuracy for one in baseline) if baseline else None,
        "baseline_macro_f1": median(one.macro_f1 for one in baseline) if baseline else None,
        "method": method,
    }
    if method is None:
        return told
    of = _of(found, corpus, method)
    joined = _of(found, corpus, JOINED)
    return {
        **told,
        **_medians(of, corpus),
        "seeds": len(of),
        "joined": _medians(joined, corpus) if joined else None,
    }


def _medians(of: Sequence[Figures], corpus: Corpus) -> dict[str, float]:
    names = {"accuracy": "token_micro", "macro_f1": "token_macro"} if corpus.task == "entities" else {}
    told = {
        name: [value for one in of if (value := getattr(one, name)) is not None]
        for name in ("accuracy", "macro_f1", "entity_f1", "ece")
    }
    return {names.get(name, name): median(values) for name, values in told.items() if values}


def _figure(of: Sequence[Figures], *, entity: bool) -> str:
    """Medians over seeds, and of how many where there are several."""
    if not of:
        return "-"
    told = f"{median(one.accuracy for one in of):.3f} / {median(one.macro_f1 for one in of):.3f}"
    if entity:
        told = f"F1 {median(one.entity_f1 or 0.0 for one in of):.3f}; tokens {told}"
    return told + (f" ({len(of)} seeds)" if len(of) > 1 else "")


if __name__ == "__main__":
    main()
