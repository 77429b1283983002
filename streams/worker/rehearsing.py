"""A rehearsal: what would be done about customers' messages, with no broker and no worker.

It goes the way of ``answering``, but for the generator: without one the best approved answer is sent or offered as it
stands, and the same rules decide.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from models.answers.index import AnswerIndex
from streams.contract.records import Prediction
from streams.contract.replies import Turn
from streams.logic.replies.conversation import Conversation
from streams.logic.replies.deciding import decide, with_gaps
from streams.logic.replies.language import primary
from streams.logic.replies.policy import before, retrieved
from streams.logic.replies.restoring import unveil, veil
from streams.logic.replies.verdicts import Decision, Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.answers.index import Found
    from models.readings import Reading
    from models.runtime import Encoder
    from streams.contract.domain import Domain
    from streams.contract.records import Message
    from streams.contract.replies import Document
    from streams.contract.settings import Settings


class Rehearsed(NamedTuple):
    """What would be done about one message."""

    asked: str
    """Without personal data."""
    decision: Decision
    found: tuple[Found, ...]
    """Best first; looked for even where nothing would be, so that it tells what an answer would score."""
    reading: Reading


class Rehearsal:
    """A desk that has all documents, and no past.

    Args:
        encoder: Reads and embeds, as the worker's.
        documents: What may be drawn from.
        domain: Its rules for replies.
        settings: Scores, as a worker has them.
    """

    def __init__(self, encoder: Encoder, documents: Sequence[Document], domain: Domain, settings: Settings) -> None:
        self._encoder = encoder
        self._settings = settings.replies
        self._rules = Rules.of(domain, settings.replies)
        self._index = AnswerIndex(encoder.embed, encoder.embedder_sha256)
        self._index.put(documents)

    def rehearse(self, messages: Sequence[Message], now: datetime | None = None) -> list[Rehearsed]:
        """What would be done, each message as the first of a conversation of its own.

        Args:
            messages: Of customers.
            now: With a time zone; business hours are asked. This moment if not given.
        """
        now = now or datetime.now(UTC)
        veiled = [veil(message.text, author=message.author, user=message.user) for message in messages]
        readings = self._encoder.read([message.text for message in messages])
        # As a worker searches: each language by itself.
        found: dict[int, list[Found]] = {}
        for language in dict.fromkeys(primary(message.language) for message in messages):
            places = [place for place, message in enumerate(messages) if primary(message.language) == language]
            texts = [veiled[place].text for place in places]
            searched = self._index.search(texts, self._settings.evidence, language=language)
            found |= dict(zip(places, searched, strict=True))
        rehearsed = []
        for place, (message, hidden, reading) in enumerate(zip(messages, veiled, readings, strict=True)):
            turn = _turn(message, reading, self._encoder.model)
            decision = self._decide(turn, found[place], now)
            _, invented = unveil(decision.text, hidden.pieces)
            rehearsed.append(Rehearsed(hidden.text, with_gaps(decision, invented), tuple(found[place]), reading))
        return rehearsed

    def _decide(self, turn: Turn, found: Sequence[Found], now: datetime) -> Decision:
        conversation = Conversation()
        conversation.hear(turn)
        plan = before(turn, conversation, self._rules, now) or retrieved(found, turn, self._rules, self._settings, now)
        return plan if isinstance(plan, Decision) else decide(plan, None)


def _turn(message: Message, reading: Reading, model: str) -> Turn:
    prediction = Prediction(
        id=message.id,
        message_id=message.id,
        source=message.source,
        kind="customer",
        time=message.time,
        topics=reading.topics,
        topic_scores=reading.topic_scores,
        sentiment=reading.sentiment,
        sentiment_scores=reading.sentiment_scores,
        entities=reading.entities,
        model=model,
        intent=reading.intent,
        intent_scores=reading.intent_scores,
    )
    return Turn(
        id=message.id,
        conversation=message.id,
        kind="asked",
        time=message.time,
        message_id=message.id,
        text=message.text,
        author=message.author,
        user=message.user,
        language=message.language,
        prediction=prediction,
    )
