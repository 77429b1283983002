"""The customer-service team's actions: send or edit a draft, hand a conversation over, take it, hand it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

import msgspec
from msgspec import Meta

from streams.contract.labels import Label
from streams.contract.masking import mask
from streams.contract.replies import Reply, Turn
from streams.contract.topics import replies_topic, turns_topic
from streams.desk.actions.answered import answered, held_by_another, last_asked
from streams.desk.actions.office import CONFLICT, ActionError, Asked, By, Key, found
from streams.desk.actions.standing import put_label, standing_label
from streams.desk.view.conversations import masked_text

if TYPE_CHECKING:
    from streams.desk.actions.answered import Given
    from streams.desk.actions.office import Office
    from streams.desk.view.conversations import Conversation

_SOURCE: Given = "desk"
_LABEL_TEXT_CHARS = 100_000


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
        told = answered(conversation, reply, text, by=asked.by, given=_SOURCE, now=self._office.clock())
        for topic, record in ((replies_topic, told.reply), (turns_topic, told.turn)):
            self._put(topic(self._office.settings.topics), conversation, record)
        if asked.hand_back:
            self._say(conversation, "handed_back", asked.by)
        label = told.is_edited and self._teach(conversation, reply, told.reply.message_id, asked.by, text)
        return {"edited": told.is_edited, "label": label}

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

    def _say(self, conversation: Conversation, kind: Literal["taken_over", "handed_back"], by: str) -> None:
        turn = Turn(
            id=uuid4().hex,
            conversation=conversation.id,
            kind=kind,
            time=self._office.clock(),
            message_id=last_asked(conversation),
            source=_SOURCE,
            by=by,
        )
        self._put(turns_topic(self._office.settings.topics), conversation, turn)

    def _put(self, topic: str, conversation: Conversation, record: Reply | Turn) -> None:
        self._office.writer.put(topic, conversation.id.encode("utf-8", "surrogatepass"), record)

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
    problem = held_by_another(conversation, asked.by)
    if problem is not None:
        raise ActionError(problem, CONFLICT)
    reply = None if asked.reply is None else conversation.replies.get(asked.reply)
    waiting = conversation.waiting
    if conversation.taken_by is None and (waiting is None or reply is None or waiting.id != reply.id):
        raise ActionError("this draft is out of date: it was answered, or the customer wrote again", CONFLICT)
    return reply
