"""What is told of models: who wants a new one, which one serves, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

ModelEventKind = Literal[
    "retrain_started",
    "retrain_failed",
    "registered",
    "challenged",
    "rejected",
    "promoted",
    "rolled_back",
    "pinned",
    "unpinned",
    "swapped",
    "swap_failed",
    "drift",
]
PointedAlias = Literal["champion", "challenger"]


class RetrainRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody wants a training run now."""

    id: Annotated[str, Meta(description="Of this request; the run's events carry it.")]
    model: Annotated[str, Meta(description="Name of the model.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was asked.")]
    by: Annotated[str, Meta(description="Who asks: a person, cron, labels or drift.")]
    reason: Annotated[str, Meta(description="Why, in words.")] = ""


class ModelPointer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which version an alias of a model means from now on.

    The epoch is the number of the registry's own state of aliases, so that it only ever rises: of two pointers, the one
    with the higher epoch holds, in whichever order they arrive.
    """

    model: Annotated[str, Meta(description="Name of the model.")]
    alias: Annotated[PointedAlias, Meta(description="champion serves; challenger is tried in its shadow.")]
    version: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Version in the registry; None where the alias is unset.")
    ]
    epoch: Annotated[int, Meta(ge=0, description="Rises with each change.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was changed.")]
    by: Annotated[str, Meta(description="Who changed it: a person, the gate, or a worker that rolled back.")]
    reason: Annotated[str, Meta(description="Why, in words.")] = ""


class ModelEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened to a model; the topic is its history."""

    id: Annotated[str, Meta(description="Of this event; equal where it is told twice.")]
    model: Annotated[str, Meta(description="Name of the model.")]
    kind: Annotated[ModelEventKind, Meta(description="What happened.")]
    time: Annotated[datetime, Meta(tz=True, description="When.")]
    by: Annotated[str, Meta(description="Who tells: a retraining run, a person, or a worker.")]
    version: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Version that it is about.")] = None
    previous: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Version that served before.")] = None
    epoch: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="Of the pointer, where one moved.")] = None
    request: Annotated[str | None, Meta(description="Id of the request for the run.")] = None
    reasons: Annotated[list[str], Meta(description="Why, in sentences.")] = field(default_factory=list)
    metrics: Annotated[dict[str, Any], Meta(description="Figures of the version or of the decision.")] = field(
        default_factory=dict
    )
    lineage: Annotated[dict[str, Any], Meta(description="Label offsets, data hash, code, parent, settings.")] = field(
        default_factory=dict
    )


def pointer_key(model: str, alias: PointedAlias) -> bytes:
    """Key of a pointer's record."""
    return f"{model}/{alias}".encode()
