"""The labellers' actions: label, take back, ask for a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import msgspec
from msgspec import Meta

from streams.contract.labels import Label, LabelledEntity
from streams.contract.model_records import RetrainRequest
from streams.contract.records import Sentiment  # noqa: TC001  a struct's field, which msgspec reads
from streams.contract.topics import retrain_requests_topic
from streams.desk.actions.office import ActionError, Asked, Key, Words, found
from streams.desk.actions.standing import put_label, standing_label, take_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.desk.actions.office import Office

_MOST_TOPICS = 64
_MOST_ENTITIES = 200


class GiveLabel(Asked, frozen=True, kw_only=True):
    """Label a message that the stream asks about: any of topics, sentiment and intent."""

    message_id: Key
    topics: Annotated[list[Key], Meta(max_length=_MOST_TOPICS)] | None = None
    sentiment: Sentiment | None = None
    intent: Key | None = None
    entities: Annotated[list[LabelledEntity], Meta(max_length=_MOST_ENTITIES)] | None = None
    """All of them; an empty list says that there are none."""


class WithdrawLabel(Asked, frozen=True, kw_only=True):
    """Take back one's own label of a message."""

    message_id: Key
    entities: bool = False
    """Whether what was said of entities goes too: it may be from elsewhere."""


class AskForRun(Asked, frozen=True, kw_only=True):
    """Ask for a training run now."""

    reason: Words = ""


class LabellingActions:
    """Writes what labellers say.

    Args:
        office: What every action needs.
    """

    def __init__(self, office: Office) -> None:
        self._office = office

    def label(self, asked: GiveLabel) -> dict[str, Any]:
        """Label a message; what the same person said of it before and does not say now stands."""
        office = self._office
        self._check(asked)
        request = found(office.live.look(lambda view: view.labelling.request(asked.message_id)), "the request")
        if asked.intent is not None and request.kind != "customer":
            raise ActionError("only customers' messages have an intent")
        _check_entities(asked.entities or (), request.text)
        said: dict[str, Any] = {
            "time": office.clock(),
            "topics": asked.topics,
            "sentiment": asked.sentiment,
            "intent": asked.intent,
            "entities": asked.entities,
        }
        with office.alone:
            standing = standing_label(office, asked.message_id, asked.by)
            if standing is not None:
                # An empty list is said, too: that there is none.
                now = {name: value for name, value in said.items() if value is not None}
                if asked.entities is not None:
                    # They are places in the text that was shown: what was imported may be another version of it.
                    now["text"] = request.text
                # What was said unasked, as a reply is, is an answer to the request from now on.
                asked_for = {"reason": standing.reason or request.reason, "model": standing.model or request.model}
                label = msgspec.structs.replace(standing, **now, **asked_for)
            else:
                label = Label(
                    message_id=request.message_id,
                    labeller=asked.by,
                    text=request.text,
                    kind=request.kind,
                    source=request.source,
                    message_time=request.message_time,
                    reason=request.reason,
                    model=request.model,
                    **said,
                )
            put_label(office, label)
        return {"message_id": label.message_id}

    def withdraw(self, asked: WithdrawLabel) -> dict[str, Any]:
        """Take back what ``label`` said; what the same person said of a reply, or elsewhere of entities, stands."""
        office = self._office
        with office.alone:
            standing = found(standing_label(office, asked.message_id, asked.by), "your label of this message")
            entities = None if asked.entities else standing.entities
            if entities is None and standing.reply is None:
                take_back(office, standing)
            else:
                rest = {"topics": None, "sentiment": None, "intent": None, "entities": entities}
                put_label(office, msgspec.structs.replace(standing, time=office.clock(), **rest))
        return {"message_id": asked.message_id}

    def ask_for_run(self, asked: AskForRun) -> dict[str, Any]:
        """Ask for a training run, wherever the schedule is."""
        office = self._office
        request = RetrainRequest(
            id=uuid4().hex, model=office.settings.model.name, time=office.clock(), by=asked.by, reason=asked.reason
        )
        office.writer.put(retrain_requests_topic(office.settings.topics), request.model.encode(), request)
        return {"id": request.id}

    def _check(self, asked: GiveLabel) -> None:
        domain = self._office.domain
        if all(said is None for said in (asked.topics, asked.sentiment, asked.intent, asked.entities)):
            raise ActionError("nothing is labelled: choose a topic, a sentiment or an intent, or mark entities")
        if unknown := sorted(set(asked.topics or ()) - set(domain.topic_names)):
            raise ActionError(f"the domain {domain.name} has no topic {', '.join(unknown)}")
        if asked.topics is not None and domain.topic_mode == "single" and len(asked.topics) != 1:
            raise ActionError(f"a message of the domain {domain.name} has exactly one topic")
        if asked.intent is not None and asked.intent not in domain.intent_names:
            raise ActionError(f"the domain {domain.name} has no intent {asked.intent}")


def _check_entities(entities: Sequence[LabelledEntity], text: str) -> None:
    """Refuse what lies outside the text, or over another one: no tag can tell such apart."""
    end = 0
    for entity in sorted(entities, key=lambda each: each.start):
        if not entity.start < entity.end <= len(text):
            raise ActionError(f"an entity from {entity.start} to {entity.end} lies outside the message: load it again")
        if entity.start < end:
            raise ActionError(f"two entities lie over each other at {entity.start}: mark each word once")
        end = entity.end
