"""How well a graph reads labelled examples, measured on what the runtime would answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import Struct
from sklearn.metrics import accuracy_score, classification_report
from sklearn.preprocessing import MultiLabelBinarizer

from models.readings import Reader
from models.running import runs
from models.tagging import overlapping

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    from models.manifest import Labels
    from models.tokens import EncodedText, TextTokenizer
    from streams.contract.examples import Example

    _Labelled = Sequence[str | None] | NDArray[np.int64]

_BATCH = 16


class Found(NamedTuple):
    """An entity's class and place, in code points of the text."""

    type: str
    start: int
    end: int


class ClassScore(Struct, frozen=True, kw_only=True):
    """One class of a head."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


class HeadScore(Struct, frozen=True, kw_only=True):
    """One head that gives a label; the majority is what always answering the commonest training label would get."""

    examples: int
    accuracy: float
    macro_f1: float
    """Over the classes that the examples hold."""
    majority_accuracy: float
    majority_macro_f1: float
    classes: list[ClassScore]


class SpanScore(Struct, frozen=True, kw_only=True):
    """Entities, right where type, start and end all are (CoNLL-2003's measure)."""

    entities: int
    precision: float
    recall: float
    f1: float
    classes: list[ClassScore]


class Evaluation(Struct, frozen=True, kw_only=True):
    """Every head on the same examples."""

    topic: HeadScore
    sentiment: HeadScore
    intent: HeadScore | None
    entities: SpanScore
    towards: HeadScore
    """Sentiment towards the labelled entities, found by the model or not."""

    def headline(self) -> dict[str, float]:
        """The one figure of each head by which graphs are compared: F1 of entities, else macro-F1."""
        figures = {"topic": self.topic.macro_f1, "sentiment": self.sentiment.macro_f1}
        if self.intent is not None:
            figures["intent"] = self.intent.macro_f1
        return {**figures, "entities": self.entities.f1, "towards": self.towards.macro_f1}


class Answers(Struct):
    """What a graph answers for a list of examples, in their order."""

    topics: list[list[str]]
    sentiments: list[str]
    intents: list[str | None]
    entities: list[set[Found]]
    towards: list[list[str]]
    """Of each labelled entity."""


def answer(
    session: InferenceSession,
    tokenizer: TextTokenizer,
    labels: Labels,
    examples: Sequence[Example],
    on_progress: Callable[[int, int], None] | None = None,
) -> Answers:
    """Run examples through a graph as the runtime does: in runs of texts of about equal length."""
    reader = Reader(labels)
    names = [output.name for output in session.get_outputs()]
    texts = [example.text for example in examples]
    count = len(examples)
    answers = Answers([[]] * count, [""] * count, [None] * count, [set()] * count, [[]] * count)
    done = 0
    for run in runs(session, tokenizer, names, texts, _BATCH):
        readings = reader.read([texts[place] for place in run.places], run.encoded, run.tokens, run.outputs)
        for row, (place, reading) in enumerate(zip(run.places, readings, strict=True)):
            answers.topics[place] = reading.topics
            answers.sentiments[place] = reading.sentiment
            answers.intents[place] = reading.intent
            answers.entities[place] = {Found(entity.type, entity.start, entity.end) for entity in reading.entities}
            logits = run.outputs["entity_sentiment_logits"][row]
            answers.towards[place] = _towards(examples[place], run.encoded[row], logits, labels)
        done += len(run.places)
        if on_progress is not None:
            on_progress(done, count)
    return answers


def score(answers: Answers, examples: Sequence[Example], training: Sequence[Example], labels: Labels) -> Evaluation:
    """Compare answers with labels.

    Args:
        answers: Of the examples, in their order.
        examples: The held-out part; one of them at least.
        training: The part that the heads were fitted on, from which the majorities are taken.
        labels: Names of the graph's outputs.
    """
    customers = [place for place, example in enumerate(examples) if example.intent]
    intent = None
    if labels.intents and customers:
        intent = _score_head(
            [examples[place].intent for place in customers],
            [answers.intents[place] for place in customers],
            [example.intent for example in training if example.intent],
        )
    return Evaluation(
        topic=_score_topics(answers, examples, training, labels),
        sentiment=_score_head(
            [example.sentiment for example in examples],
            answers.sentiments,
            [example.sentiment for example in training],
        ),
        intent=intent,
        entities=score_spans(
            answers.entities,
            [{Found(span.type, span.start, span.end) for span in example.entities} for example in examples],
        ),
        towards=_score_head(
            [span.sentiment for example in examples for span in example.entities],
            [sentiment for sentiments in answers.towards for sentiment in sentiments],
            [span.sentiment for example in training for span in example.entities],
        ),
    )


def _towards(example: Example, encoded: EncodedText, logits: NDArray[np.float32], labels: Labels) -> list[str]:
    """The sentiment towards each labelled entity; the first label where the text was cut before it."""
    found = []
    for span in example.entities:
        pieces = overlapping(encoded, span)
        mean = logits[pieces].mean(axis=0) if pieces else np.zeros(len(labels.sentiments), np.float32)
        found.append(str(labels.sentiments[int(mean.argmax())]))
    return found


def _score_topics(
    answers: Answers, examples: Sequence[Example], training: Sequence[Example], labels: Labels
) -> HeadScore:
    if labels.topic_mode == "single":
        first = [topics[0] for topics in answers.topics]
        return _score_head([ex.topics[0] for ex in examples], first, [ex.topics[0] for ex in training])
    binarizer = MultiLabelBinarizer(classes=labels.topics)
    expected = binarizer.fit_transform([example.topics for example in examples])
    commonest = Counter(example.topics for example in training).most_common(1)[0][0]
    majority = binarizer.transform([commonest] * len(examples))
    # Every label is a class of its own; one that the examples lack is left out of the mean.
    present = np.flatnonzero(expected.any(axis=0))
    return _head_score(expected, binarizer.transform(answers.topics), majority, present.tolist(), labels.topics)


def _score_head(
    expected: Sequence[str | None], given: Sequence[str | None], training: Sequence[str | None]
) -> HeadScore:
    if not expected:
        return HeadScore(
            examples=0, accuracy=0.0, macro_f1=0.0, majority_accuracy=0.0, majority_macro_f1=0.0, classes=[]
        )
    present = sorted({label for label in expected if label})
    commonest = Counter(training).most_common(1)[0][0] if training else present[0]
    return _head_score(expected, given, [commonest] * len(expected), present, present)


def _head_score(
    expected: _Labelled, given: _Labelled, majority: _Labelled, present: Sequence[str | int], names: Sequence[str]
) -> HeadScore:
    if not present:  # Such as of examples that have no topic: there is no class of which a mean could be made.
        return HeadScore(
            examples=len(expected),
            accuracy=float(accuracy_score(expected, given)),
            macro_f1=0.0,
            majority_accuracy=float(accuracy_score(expected, majority)),
            majority_macro_f1=0.0,
            classes=[],
        )
    report = classification_report(expected, given, labels=present, output_dict=True, zero_division=0)
    of_majority = classification_report(expected, majority, labels=present, output_dict=True, zero_division=0)
    named = [names[label] if isinstance(label, int) else str(label) for label in present]
    return HeadScore(
        examples=len(expected),
        accuracy=float(accuracy_score(expected, given)),
        macro_f1=float(report["macro avg"]["f1-score"]),
        majority_accuracy=float(accuracy_score(expected, majority)),
        majority_macro_f1=float(of_majority["macro avg"]["f1-score"]),
        classes=[class_score(name, report[str(label)]) for name, label in zip(named, present, strict=True)],
    )


def class_score(name: str, row: Mapping[str, float]) -> ClassScore:
    """A row of a classification report, as scikit-learn and seqeval give it."""
    return ClassScore(
        name=name,
        precision=float(row["precision"]),
        recall=float(row["recall"]),
        f1=float(row["f1-score"]),
        support=int(row["support"]),
    )


def score_spans(given: Sequence[Collection[Found]], expected: Sequence[set[Found]]) -> SpanScore:
    """Compare found entities with the labelled ones, text by text."""
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    for of_model, of_labels in zip(given, expected, strict=True):
        right.update(type_ for type_, _, _ in of_labels.intersection(of_model))
        found.update(type_ for type_, _, _ in of_model)
        labelled.update(type_ for type_, _, _ in of_labels)
    classes = [
        _span_class(type_, right[type_], found[type_], labelled[type_]) for type_ in sorted(set(found) | set(labelled))
    ]
    whole = _span_class("all", right.total(), found.total(), labelled.total())
    return SpanScore(
        entities=whole.support, precision=whole.precision, recall=whole.recall, f1=whole.f1, classes=classes
    )


def _span_class(name: str, right: int, given: int, expected: int) -> ClassScore:
    return ClassScore(
        name=name,
        precision=right / given if given else 0.0,
        recall=right / expected if expected else 0.0,
        f1=2 * right / (given + expected) if given + expected else 0.0,
        support=expected,
    )
