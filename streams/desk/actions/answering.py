"""The customer-service team's actions: send or edit a draft, hand a conversation over, take it, hand it back."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

import msgspec
from msgspec import Meta

from streams.contract.labels import Label
from streams.contract.masking import mask
from streams.contract.replies import Reply, Turn
from streams.contract.topics import replies_topic, turns_topic
from streams.desk.actions.office import CONFLICT, ActionError, Asked, By, Key, found
from streams.desk.actions.standing import put_label, standing_label
from streams.desk.view.conversations import masked_text

if TYPE_CHECKING:
    from datetime import datetime

    from streams.desk.actions.office import Office
    from streams.desk.view.conversations import Conversation

_SOURCE = "desk"
_LABEL_TEXT_CHARS = 100_000
_QUESTION_CHARS = 400


class Answer(Asked, frozen=True, kw_only=True):
    """Answer a customer, with the draft as it is or with other words."""

    conversation: Key
    """Key of its document."""
    text: Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]
    reply: Key | None = None
    """Id of the draft that was looked at; None where there was none."""
    hand_back: bool = False
    """Tocsin may answer what the customer writes next; else who answers has the conversation in hand."""


class TakeOver(Asked, frozen=True, kw_only=True):
    """Answer a conversation oneself from now on."""

    conversation: Key


class HandOver(Asked, frozen=True, kw_only=True):
    """Give a conversation to a colleague or a team."""

    conversation: Key
    to: By


class HandBack(Asked, frozen=True, kw_only=True):
    """Let Tocsin answer a conversation again."""

    conversation: Key


class AnsweringActions:
    """Writes turns of conversations, and labels out of edited drafts.

    Args:
        office: What every action needs.
    """

    def __init__(self, office: Office) -> None:
        self._office = office

    def answer(self, asked: Answer) -> dict[str, Any]:
        """Send an answer; other words than the draft's become a label with a reply.

        It goes out as any reply that is to be sent: by whoever follows the topic of replies, such as the connector.

        Raises:
            ActionError: Somebody else has answered, or has the conversation in hand.
        """
        conversation = self._conversation(asked.conversation)
        reply = _looked_at(conversation, asked)
        text = asked.text.strip()
        message_id = reply.message_id if reply is not None else _last_asked(conversation)
        edited = reply is None or text != reply.text.strip()
        id_ = _answer_id(conversation.id, message_id, text)
        # The reply first: should the rest fail, the customer has the answer all the same.
        self._send(
            conversation, _as_sent(conversation, reply, id_, message_id, text, self._office.clock(), edited=edited)
        )
        self._say(conversation, "answered", asked.by, id=id_, message_id=message_id, text=text)
        if asked.hand_back:
            self._say(conversation, "handed_back", asked.by)
        return {"edited": edited, "label": edited and self._teach(conversation, reply, message_id, asked.by, text)}

    def take_over(self, asked: TakeOver) -> dict[str, Any]:
        """Tell that the asker answers from now on."""
        self._say(self._conversation(asked.conversation), "taken_over", asked.by)
        return {"taken_by": asked.by}

    def hand_over(self, asked: HandOver) -> dict[str, Any]:
        """Tell that somebody else answers from now on."""
        self._say(self._conversation(asked.conversation), "taken_over", asked.to)
        return {"taken_by": asked.to}

    def hand_back(self, asked: HandBack) -> dict[str, Any]:
        """Tell that Tocsin may answer again."""
        conversation = self._conversation(asked.conversation)
        if conversation.taken_by is None:
            raise ActionError("nobody has this conversation in hand", CONFLICT)
        self._say(conversation, "handed_back", asked.by)
        return {"taken_by": None}

    def _conversation(self, key: str) -> Conversation:
        return found(self._office.live.look(lambda view: view.conversations.conversation(key)), "the conversation")

    def _send(self, conversation: Conversation, reply: Reply) -> None:
        topic = replies_topic(self._office.settings.topics)
        self._office.writer.put(topic, conversation.id.encode("utf-8", "surrogatepass"), reply)

    def _say(
        self,
        conversation: Conversation,
        kind: Literal["answered", "taken_over", "handed_back"],
        by: str,
        **more: str,
    ) -> None:
        told: dict[str, Any] = {"id": uuid4().hex, "message_id": _last_asked(conversation), **more}
        turn = Turn(conversation=conversation.id, kind=kind, time=self._office.clock(), by=by, source=_SOURCE, **told)
        key = conversation.id.encode("utf-8", "surrogatepass")
        self._office.writer.put(turns_topic(self._office.settings.topics), key, turn)

    def _teach(self, conversation: Conversation, reply: Reply | None, message_id: str, by: str, text: str) -> bool:
        """Put a good answer where retraining finds it; whether there was a question to put it to."""
        asked = conversation.asked(message_id)
        question = masked_text(asked) if asked is not None else "" if reply is None else reply.question
        if not question or not message_id:
            return False
        # What is learnt is told to others: of this customer nothing may stand in it.
        reply_text = mask(text, handles=True) if asked is None else masked_text(asked, text)
        said: dict[str, Any] = {"time": self._office.clock(), "reply": reply_text}
        standing = standing_label(self._office, message_id, by)
        if standing is not None:
            put_label(self._office, msgspec.structs.replace(standing, **said))
            return True
        label = Label(
            message_id=message_id,
            labeller=by,
            text=question[:_LABEL_TEXT_CHARS],
            kind="customer",
            source="" if asked is None else asked.source,
            message_time=None if asked is None else asked.time,
            model=(reply.model or None) if reply is not None else None,
            **said,
        )
        put_label(self._office, label)
        return True


def _looked_at(conversation: Conversation, asked: Answer) -> Reply | None:
    """The draft that is answered."""
    taken_by = conversation.taken_by
    if taken_by is not None and taken_by != asked.by:
        raise ActionError(f"{taken_by} has this conversation in hand: take it over first", CONFLICT)
    reply = None if asked.reply is None else conversation.replies.get(asked.reply)
    waiting = conversation.waiting
    if taken_by is None and (waiting is None or reply is None or waiting.id != reply.id):
        raise ActionError("this draft is out of date: it was answered, or the customer wrote again", CONFLICT)
    return reply


def _as_sent(
    conversation: Conversation,
    draft: Reply | None,
    id_: str,
    message_id: str,
    text: str,
    now: datetime,
    *,
    edited: bool,
) -> Reply:
    asked = conversation.asked(message_id)
    question = draft.question if draft is not None else "" if asked is None else masked_text(asked)
    return Reply(
        id=id_,
        conversation=conversation.id,
        message_id=message_id,
        action="send",
        text=text,
        reason="answered",
        detail="A person wrote it at the desk." if edited else "A person approved it at the desk.",
        confidence=1.0,
        evidence=[] if draft is None or edited else draft.evidence,
        time=now,
        question=question[:_QUESTION_CHARS],
        origin="none" if draft is None or edited else draft.origin,
        model="" if draft is None else draft.model,
        generator="" if draft is None or edited else draft.generator,
    )


def _last_asked(conversation: Conversation) -> str:
    asked = (turn.message_id for turn in reversed(conversation.turns) if turn.kind == "asked")
    replied = (reply.message_id for reply in reversed(conversation.replies.values()))
    return next(asked, None) or next(replied, "")


def _answer_id(conversation: str, message_id: str, text: str) -> str:
    """Equal where the same answer to the same message is told twice, as by an impatient click."""
    told = f"{conversation}\0{message_id}\0{text}"
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
