"""The figures of the replies benchmark as tables of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.support.report import table

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS = ("send", "review", "handoff")
_TITLES = {"tocsin": "Tocsin, fine-tuned", "retrieval": "(a) retrieval alone", "untuned": "(b) untuned generator"}


def tables(figures: Mapping[str, Any]) -> str:
    """Every table, and what was trained."""
    systems = list(_TITLES)

    def row(title: str, measure: str, form: str) -> list[str]:
        return [title, *(form.format(figures[measure][name]) for name in systems)]

    rows = [
        row("chrF", "chrf", "{:.1f}"),
        row("cosine of the vectors", "embedding_similarity", "{:.3f}"),
        row("ROUGE-L", "rouge_l", "{:.3f}"),
        *([f"action {action}", *(f"{figures['actions'][name][action]:.1%}" for name in systems)] for action in ACTIONS),
        row("sent, of what the evidence answers", "sent_of_answered", "{:.1%}"),
        row("sent", "sent", "{}"),
        row("facts without evidence in 1,000 sent", "unsupported_facts_per_1000_sent", "{:.0f}"),
        row("in 1,000 drafts, before the check", "unsupported_facts_per_1000_drafts", "{:.0f}"),
        row("drafts that the check refuses", "drafts_refused", "{:.1%}"),
        row("drafts that come to no end", "drafts_unfinished", "{:.1%}"),
        row("drafts that are an answer word for word", "drafts_verbatim", "{:.1%}"),
    ]
    found = [
        [title, *(f"{figures[f'recall_at_{at}'].get(key, float('nan')):.3f}" for at in (1, 5))]
        for title, key in (
            ("Bitext, the intent asked for", "bitext_intent"),
            ("Bitext, the very answer, among all 380 by their text", "bitext_pair"),
            ("Banking77, the intent asked for", "banking77_intent"),
        )
    ]
    cost = figures["precision_cost"]
    history = figures["training"]["history"]
    best = min(epoch["validation_loss"] for epoch in history)
    training = (
        f"Fine-tuned on {figures['training']['lessons']['train']} pairs, {len(history) - 1} passes: loss of a token of "
        f"unseen answers {history[0]['validation_loss']:.3f} before, {best:.3f} after."
    )
    precision = (
        f"Served in {figures['precision']} it has chrF {cost['served']:.1f}, in fp32 {cost['fp32']:.1f} "
        f"({cost['questions']} questions): {cost['lost']:+.1f} lost."
    )
    head = table(["", *_TITLES.values()], rows)
    return "\n".join([head, table(["found is", "first", "among five"], found), f"{training}\n", f"{precision}\n"])
