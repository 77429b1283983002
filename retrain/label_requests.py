"""What the stream asks to be labelled, in the order and the form in which people are asked."""

from __future__ import annotations

from itertools import chain, zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from retrain.formats.writing import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.contract.labels import LabelRequest

_ASKED = ("message_id", "kind", "source", "message_time", "reason", "model", "text")
_TO_FILL_IN = ("topics", "sentiment", "intent")
_SUGGESTED = ("suggested_topics", "suggested_sentiment", "suggested_intent")


def in_turn(requests: Iterable[LabelRequest], labelled: Iterable[str]) -> list[LabelRequest]:
    """Requests that nobody has answered, one of each reason in turn, and of each reason the strongest first.

    Args:
        requests: As they are on the topic.
        labelled: Ids of messages that have labels.
    """
    answered = set(labelled)
    waiting = {request.message_id: request for request in requests if request.message_id not in answered}
    by_reason: dict[str, list[LabelRequest]] = {}
    for request in sorted(waiting.values(), key=attrgetter("score", "time"), reverse=True):
        by_reason.setdefault(request.reason, []).append(request)
    turns = chain.from_iterable(zip_longest(*(by_reason[reason] for reason in sorted(by_reason))))
    return [request for request in turns if request is not None]


def as_table(requests: Iterable[LabelRequest]) -> Iterator[str]:
    """A CSV table to be filled in: the columns of a label are empty, and what the model read stands beside them."""
    return table((*_ASKED, *_TO_FILL_IN, *_SUGGESTED), (_row(request) for request in requests))


def as_label_studio(requests: Iterable[LabelRequest]) -> list[dict[str, Any]]:
    """Tasks for Label Studio, with what the model read as a prediction to correct.

    Controls are to be named ``topics``, ``sentiment``, ``intent``, ``entities`` and, per region, ``towards``, on a text
    named ``text``.
    """
    return [_task(request) for request in requests]


def is_suggested(request: LabelRequest) -> bool:
    """Whether the labeller is told what the model read: never for a control, whose answers must owe it nothing."""
    return request.reason != "random"


def _asked(request: LabelRequest) -> dict[str, Any]:
    fields = msgspec.to_builtins(request)
    return {name: fields[name] for name in _ASKED}


def _row(request: LabelRequest) -> dict[str, Any]:
    if not is_suggested(request):
        return _asked(request)
    suggested = (",".join(request.topics), request.sentiment, request.intent)
    return _asked(request) | dict(zip(_SUGGESTED, suggested, strict=True))


def _task(request: LabelRequest) -> dict[str, Any]:
    task: dict[str, Any] = {"data": _asked(request)}
    if is_suggested(request):
        task["predictions"] = [{"model_version": request.model, "result": list(_results(request))}]
    return task


def _results(request: LabelRequest) -> Iterator[dict[str, Any]]:
    def result(name: str, type_: str, **more: object) -> dict[str, Any]:
        return {"from_name": name, "to_name": "text", "type": type_, **more}

    if request.topics:
        yield result("topics", "choices", value={"choices": request.topics})
    if request.sentiment is not None:
        yield result("sentiment", "choices", value={"choices": [request.sentiment]})
    if request.intent is not None:
        yield result("intent", "choices", value={"choices": [request.intent]})
    for number, entity in enumerate(request.entities):
        place = {"start": entity.start, "end": entity.end, "text": request.text[entity.start : entity.end]}
        yield result("entities", "labels", id=f"e{number}", value={**place, "labels": [entity.type]})
        yield result("towards", "choices", id=f"e{number}", value={**place, "choices": [entity.sentiment]})
