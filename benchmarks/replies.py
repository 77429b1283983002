"""How good replies are: fine-tuned, out of the index alone, and by the base generator as it is.

    python -m benchmarks.replies

Bitext's test questions are asked of its training pairs. The generator is fine-tuned on those pairs alone; what it and
its rivals write is compared with the replies that were given, decided on as a worker would, and searched for facts
without evidence by a script that shares no code with the check. Prints a table, puts it into docs/replies-quality.md,
and writes ``benchmarks/results/replies.json``. Every text is kept in a local folder, to be read by a person.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.machine import describe_machine
from benchmarks.support.real_messages import RealDataError
from benchmarks.support.replies.bitext import test_part, training_part
from benchmarks.support.replies.desk import Desk
from benchmarks.support.replies.drafts import drafts, version_of
from benchmarks.support.replies.facts import count
from benchmarks.support.replies.measures import recall, similarity
from benchmarks.support.replies.tables import ACTIONS, tables
from benchmarks.support.replies.tuning import Study, tuned
from benchmarks.support.report import update_page
from benchmarks.support.results import RESULTS, ROOT, write_result
from benchmarks.support.served_version import served_version
from models.answers.index import AnswerIndex
from models.base_files import WeightsError
from models.generator.weights import find, load
from models.manifest import VersionError
from models.runtime import Encoder
from retrain.generator.options import TuningOptions
from streams.contract.replies import Document
from streams.contract.settings import Settings
from streams.logic.replies.check import check
from streams.logic.replies.deciding import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.support.replies.bitext import Asked
    from benchmarks.support.replies.desk import Case, Outcome
    from benchmarks.support.replies.tuning import Tuned

_PAGE = ROOT / "docs" / "replies-quality.md"
_QUICK = 4
# Bitext's replies are longer than the usual budget: 5% have more tokens than this.
_MAX_NEW_TOKENS = 256


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="A few questions, to see that it runs; writes nothing.")
    parser.add_argument("--registry", type=Path, default=ROOT / ".tocsin" / "registry", help="Of the model versions.")
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".tocsin" / "replies", help="Weights and texts are kept here."
    )
    parser.add_argument("--epochs", type=int, default=TuningOptions().epochs)
    parser.add_argument("--lessons", type=int, help="Only so many pairs are learnt; all where absent.")
    parser.add_argument("--in-fp32", type=int, default=80, help="Questions that are answered in fp32 too.")
    parser.add_argument("--threads", type=int, default=2, help="Of training.")
    given = parser.parse_args()
    machine = describe_machine()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            figures = _measure(given, Path(scratch))
    except (RealDataError, VersionError, WeightsError) as error:
        sys.exit(f"error: {error}")
    content = tables(figures)
    sys.stdout.write(content)
    if not given.quick:
        update_page(_PAGE, content, "replies")
        write_result("replies", figures, machine=machine)


def _measure(given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    settings = Settings()
    settings = settings.model_copy(
        update={"generator": settings.generator.model_copy(update={"max_new_tokens": _MAX_NEW_TOKENS})}
    )
    encoder = Encoder.load(served_version(given.registry.resolve()).folder, threads=1, sub_batch=16)
    held, asked = training_part(), test_part()
    desk = Desk(encoder, held, settings)
    cases = desk.cases(asked)
    work, most, epochs = given.work.resolve(), given.lessons, given.epochs
    if given.quick:
        cases, work, most, epochs = cases[:_QUICK], scratch, _QUICK, 1

    def tell(stage: str, done: int, total: int) -> None:
        sys.stderr.write(f"\r{stage}: {done} of {total}")

    base = load(find(settings.generator.base, settings.model.cache))
    options = TuningOptions(epochs=epochs, bf16=True)
    made = tuned(base, held, desk, encoder, Study(options, most, given.threads), work, tell)

    prompts = [desk.prompt(case) for case in cases]
    written: dict[str, list[Draft | None]] = {"retrieval": [None] * len(cases)}
    seconds: dict[str, float] = {}
    for name, weights, kept in (("tocsin", made.base, made.identity), ("untuned", base, "untuned")):
        version = version_of(weights, settings.generator.precision, scratch / name)
        done = drafts(version, prompts, settings.generator, work / f"{kept}.jsonl")
        written[name] = [Draft(one.text, finished=one.stopped == "end") for one in done.written]
        seconds[name] = done.seconds / len(cases)
    figures = _compared(desk, encoder, cases, written, work)
    few = cases[: given.in_fp32]
    return {
        "model": encoder.model,
        "base": base.files.name,
        "precision": settings.generator.precision,
        "max_new_tokens": _MAX_NEW_TOKENS,
        "asked": len(cases),
        "held": len(held),
        "training": made.story,
        **_recall(encoder, desk, asked),
        **figures,
        "seconds_per_reply": seconds,
        "precision_cost": _precision_cost(desk, encoder, few, made, written["tocsin"], scratch, work),
    }


def _compared(
    desk: Desk, encoder: Encoder, cases: Sequence[Case], written: dict[str, list[Draft | None]], work: Path
) -> dict[str, Any]:
    """What each system's texts and decisions come to."""
    figures: dict[str, dict[str, Any]] = {}
    references = [case.asked.answer for case in cases]
    answered = [desk.is_answered(case) for case in cases]
    for name, of_system in written.items():
        texts = [
            draft.text if draft is not None else case.found[0].text
            for case, draft in zip(cases, of_system, strict=True)
        ]
        outcomes = [desk.decide(case, draft) for case, draft in zip(cases, of_system, strict=True)]
        sent = [
            (case, outcome) for case, outcome in zip(cases, outcomes, strict=True) if outcome.decision.action == "send"
        ]
        found = [count(outcome.decision.text, outcome.evidence, case.text) for case, outcome in sent]
        actions = Counter[str](outcome.decision.action for outcome in outcomes)
        # A worker writes nothing without evidence: what would be written then is no one's reply.
        with_evidence = [place for place, case in enumerate(cases) if case.evidence]
        system: dict[str, Any] = similarity(
            [texts[place] for place in with_evidence], [references[place] for place in with_evidence], encoder
        )
        system["actions"] = {action: actions[action] / len(cases) for action in ACTIONS}
        system["reasons"] = dict(Counter(outcome.decision.reason for outcome in outcomes))
        system["origins"] = dict(Counter(outcome.decision.origin for _, outcome in sent))
        system["sent_of_answered"] = sum(
            outcome.decision.action == "send"
            for outcome, is_answered in zip(outcomes, answered, strict=True)
            if is_answered
        ) / max(1, sum(answered))
        system["sent"] = len(sent)
        system["unsupported_facts_per_1000_sent"] = (
            1000 * sum(len(one.unsupported) for one in found) / max(1, len(sent))
        )
        system["unsupported_kinds"] = dict(Counter(kind for one in found for kind, _ in one.unsupported))
        system["facts_per_1000_sent"] = 1000 * sum(one.facts for one in found) / max(1, len(sent))
        system["drafts_refused"] = _refused(desk, cases, of_system)
        system["drafts_unfinished"] = sum(draft is not None and not draft.finished for draft in of_system) / len(cases)
        system["drafts_verbatim"] = sum(
            draft is not None and " ".join(draft.text.split()) in {" ".join(text.split()) for text in case.evidence}
            for case, draft in zip(cases, of_system, strict=True)
        ) / len(cases)
        drawn = [
            len(count(draft.text, case.evidence, case.text).unsupported)
            for case, draft in zip(cases, of_system, strict=True)
            if draft is not None and case.evidence
        ]
        system["unsupported_facts_per_1000_drafts"] = 1000 * sum(drawn) / len(drawn) if drawn else 0.0
        figures[name] = system
        _keep(sent, found, work / f"sent-{name}.jsonl")
    # By measure first, as the figures are asked for.
    shares = {
        "with_evidence": sum(bool(case.evidence) for case in cases),
        "answered_by_evidence": sum(answered),
    }
    return shares | {measure: {name: figures[name][measure] for name in figures} for measure in figures["retrieval"]}


def _refused(desk: Desk, cases: Sequence[Case], of_system: Sequence[Draft | None]) -> float:
    """Share of drafts with evidence that the check refuses."""
    refused = [
        bool(check(draft.text, evidence=case.evidence, message=case.text, names=desk.rules.names))
        for case, draft in zip(cases, of_system, strict=True)
        if draft is not None and case.evidence
    ]
    return sum(refused) / len(refused) if refused else 0.0


def _keep(sent: Sequence[tuple[Case, Outcome]], found: Sequence[Any], path: Path) -> None:
    """Keep what would be sent, with its evidence, for a person to judge."""
    lines = [
        {
            "question": case.text,
            "text": outcome.decision.text,
            "origin": outcome.decision.origin,
            "evidence": outcome.evidence,
            "unsupported": one.unsupported,
            "reference": case.asked.answer,
        }
        for (case, outcome), one in zip(sent, found, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _recall(encoder: Encoder, desk: Desk, asked: Sequence[Asked]) -> dict[str, Any]:
    """By intent among the training part's pairs; by pair among all answers, which are found by their text alone."""
    questions = [one.question for one in asked]
    answers = AnswerIndex(encoder.embed, encoder.embedder_sha256)
    held = desk.index.documents()
    answers.put(
        [
            *(Document(id=one.id, text=one.text, time=one.time) for one in held),
            *(Document(id=one.id, text=one.answer, time=held[0].time) for one in asked),
        ]
    )
    found: dict[str, dict[str, float]] = {}
    for at in (1, 5):
        found[f"recall_at_{at}"] = {
            "bitext_intent": recall(desk.index, questions, [one.intent for one in asked], by="intent", at=at),
            "bitext_pair": recall(answers, questions, [one.id for one in asked], by="document", at=at),
            **_banking(at),
        }
    return found


def _banking(at: int) -> dict[str, float]:
    """Banking77's, as ``benchmarks/retrieval.py`` measured it last."""
    path = RESULTS / "retrieval.json"
    if not path.is_file():
        return {}
    measured = json.loads(path.read_text(encoding="utf-8"))["figures"]["recall"]["banking77"]["both"]
    return {"banking77_intent": float(measured[f"recall_at_{at}"])}


def _precision_cost(
    desk: Desk,
    encoder: Encoder,
    cases: Sequence[Case],
    made: Tuned,
    served: Sequence[Draft | None],
    scratch: Path,
    work: Path,
) -> dict[str, float]:
    """ChrF of the fine-tuned weights as they are served and in fp32, on the same questions."""
    references = [case.asked.answer for case in cases]
    version = version_of(made.base, "fp32", scratch / "fp32")
    whole = drafts(
        version, [desk.prompt(case) for case in cases], desk.settings.generator, work / f"{made.identity}-fp32.jsonl"
    )
    texts = [draft.text for draft in served[: len(cases)] if draft is not None]
    in_fp32 = [one.text for one in whole.written]
    chrf = {
        "served": similarity(texts, references, encoder)["chrf"],
        "fp32": similarity(in_fp32, references, encoder)["chrf"],
    }
    same = sum(text == other for text, other in zip(texts, in_fp32, strict=True)) / len(cases)
    return {"questions": len(cases), **chrf, "lost": chrf["fp32"] - chrf["served"], "same_text": same}


if __name__ == "__main__":
    main()
