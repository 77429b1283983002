"""The models that learn, by name: what calls for their runs, and how each run is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from models.items.ranker import NAME as RANKER
from retrain.learner import Learner, Tell, Trains
from streams.cli import common
from streams.contract.domain import load_domain
from streams.contract.settings import Settings
from streams.contract.topics import (
    documents_topic,
    item_vectors_topic,
    labels_topic,
    model_events_topic,
    model_pointers_topic,
    retrain_requests_topic,
)
from streams.logic.replies.check import check
from streams.logic.replies.verdicts import Rules

_TORCH = ("torch", "transformers")

EXTRA = (
    "`pip install 'tocsin[train]'` brings what training needs; `tocsin[retrain]`, which is small, is enough for "
    "retrain.method = heads and for the ranker"
)


@contextmanager
def train_extra() -> Iterator[None]:
    """Say what to install where a library of training is missing.

    Raises:
        CommandError: One is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise common.CommandError(f"{error.name} is not installed: {EXTRA}") from error


def learners(settings: Settings) -> dict[str, Learner]:
    """Every model that learns, by its name.

    Args:
        settings: The application's.
    """
    rules, recommend, topics = settings.retrain, settings.recommend, settings.topics
    found = [
        Learner(
            settings.model.name,
            settings,
            encoder_job,
            cron=rules.cron,
            topic=labels_topic(topics),
            enough=rules.min_new_labels,
            on_drift=rules.on_drift,
            needs=() if rules.method == "heads" else _TORCH,
        ),
        Learner(
            settings.generator.name,
            settings,
            generator_job,
            cron=settings.generator.learn_cron,
            cron_setting="generator.learn_cron",
            # Approved answers are what it learns from; a label that carries a reply is followed by no counter.
            topic=documents_topic(topics),
            enough=settings.generator.min_new_documents,
            what="documents",
            counted="offsets",
            idles=True,
            needs=_TORCH,
        ),
        Learner(
            RANKER,
            settings,
            ranker_job,
            # Where nobody recommends it learns only when it is asked to.
            cron=recommend.learn_cron if recommend.enabled else "",
            cron_setting="recommend.learn_cron",
            topic=recommend.behaviors_topic,
            enough=recommend.min_new_behaviors if recommend.enabled else 0,
            what="behaviors",
            counted="offsets",
            idles=True,
        ),
    ]
    return {learner.name: learner for learner in found}


def learner_of(settings: Settings, name: str | None) -> Learner:
    """The model of a name, the encoder's where there is none.

    Raises:
        CommandError: No such model learns.
    """
    known = learners(settings)
    found = known.get(settings.model.name if name is None else name)
    if found is None:
        raise common.CommandError(f"no model {name} is trained: one of {', '.join(known)}", 2)
    return found


def told(learner: Learner) -> list[str]:
    """Full names of the topics that a run of a model reads and writes."""
    topics = learner.settings.topics
    own = {
        learner.settings.generator.name: [labels_topic(topics), documents_topic(topics)],
        RANKER: [learner.settings.recommend.behaviors_topic, item_vectors_topic(topics)],
    }
    return [
        *own.get(learner.name, [labels_topic(topics)]),
        retrain_requests_topic(topics),
        model_pointers_topic(topics),
        model_events_topic(topics),
    ]


def encoder_job(settings: Settings, tell: Tell) -> Trains:
    """A run of the encoder."""
    with train_extra():
        from retrain.steps import job  # noqa: PLC0415  a worker's install lacks what it needs

        return job(settings, tell)


def generator_job(settings: Settings, tell: Tell) -> Trains:
    """A run of the generator."""
    with train_extra():
        from retrain.generator.steps import job  # noqa: PLC0415  likewise
    names = Rules.of(load_domain(settings.domain), settings.replies).names

    def refuses(text: str, *, evidence: Sequence[str], message: str) -> bool:
        return bool(check(text, evidence=evidence, message=message, names=names))

    return job(settings, tell, refuses)


def ranker_job(settings: Settings, tell: Tell) -> Trains:
    """A run of the ranker."""
    with train_extra():
        from streams.cli.ranker_steps import job  # noqa: PLC0415  likewise

        return job(settings, tell)
