"""Answering customers: what may be drawn from, what was said, and what is replied; and alerts' briefs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from streams.contract.records import Prediction, Probability

ReplyAction = Literal["send", "review", "handoff"]
"""send: it may go out as it is. review: a draft for a person. handoff: a person answers, without a draft."""

ReplyOrigin = Literal["generated", "retrieved", "none"]
BriefOrigin = Literal["generated", "template"]
TurnKind = Literal["asked", "answered", "taken_over", "handed_back"]
"""asked: the customer wrote. answered: a person wrote to the customer. taken_over: a person answers from now on.
handed_back: Tocsin may answer again."""

ReplyReason = Literal[
    "answered",
    "no_evidence",
    "weak_evidence",
    "unsure_intent",
    "unsupported",
    "topic_not_allowed",
    "angry",
    "legal",
    "safety",
    "asks_for_person",
    "repeated",
    "language",
    "out_of_hours",
    "taken_over",
    "overload",
    "generator_failed",
    "not_a_question",
    "praise",
    "complaint",
    "loop",
]
"""Why the action is what it is; ``answered`` is the only reason to send. docs/replies.md tells each in words."""


class Document(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that replies may be drawn from: a question with its approved answer, or a page.

    With a ``question`` the text is its whole answer; without one it is a page, which is cut into passages when it is
    read.
    """

    id: Annotated[str, Meta(min_length=1, max_length=512, description="Its id; a newer record replaces an older.")]
    text: Annotated[str, Meta(min_length=1, max_length=200_000, description="The answer, or the page; plain text.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was approved.")]
    question: Annotated[str | None, Meta(description="What a customer asks; absent for a page.")] = None
    intent: Annotated[str | None, Meta(description="Intent that it answers.")] = None
    topics: Annotated[list[str], Meta(description="Topics that it belongs to.")] = field(default_factory=list)
    title: Annotated[str | None, Meta(description="Its heading, for people.")] = None
    url: Annotated[str | None, Meta(description="Where it can be read.")] = None
    language: Annotated[str, Meta(description="BCP 47 language tag.")] = "en"
    source: Annotated[str, Meta(description="Where it came from: a file, a label.")] = ""
    approved: Annotated[
        bool, Meta(description="Whether it may go out by itself; what a person wrote to one customer may not.")
    ] = True


class Turn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One turn of a conversation, repartitioned by conversation. Internal.

    It holds the customer's own words, since a reply to the same person may give them back; whoever shows it to anybody
    else masks it.
    """

    id: Annotated[str, Meta(description="Equal if the same turn is told twice.")]
    conversation: Annotated[str, Meta(min_length=1, description="The message's, else its user, else its own id.")]
    kind: TurnKind
    time: Annotated[datetime, Meta(tz=True, description="When it was said.")]
    message_id: Annotated[str, Meta(description="Id of the message; empty where there is none.")] = ""
    text: Annotated[str, Meta(description="What was said; may be empty.")] = ""
    author: Annotated[str | None, Meta(description="Who said it; personal data.")] = None
    user: Annotated[str | None, Meta(description="The customer's id; personal data.")] = None
    language: Annotated[str | None, Meta(description="BCP 47 language tag.")] = None
    source: Annotated[str, Meta(description="Where it was said.")] = ""
    by: Annotated[str, Meta(description="The person of the team who acted; empty for a customer's turn.")] = ""
    prediction: Annotated[Prediction | None, Meta(description="What the model read in a customer's turn.")] = None


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be done about a customer's message."""

    id: Annotated[str, Meta(description="Hash of the turn; equal if it is answered twice, and an idempotency key.")]
    conversation: Annotated[str, Meta(description="Which conversation.")]
    message_id: Annotated[str, Meta(description="Id of the message that is replied to.")]
    action: Annotated[ReplyAction, Meta(description="What is to be done.")]
    text: Annotated[str, Meta(description="The reply or draft, for that customer alone; empty for a handoff.")]
    reason: Annotated[ReplyReason, Meta(description="Why this action.")]
    detail: Annotated[str, Meta(description="The reason in a sentence, for people; holds no personal data.")]
    confidence: Annotated[Probability, Meta(description="How sure it is that the text answers the question.")]
    evidence: Annotated[list[str], Meta(description="Ids of the documents that it was drawn from, best first.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was decided.")]
    question: Annotated[str, Meta(description="The message without personal data, shortened.")] = ""
    origin: Annotated[ReplyOrigin, Meta(description="Who wrote the text.")] = "none"
    unsupported: Annotated[
        list[str], Meta(description="What a generated text claimed without evidence; why it was not taken.")
    ] = field(default_factory=list)
    model: Annotated[str, Meta(description="Name and version of the encoder.")] = ""
    generator: Annotated[str, Meta(description="Name and version of the generator; empty where none wrote.")] = ""


class ConversationState(Struct, frozen=True, kw_only=True):
    """What is known of one conversation as of its latest turn. Internal."""

    conversation: str
    form: Annotated[int, Meta(ge=1, description="Version of the form of state.")]
    state: Annotated[bytes, Meta(description="MessagePack, in base64; only Tocsin reads it.")]


class Brief(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alert's story, in the style of a news agency."""

    id: Annotated[str, Meta(description="Hash of the alert's change; equal if it is told twice.")]
    fingerprint: Annotated[str, Meta(description="The alert's.")]
    alert_id: Annotated[str, Meta(description="The change of the alert that it tells of.")]
    subject: Annotated[str, Meta(description="Key of the subject.")]
    status: Annotated[Literal["firing", "resolved"], Meta(description="The alert's.")]
    text: Annotated[str, Meta(description="Two or three sentences.")]
    origin: Annotated[BriefOrigin, Meta(description="A template where evidence is thin or the check failed.")]
    evidence: Annotated[list[str], Meta(description="Ids of the messages that it was drawn from.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was written.")]
    generator: Annotated[str, Meta(description="Name and version; empty for a template.")] = ""
