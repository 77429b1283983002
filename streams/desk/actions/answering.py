"""The customer-service team's actions: send or edit a draft, hand a conversation over, take it, hand it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from uuid import uuid4

import msgspec
import structlog
from msgspec import Meta

from streams.brokers.errors import BrokerError
from streams.contract.labels import Label
from streams.contract.masking import mask
from streams.contract.replies import Reply, Turn
from streams.contract.topics import replies_topic, turns_topic
from streams.desk.actions.answered import answered, held_by_another, last_asked
from streams.desk.actions.office import CONFLICT, ActionError, Asked, By, Key, found
from streams.desk.actions.standing import put_label, standing_label
from streams.desk.view.conversations import masked_source, masked_text

if TYPE_CHECKING:
    from datetime import datetime

    from streams.desk.actions.answered import Given
    from streams.desk.actions.office import Office
    from streams.desk.view.conversations import Conversation

_SOURCE: Given = "desk"
_LABEL_TEXT_CHARS = 100_000
_MOST_SEEN = 64
_ANSWERED = "this customer was answered since: look at the answer, and send yours again if it is still to go out"
# The view hears of an answer within a second. Should it never, as where a broker lost it, people may answer again.
_UNHEARD = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class Answer(Asked, frozen=True, kw_only=True):
    """Answer a customer, with the draft as it is or with other words."""

    conversation: Key
    """Key of its document."""
    text: Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]
    reply: Key | None = None
    """Id of the draft that was looked at; None where there was none."""
    seen: Annotated[list[Key], Meta(max_length=_MOST_SEEN)] | None = None
    """What had gone out to the customer when the answer was begun, as ``went_out`` of its document says it; None where
    that is not told, which is enough only for a draft that still waits."""
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


class _Given(NamedTuple):
    """An answer that was given here, and that the view may not have heard of yet."""

    id: str
    time: datetime


class AnsweringActions:
    """Writes turns of conversations, and labels out of edited drafts.

    Args:
        office: What every action needs.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._unheard: dict[str, _Given] = {}
        """The latest answer by conversation."""

    def answer(self, asked: Answer) -> dict[str, Any]:
        """Send an answer; other words than the draft's become a label with a reply.

        It goes out as any reply that is to be sent: by whoever follows the topic of replies, such as the connector.

        Raises:
            ActionError: Somebody else has answered, or has the conversation in hand.
            StaleViewError: Whether somebody has is not known, since the topics are being read again.
        """
        with self._office.alone:
            conversation = self._conversation(asked.conversation)
            reply = _looked_at(conversation, asked)
            text, now = asked.text.strip(), self._office.clock()
            told = answered(conversation, reply, text, by=asked.by, given=_SOURCE, now=now)
            self._refuse_another(conversation, told.reply.id, now)
            topics = self._office.settings.topics
            self._put(replies_topic(topics), conversation, told.reply)
            self._unheard[conversation.id] = _Given(told.reply.id, now)
            self._put(turns_topic(topics), conversation, told.turn)
            if asked.hand_back:
                self._say(conversation, "handed_back", asked.by)
            try:
                label = told.is_edited and self._teach(conversation, reply, told.reply.message_id, asked.by, text)
            except BrokerError as error:
                # The answer is out: to tell of a failure would have it given once more.
                log.warning("the answer did not become a label", error=str(error))
                label = False
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
        return found(self._office.live.look_now(lambda view: view.conversations.conversation(key)), "the conversation")

    def _refuse_another(self, conversation: Conversation, id_: str, now: datetime) -> None:
        """Refuse an answer where another one was given here that the view has not heard of."""
        self._unheard = {key: given for key, given in self._unheard.items() if now - given.time < _UNHEARD}
        given = self._unheard.get(conversation.id)
        if given is not None and given.id not in {id_, *conversation.went_out}:
            raise ActionError(_ANSWERED, CONFLICT)

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
            source="" if asked is None else masked_source(asked),
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
    draft = conversation.waiting
    reply = draft if draft is not None and draft.id == asked.reply else None
    # Without a draft nobody answers but who has the conversation in hand.
    if reply is None and (asked.reply is not None or conversation.taken_by is None):
        raise ActionError("this draft is out of date: it was answered, or the customer wrote again", CONFLICT)
    # Whoever has it in hand: of several people at several browsers, all may go by one name.
    unseen = conversation.went_out.difference(asked.seen or ())
    if unseen and (asked.seen is not None or reply is None):
        raise ActionError(_ANSWERED, CONFLICT)
    return reply
