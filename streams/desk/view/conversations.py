"""Conversations with customers: what was said, what is drafted, and who has it in hand."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from streams.contract.masking import mask, mask_message, mask_source
from streams.contract.records import Message
from streams.contract.replies import Document, Reply, Turn
from streams.desk.view.shown import Heard, Kept, Place, keyed, places

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from msgspec import Struct

    from streams.desk.view.shown import Doc

_SECTION = "conversations"
_TURNS, _REPLIES = 12, 6
_EXCERPT_CHARS = 900
_DOCUMENTS_A_CONVERSATION = 8
# Passages of one document are told apart behind it.
_PASSAGE_MARK = "#"


@dataclass(slots=True)
class Conversation:
    """What is known of one conversation."""

    id: str
    turns: deque[Turn] = field(default_factory=lambda: deque(maxlen=_TURNS))
    replies: OrderedDict[str, Reply] = field(default_factory=OrderedDict)
    taken_by: str | None = None
    """Who answers in Tocsin's place."""
    _person_since: datetime | None = None

    def say(self, turn: Turn) -> None:
        """Take in a turn; one that is told again changes nothing."""
        if any(known.id == turn.id for known in self.turns):
            return
        self.turns.append(turn)
        if turn.kind == "asked" or (self._person_since is not None and turn.time < self._person_since):
            return
        # A person who writes has taken over, whether it was said or not: so the worker has it too.
        self._person_since = turn.time
        self.taken_by = None if turn.kind == "handed_back" else turn.by or "a person"

    def draft(self, reply: Reply) -> None:
        """Take in what is to be done about a message."""
        self.replies[reply.id] = reply
        while len(self.replies) > _REPLIES:
            self.replies.popitem(last=False)

    @property
    def waiting(self) -> Reply | None:
        """The latest reply, where a person is to look at it and nobody has answered since."""
        latest = max(self.replies.values(), key=lambda reply: reply.time, default=None)
        if latest is None or latest.action == "send":
            return None
        return None if self.has_answered(latest) else latest

    def has_answered(self, reply: Reply) -> bool:
        """Whether a person has answered the message of a reply, or anything since."""
        return any(
            turn.kind == "answered" and (turn.message_id == reply.message_id or turn.time >= reply.time)
            for turn in self.turns
        )

    @property
    def went_out(self) -> set[str]:
        """Ids of what was written to the customer, by a person or by Tocsin, as far as it is known here."""
        by_people = {turn.id for turn in self.turns if turn.kind == "answered"}
        # An answer has one id on both topics, and is known by whichever of the two is heard first.
        return by_people | {reply.id for reply in self.replies.values() if reply.action == "send"}

    @property
    def is_unanswered(self) -> bool:
        """Whether the customer has the last word."""
        said = [turn for turn in self.turns if turn.kind in ("asked", "answered")]
        return bool(said) and max(said, key=lambda turn: turn.time).kind == "asked"

    def asked(self, message_id: str) -> Turn | None:
        """The customer's turn with this message."""
        found = (turn for turn in reversed(self.turns) if turn.kind == "asked" and turn.message_id == message_id)
        return next(found, None)


class ConversationsView:
    """The conversations in which something happened last.

    Args:
        keep: Most of them.
    """

    kinds: tuple[type[Struct], ...] = (Turn, Reply, Document)

    def __init__(self, keep: int) -> None:
        self._conversations: Kept[Conversation] = Kept(keep)
        self._documents: Kept[Doc] = Kept(_DOCUMENTS_A_CONVERSATION * keep)

    def hear(self, heard: Heard) -> set[Place]:
        """Take in a turn, a reply, or a document that replies may be drawn from."""
        match heard.record:
            case Turn() as turn:
                return self._changed(turn.conversation, lambda known: known.say(turn))
            case Reply() as reply:
                return self._changed(reply.conversation, lambda known: known.draft(reply))
            case Document() as document:
                self._documents.put(document.id, _excerpt(document))
            case None if heard.kind is Document:
                self._documents.pop(keyed(heard), None)
        return set()

    def docs(self) -> Mapping[str, Mapping[str, Doc]]:
        """All conversations."""
        return {_SECTION: {key: self._document(key, known) for key, known in self._conversations.items()}}

    def doc(self, place: Place) -> Doc | None:
        """One conversation."""
        known = self._conversations.get(place.key)
        return None if known is None else self._document(place.key, known)

    def conversation(self, key: str) -> Conversation | None:
        """A conversation by the key of its document, as it stands now: what is told later changes nothing in it."""
        known = self._conversations.get(key)
        return None if known is None else replace(known, turns=known.turns.copy(), replies=known.replies.copy())

    def _changed(self, conversation: str, change: Any) -> set[Place]:  # noqa: ANN401  what changes it
        key = handle(conversation)
        known = self._conversations.get(key) or Conversation(conversation)
        change(known)
        return places(_SECTION, key, *self._conversations.put(key, known))

    def _document(self, key: str, known: Conversation) -> Doc:
        waiting = known.waiting
        latest = max(known.replies.values(), key=lambda reply: reply.time, default=None)
        times = [turn.time for turn in known.turns] + [reply.time for reply in known.replies.values()]
        return {
            "key": key,
            "state": _state(known, latest, waiting),
            "taken_by": known.taken_by,
            "is_unanswered": known.is_unanswered,
            "went_out": sorted(known.went_out),
            "time": max(times),
            "turns": [_turn(turn) for turn in sorted(known.turns, key=lambda turn: turn.time)],
            "reply": None if latest is None else self._reply(latest),
        }

    def _reply(self, reply: Reply) -> Doc:
        return {
            "id": reply.id,
            "message_id": reply.message_id,
            "action": reply.action,
            # As it would go out: it is for that customer alone, and the team sends it.
            "text": reply.text,
            "reason": reply.reason,
            "detail": mask(reply.detail),
            "confidence": reply.confidence,
            "question": mask(reply.question, handles=True),
            "origin": reply.origin,
            "unsupported": [mask(claim) for claim in reply.unsupported],
            "time": reply.time,
            "model": reply.model,
            "generator": reply.generator,
            "evidence": [{"id": id_} | self._evidence(id_) for id_ in reply.evidence],
        }

    def _evidence(self, id_: str) -> Doc:
        return self._documents.get(id_) or self._documents.get(id_.rpartition(_PASSAGE_MARK)[0]) or {}


def handle(conversation: str) -> str:
    """A name for a conversation that tells nothing: its own may be a customer's."""
    return blake2b(conversation.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def masked_text(turn: Turn, text: str | None = None) -> str:
    """What was said, or what was said about it, without personal data of whoever said it.

    Args:
        turn: The customer's.
        text: Something else in which they may be named, such as an answer to them.
    """
    text = turn.text if text is None else text
    return mask_message(_as_message(turn, text)).text if text else ""


def masked_source(turn: Turn) -> str:
    """Where it was said, without personal data of whoever said it."""
    return mask_source(_as_message(turn, turn.text), "customer")


def _as_message(turn: Turn, text: str) -> Message:
    return Message(id=turn.id, text=text, source=turn.source, time=turn.time, author=turn.author, user=turn.user)


def _state(known: Conversation, latest: Reply | None, waiting: Reply | None) -> str:
    if known.taken_by is not None:
        return "taken"
    if waiting is not None:
        return waiting.action
    if latest is None:
        return "asked"
    return "answered" if known.has_answered(latest) else "sent"


def _turn(turn: Turn) -> Doc:
    shown: Doc = {"kind": turn.kind, "time": turn.time, "by": turn.by}
    shown["source"] = masked_source(turn)
    # What the team wrote is the team's to read.
    shown["text"] = turn.text if turn.kind == "answered" else masked_text(turn)
    read = turn.prediction
    if read is not None:
        shown["read"] = {
            "topics": read.topics,
            "sentiment": read.sentiment,
            "sentiment_score": read.sentiment_scores.get(read.sentiment),
            "intent": read.intent,
            "intent_score": (read.intent_scores or {}).get(read.intent or ""),
        }
    return shown


def _excerpt(document: Document) -> Doc:
    text = document.text
    return {
        "title": document.title,
        "asks": document.question,
        "text": text if len(text) <= _EXCERPT_CHARS else f"{text[:_EXCERPT_CHARS]}\u2026",
        "url": document.url,
    }
