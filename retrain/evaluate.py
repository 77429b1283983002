"""How well a model reads the parts of a data set that it was not trained on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from sklearn.metrics import classification_report, f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from models.evaluation import ClassScore, SpanScore, class_score, score_spans
from retrain.calibration import Calibration, calibration
from retrain.entity_scores import EntityScore, TokenTable, entity_score, token_table, word_tags
from retrain.outcomes import LABEL_HEADS, LabelHead, Outcomes, SpanOutcomes, collect, collect_spans
from retrain.slices import MIN_SLICE, slices_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.manifest import Labels
    from retrain.answers import RowAnswer
    from retrain.rows import Row

    _Indicators = NDArray[np.int64]

_Sets = list[tuple[str, ...]]

# A single column would be taken for a yes or no, whatever it is the column of.
_NO_LABEL = ""


class Confusion(Struct, frozen=True):
    """What was answered in the place of what."""

    labels: list[str]
    counts: list[list[int]]
    """[labelled][given], in the order of the labels."""


class HeadReport(Struct, frozen=True, kw_only=True):
    """A head that chooses labels, where somebody labelled it."""

    answers: int
    accuracy: float
    """Of a head of several labels: share of the rows of which every label is right and none is missing."""
    macro_f1: float
    """Over the labels that the rows hold."""
    weighted_f1: float
    majority_accuracy: float
    """What always answering the training part's commonest label would get."""
    majority_macro_f1: float
    classes: list[ClassScore]
    calibration: Calibration
    confusion: Confusion | None
    """None where a row may have several labels."""


class EntityReport(Struct, frozen=True, kw_only=True):
    """The entity head, where somebody labelled all entities."""

    rows: int
    words: EntityScore
    exact: SpanScore
    """Right where class and place are, by the character: what is compared from version to version."""
    tokens: TokenTable
    calibration: Calibration
    """Of the found entities' scores."""


class SliceReport(Struct, frozen=True, kw_only=True):
    """A head on rows of one kind, source or topic."""

    slice: str
    head: str
    answers: int
    accuracy: float
    macro_f1: float


class PartReport(Struct, frozen=True, kw_only=True):
    """Every head on one part."""

    rows: int
    heads: dict[str, HeadReport]
    """Those that somebody labelled."""
    entities: EntityReport | None
    """None where nobody labelled entities."""
    slices: list[SliceReport]


def headline(rows: Sequence[Row], answers: Sequence[RowAnswer], labels: Labels) -> dict[str, float]:
    """The one figure of each labelled head by which graphs are compared: macro-F1, of entities F1 by character.

    Args:
        rows: Rows of the data set.
        answers: To them, in their order.
        labels: Names of the model's outputs.
    """
    figures: dict[str, float] = {}
    for head in LABEL_HEADS:
        outcomes = collect(head, rows, answers, labels)
        if any(outcomes.expected):
            figures[head] = _macro_f1(outcomes.expected, outcomes.given)
    spans = collect_spans(rows, answers)
    if spans.texts:
        figures["entities"] = score_spans(spans.given, spans.expected).f1
    return figures


def evaluate(rows: Sequence[Row], answers: Sequence[RowAnswer], training: Sequence[Row], labels: Labels) -> PartReport:
    """Compare answers with labels.

    Args:
        rows: A part of the data set.
        answers: To them, in their order.
        training: The training part, from which the majorities are taken.
        labels: Names of the model's outputs.
    """
    outcomes = {head: collect(head, rows, answers, labels) for head in LABEL_HEADS}
    judged = {head: one for head, one in outcomes.items() if any(one.expected)}
    return PartReport(
        rows=len(rows),
        heads={head: _head(one, _commonest(head, training)) for head, one in judged.items()},
        entities=_entities(collect_spans(rows, answers)),
        slices=_slices(rows, judged),
    )


def _head(outcomes: Outcomes, commonest: tuple[str, ...]) -> HeadReport:
    expected, given = outcomes.expected, outcomes.given
    majority = [commonest] * len(expected)
    true, said, present = _indicators(expected, given)
    report = classification_report(true, said, labels=list(range(len(present))), output_dict=True, zero_division=0)
    return HeadReport(
        answers=len(expected),
        accuracy=_accuracy(expected, given),
        macro_f1=float(report["macro avg"]["f1-score"]),
        weighted_f1=float(report["weighted avg"]["f1-score"]),
        majority_accuracy=_accuracy(expected, majority),
        majority_macro_f1=_macro_f1(expected, majority),
        classes=[class_score(name, report[str(number)]) for number, name in enumerate(present)],
        calibration=calibration(outcomes.confidences, outcomes.right),
        confusion=_confusion(expected, given) if outcomes.one_label else None,
    )


def _entities(spans: SpanOutcomes) -> EntityReport | None:
    expected = [word_tags(text, entities) for text, entities in zip(spans.texts, spans.expected, strict=True)]
    if not any(expected):
        return None
    given = [word_tags(text, entities) for text, entities in zip(spans.texts, spans.given, strict=True)]
    return EntityReport(
        rows=len(spans.texts),
        words=entity_score(expected, given),
        exact=score_spans(spans.given, spans.expected),
        tokens=token_table(expected, given),
        calibration=calibration(*spans.confidences()),
    )


def _slices(rows: Sequence[Row], judged: Mapping[LabelHead, Outcomes]) -> list[SliceReport]:
    """Slices in which enough rows are labelled for a head."""
    found = []
    for name, is_in in slices_of(rows).items():
        for head, outcomes in judged.items():
            places = np.flatnonzero(is_in[outcomes.places]).tolist()
            if len(places) < MIN_SLICE:
                continue
            expected = [outcomes.expected[place] for place in places]
            given = [outcomes.given[place] for place in places]
            found.append(
                SliceReport(
                    slice=name,
                    head=head,
                    answers=len(places),
                    accuracy=_accuracy(expected, given),
                    macro_f1=_macro_f1(expected, given),
                )
            )
    return found


def _commonest(head: LabelHead, training: Sequence[Row]) -> tuple[str, ...]:
    """The commonest answer of the training part; none where nobody labelled the head there."""
    if head == "topic":
        labelled = [tuple(sorted(row.topics)) for row in training if row.topics is not None]
    elif head == "towards":
        labelled = [(entity.sentiment,) for row in training for entity in row.entities or () if entity.sentiment]
    elif head == "sentiment":
        labelled = [(row.sentiment,) for row in training if row.sentiment is not None]
    else:
        labelled = [(row.intent,) for row in training if row.intent is not None]
    return Counter(labelled).most_common(1)[0][0] if labelled else ()


def _accuracy(expected: _Sets, given: _Sets) -> float:
    return sum(set(one) == set(other) for one, other in zip(expected, given, strict=True)) / len(expected)


def _macro_f1(expected: _Sets, given: _Sets) -> float:
    true, said, present = _indicators(expected, given)
    return float(f1_score(true, said, labels=list(range(len(present))), average="macro", zero_division=0))


def _present(expected: _Sets) -> list[str]:
    return sorted({label for labels in expected for label in labels})


def _indicators(expected: _Sets, given: _Sets) -> tuple[_Indicators, _Indicators, list[str]]:
    """Both as columns of yes and no, [answers, labels]; and the labels that are expected, whose columns come first."""
    present = _present(expected)
    others = sorted(set(_present(given)) - set(present))
    binarizer = MultiLabelBinarizer(classes=[*present, *others, _NO_LABEL])
    return binarizer.fit_transform(expected), binarizer.transform(given), present


def _confusion(expected: _Sets, given: _Sets) -> Confusion:
    true, said = ([labels[0] if labels else "(none)" for labels in side] for side in (expected, given))
    names = sorted({*true, *said})
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, ([names.index(one) for one in true], [names.index(one) for one in said]), 1)
    return Confusion(names, counts.tolist())
