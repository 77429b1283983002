"""Fits the heads on the features of a frozen trunk, with scikit-learn; the same seed gives the same heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from models.features import entity_rows, sentence_row, towards_rows
from models.heads import Heads, Linear, Mlp
from models.scaling import Standardiser
from models.tagging import overlapping, tag_first_pieces
from models.tokens import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from models.features import TextFeatures
    from models.heads import Matrix, Plan, Pooled
    from models.manifest import Labels
    from models.tagging import Labelled

    Numbers = NDArray[np.int64]

# Inverse strengths of the L2 penalty, on standardised features, of which the best is chosen.
_STRENGTHS = (0.0003, 0.001, 0.003)
# A freer fit of the sentiment is better on texts by the same hands and worse on a stream: with 0.003, three sets of
# real messages lost up to one point.
_SENTIMENT_STRENGTHS = (0.0003, 0.001)
_FOLDS = 3
_HEADS = 5
_MAX_ITERATIONS = 1000
# The logit of a class that no example has: never chosen, and yet finite.
_NEVER = -30.0
# Shares of copies in lower and upper case, for the entity head: posts without capitals, headlines in nothing else.
_RECASED_EVERY = 5

USUAL_STRENGTH = 0.001
"""Where there is too little to choose by (one label of a multi-label domain, hardly an example of each class), or where
the heads are merely to begin from."""

ENTITY_EPOCHS = 10
TOWARDS_EPOCHS = 10


class _Choice(NamedTuple):
    """What a head that chooses one label learns from."""

    rows: Matrix
    numbers: Numbers
    classes: int
    strengths: tuple[float, ...] = _STRENGTHS


def choose_strengths(
    features: Sequence[TextFeatures], examples: Sequence[Labelled], labels: Labels, plan: Plan, *, seed: int
) -> dict[str, float]:
    """Choose by cross-validation how freely each head that chooses one label may fit, by the head's name.

    Args:
        features: Of the examples' texts, in their order.
        examples: The training part, or a part of it; what nobody said of a text teaches nothing.
        labels: Names of the heads' outputs.
        plan: Which layers each head reads.
        seed: Of the folds.
    """
    with _one_thread():
        return {name: _choose(choice, seed) for name, choice in _choices(features, examples, labels, plan).items()}


def fit_heads(
    features: Sequence[TextFeatures],
    examples: Sequence[Labelled],
    labels: Labels,
    plan: Plan,
    strengths: Mapping[str, float],
    *,
    seed: int,
    on_progress: Callable[[int, int], None],
) -> Heads:
    """Fit every head.

    Args:
        features: Of the examples' texts, in their order.
        examples: The training part, or a part of it; what nobody said of a text teaches nothing.
        labels: Names of the heads' outputs.
        plan: Which layers each head reads.
        strengths: From ``choose_strengths``.
        seed: Of initial weights and order.
        on_progress: Told how many heads are done, of how many.
    """
    rest = (features, examples, labels, plan)
    with _one_thread():
        on_progress(0, _HEADS)
        chosen = {name: _fit_choice(choice, strengths[name]) for name, choice in _choices(*rest).items()}
        topic = chosen.get("topic") or _fit_topic_by_topic(*rest)
        on_progress(3, _HEADS)
        entity = _fit_entities(*rest, seed)
        on_progress(4, _HEADS)
        towards = _fit_towards(*rest, seed)
        on_progress(_HEADS, _HEADS)
    return Heads(
        plan=plan,
        topic=topic,
        sentiment=chosen["sentiment"],
        intent=chosen.get("intent"),
        entity=entity,
        towards=towards,
    )


def _one_thread() -> AbstractContextManager[object]:
    """Sums are then always made in one order; and on a busy machine two threads only wait for each other."""
    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


def _choices(
    features: Sequence[TextFeatures], examples: Sequence[Labelled], labels: Labels, plan: Plan
) -> dict[str, _Choice]:
    """Each head that chooses one label."""
    choices = {}
    if labels.topic_mode == "single":
        topics = [example.topics[0] if example.topics else None for example in examples]
        choices["topic"] = _choice(features, topics, labels.topics, plan.topic)
    sentiments = [example.sentiment for example in examples]
    choices["sentiment"] = _choice(features, sentiments, labels.sentiments, plan.sentiment)._replace(
        strengths=_SENTIMENT_STRENGTHS
    )
    if labels.intents:
        # Customers alone have intents, so the head learns from them alone.
        choices["intent"] = _choice(features, [example.intent for example in examples], labels.intents, plan.intent)
    return choices


def _choice(
    features: Sequence[TextFeatures], answers: Sequence[str | None], names: Sequence[str], pooled: Pooled
) -> _Choice:
    """The texts of which the answer is known."""
    known = [(text, answer) for text, answer in zip(features, answers, strict=True) if answer is not None]
    rows = _sentences([text for text, _ in known], pooled) if known else _no_rows(features, pooled)
    return _Choice(rows, _numbers([answer for _, answer in known], names), len(names))


def _fit_topic_by_topic(
    features: Sequence[TextFeatures], examples: Sequence[Labelled], labels: Labels, plan: Plan
) -> Linear:
    """Where a message may have several topics, each is a question of its own."""
    known = [(text, example.topics) for text, example in zip(features, examples, strict=True)]
    answered = [(text, topics) for text, topics in known if topics is not None]
    rows = _sentences([text for text, _ in answered], plan.topic) if answered else _no_rows(features, plan.topic)
    columns = [
        _fit_yes_no(rows, np.array([topic in topics for _, topics in answered], np.int64)) for topic in labels.topics
    ]
    return Linear(
        np.concatenate([column.weight for column in columns], axis=1),
        np.concatenate([column.bias for column in columns]),
    )


def _fit_entities(
    features: Sequence[TextFeatures], examples: Sequence[Labelled], labels: Labels, plan: Plan, seed: int
) -> Mlp:
    """First pieces of words, since a word takes the tag of its first piece."""
    rows: list[Matrix] = [entity_rows(features[0], plan)[:0]]
    numbers: list[int] = []
    for place, (text, example) in enumerate(zip(features, examples, strict=True)):
        if example.entities is None:
            continue
        tags = tag_first_pieces(text.encoded, example.entities)
        pieces = list(tags)
        wanted = [labels.entity_tags.index(tag) for tag in tags.values()]
        rows.append(entity_rows(text, plan)[pieces])
        numbers += wanted
        recased = {0: Case.LOWER, 1: Case.UPPER}.get(place % _RECASED_EVERY)
        if recased is not None:
            # The trunk's vocabulary is lower-cased: its states are the same for the copy, only the cases differ.
            rows.append(entity_rows(text, plan, recase(text.encoded.case_ids, recased))[pieces])
            numbers += wanted
    return _fit_mlp(
        np.concatenate(rows),
        np.array(numbers, np.int64),
        len(labels.entity_tags),
        width=64,
        penalty=0.3,
        batch=256,
        epochs=ENTITY_EPOCHS,
        seed=seed,
    )


def _fit_towards(
    features: Sequence[TextFeatures], examples: Sequence[Labelled], labels: Labels, plan: Plan, seed: int
) -> Mlp:
    """All pieces of the entities, since the mean over them is what is served."""
    rows: list[Matrix] = [towards_rows(features[0], plan)[:0]]
    numbers: list[int] = []
    for text, example in zip(features, examples, strict=True):
        if not example.entities:
            continue
        of_text = towards_rows(text, plan)
        for span in example.entities:
            if span.sentiment is None:
                continue
            pieces = overlapping(text.encoded, span)
            rows.append(of_text[pieces])
            numbers += [labels.sentiments.index(span.sentiment)] * len(pieces)
    return _fit_mlp(
        np.concatenate(rows),
        np.array(numbers, np.int64),
        len(labels.sentiments),
        width=128,
        penalty=1.0,
        batch=64,
        epochs=TOWARDS_EPOCHS,
        seed=seed,
    )


def _choose(choice: _Choice, seed: int) -> float:
    """The strength of the best macro-F1 over the folds, or the usual one where there is too little to choose by."""
    present = np.unique(choice.numbers)
    if present.size < 2 or len(choice.numbers) < _FOLDS * present.size:  # noqa: PLR2004  nothing to tell apart
        return USUAL_STRENGTH
    search = GridSearchCV(
        make_pipeline(Standardiser(), _regression(USUAL_STRENGTH)),
        {"logisticregression__C": choice.strengths},
        scoring=make_scorer(f1_score, average="macro", zero_division=0),
        cv=KFold(_FOLDS, shuffle=True, random_state=seed),
        refit=False,
    )
    return float(search.fit(choice.rows, choice.numbers).best_params_["logisticregression__C"])


def _fit_choice(choice: _Choice, strength: float) -> Linear:
    """Multinomial logistic regression."""
    present = np.unique(choice.numbers)
    if present.size < 2:  # noqa: PLR2004  nothing to tell apart
        return _only(present, choice.rows.shape[1], choice.classes)
    scaler = Standardiser()
    regression = _regression(strength).fit(scaler.fit_transform(choice.rows), choice.numbers)
    return _expand(_linear(regression), present, choice.classes).after_scaling(scaler.mean_, scaler.scale_)


def _regression(strength: float) -> LogisticRegression:
    # All classes weigh alike. Left as they are, sentiment gains a point on finance tweets, of which two thirds are
    # neutral; but then a hundred new labels of one kind make a small domain's model answer little else.
    return LogisticRegression(C=strength, class_weight="balanced", max_iter=_MAX_ITERATIONS)


def _fit_yes_no(rows: Matrix, answers: Numbers) -> Linear:
    """Logistic regression of one label: the logit of yes."""
    if np.unique(answers).size == 1:
        return Linear(
            np.zeros((rows.shape[1], 1), np.float32), np.array([-_NEVER if answers[0] else _NEVER], np.float32)
        )
    scaler = Standardiser()
    regression = _regression(USUAL_STRENGTH).fit(scaler.fit_transform(rows), answers)
    return Linear(regression.coef_.T.astype(np.float32), regression.intercept_.astype(np.float32)).after_scaling(
        scaler.mean_, scaler.scale_
    )


def _fit_mlp(
    rows: Matrix, numbers: Numbers, classes: int, *, width: int, penalty: float, batch: int, epochs: int, seed: int
) -> Mlp:
    """A network with one hidden layer, trained by Adam for a set number of epochs.

    Epoch by epoch, since that way scikit-learn may be told of classes that the examples lack.
    """
    present = np.unique(numbers)
    if present.size < 2:  # noqa: PLR2004  nothing to tell apart
        silent = Linear(np.zeros((rows.shape[1], 1), np.float32), np.zeros(1, np.float32))
        return Mlp(silent, _only(present, 1, classes))
    scaler = Standardiser()
    scaled = scaler.fit_transform(rows)
    network = MLPClassifier((width,), alpha=penalty, batch_size=min(batch, len(rows)), random_state=seed)
    for _ in range(epochs):
        network.partial_fit(scaled, numbers, classes=np.arange(classes))
    hidden, output = (
        Linear(weight.astype(np.float32), bias.astype(np.float32))
        for weight, bias in zip(network.coefs_, network.intercepts_, strict=True)
    )
    return Mlp(hidden.after_scaling(scaler.mean_, scaler.scale_), output)


def _linear(regression: LogisticRegression) -> Linear:
    """Logits of all present classes; of two, scikit-learn keeps the second's alone."""
    weight, bias = regression.coef_.T.astype(np.float32), regression.intercept_.astype(np.float32)
    if bias.size == 1:
        half = np.float32(0.5)
        return Linear(np.concatenate([-weight, weight], axis=1) * half, np.concatenate([-bias, bias]) * half)
    return Linear(weight, bias)


def _expand(present_only: Linear, present: Numbers, classes: int) -> Linear:
    """Put the columns of present classes among those that no example has."""
    weight = np.zeros((present_only.weight.shape[0], classes), np.float32)
    bias = np.full(classes, _NEVER, np.float32)
    weight[:, present], bias[present] = present_only.weight, present_only.bias
    return Linear(weight, bias)


def _only(present: Numbers, inputs: int, classes: int) -> Linear:
    """A head that always answers the one class that there is, or the first where there is none."""
    bias = np.full(classes, _NEVER, np.float32)
    bias[present if present.size else 0] = 0.0
    return Linear(np.zeros((inputs, classes), np.float32), bias)


def _sentences(features: Sequence[TextFeatures], pooled: Pooled) -> Matrix:
    return np.stack([sentence_row(text, pooled) for text in features])


def _no_rows(features: Sequence[TextFeatures], pooled: Pooled) -> Matrix:
    return _sentences(features[:1], pooled)[:0]


def _numbers(names: Sequence[str], labels: Sequence[str]) -> Numbers:
    return np.array([labels.index(name) for name in names], np.int64)


def recase(case_ids: Sequence[int], case: Case) -> list[int]:
    """Cases of a text's tokens had all its words been written in one case; what has no letters stays."""
    return [case_id if case_id in {Case.SPECIAL, Case.NONE} else int(case) for case_id in case_ids]
