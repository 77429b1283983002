"""How well entities are found: by seqeval over words, and word by word in a table of tags.

The words are those of the text alone, whatever a model's tokenizer makes of it and however early it cuts: so two models
are measured by the same words, and what lies beyond a cut counts as missed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from seqeval.metrics import classification_report as report_on_entities
from sklearn.metrics import classification_report as report_on_tags

from models.evaluation import ClassScore, class_score
from models.tagging import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.evaluation import Found

    Tags = list[str]

# Chinese characters stand each for itself; else letters and digits make a word, and each mark is one.
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+|[^\w\s]|_")


class EntityScore(Struct, frozen=True, kw_only=True):
    """Entities over words, right where class, first and last word all are (CoNLL-2003's measure, by seqeval)."""

    entities: int
    """Labelled ones."""
    precision: float
    recall: float
    f1: float
    """Over all entities alike (micro)."""
    classes: list[ClassScore]


class TokenTable(Struct, frozen=True, kw_only=True):
    """Tags word by word, those outside of entities among them, by scikit-learn."""

    tags: list[ClassScore]
    """Of each tag that the labels hold."""
    micro: ClassScore
    macro: ClassScore
    weighted: ClassScore


def word_tags(text: str, entities: Iterable[Found], words: re.Pattern[str] = _WORD) -> Tags:
    """BIO tags of a text's words; a word is an entity's where they overlap, and the earlier one's of two.

    Args:
        text: The text.
        entities: Its entities, which do not overlap.
        words: What a word is; as where a labelled set has its own tokens.
    """
    spans = sorted(entities, key=lambda entity: entity.start)
    tags = []
    place = 0
    opened = -1
    for match in words.finditer(text):
        while place < len(spans) and spans[place].end <= match.start():
            place += 1
        if place == len(spans) or spans[place].start >= match.end():
            tags.append(OUTSIDE)
            continue
        tags.append(f"{'I' if place == opened else 'B'}-{spans[place].type}")
        opened = place
    return tags


def entity_score(expected: Sequence[Tags], given: Sequence[Tags]) -> EntityScore:
    """Compare the entities that two sequences of BIO tags hold, text by text.

    Args:
        expected: Labelled tags of each text.
        given: The model's, as many for each text.
    """
    if all(tag == OUTSIDE for texts in (expected, given) for tags in texts for tag in tags):
        # seqeval would take the mean of nothing.
        return EntityScore(entities=0, precision=0.0, recall=0.0, f1=0.0, classes=[])
    report = report_on_entities(expected, given, output_dict=True, zero_division=0)
    averages = {"micro avg", "macro avg", "weighted avg"}
    whole = class_score("all", report["micro avg"])
    return EntityScore(
        entities=whole.support,
        precision=whole.precision,
        recall=whole.recall,
        f1=whole.f1,
        classes=[class_score(name, row) for name, row in report.items() if name not in averages],
    )


def token_table(expected: Sequence[Tags], given: Sequence[Tags]) -> TokenTable:
    """Compare two sequences of tags, word by word.

    Args:
        expected: Labelled tags of each text; one of them at least holds a word.
        given: The model's, as many for each text.
    """
    true = [tag for tags in expected for tag in tags]
    present = sorted(set(true))
    report = report_on_tags(
        true, [tag for tags in given for tag in tags], labels=present, output_dict=True, zero_division=0
    )
    # Where no tag is given that the labels lack, scikit-learn calls the micro average accuracy.
    micro = report.get("micro avg") or _accuracy_row(report)
    return TokenTable(
        tags=[class_score(tag, report[tag]) for tag in present],
        micro=class_score("micro", micro),
        macro=class_score("macro", report["macro avg"]),
        weighted=class_score("weighted", report["weighted avg"]),
    )


def _accuracy_row(report: dict[str, Any]) -> dict[str, float]:
    accuracy = report["accuracy"]
    support = report["macro avg"]["support"]
    return {"precision": accuracy, "recall": accuracy, "f1-score": accuracy, "support": support}
