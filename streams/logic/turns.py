"""From a customer's message and its reading to a turn of a conversation, which the replies agent answers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.contract.ids import derived_id, output_id
from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.replies import Turn
from streams.contract.topics import turns_topic

if TYPE_CHECKING:
    from streams.contract.incoming import Record
    from streams.contract.records import Message, Prediction
    from streams.contract.settings import TopicsSettings

# Nobody drafts an answer from more; and a turn is small whatever a customer sends, so that the brokers take it.
_LONGEST_TEXT = 8_000
_LONGEST_NAME = 512


class TurnMaker:
    """Makes the turns of customers' messages.

    Args:
        topics: Name of the topic of turns.
    """

    def __init__(self, topics: TopicsSettings) -> None:
        self._topic = turns_topic(topics)

    def turn(self, record: Record, message: Message, prediction: Prediction) -> Output:
        """The turn of one message, for the partition of its conversation.

        It bears the time at which the message was appended to its input: what has waited there has waited, and is not
        answered late as if it were new.

        Args:
            record: Where the message stands.
            message: As it was read.
            prediction: What the model read in it.
        """
        conversation = conversation_of(message)
        turn = Turn(
            id=output_id(record.topic, record.partition, record.offset, "turn"),
            conversation=conversation,
            kind="asked",
            time=message.time,
            message_id=message.id,
            text=message.text[:_LONGEST_TEXT],
            author=_cut(message.author),
            user=_cut(message.user),
            language=_cut(message.language),
            source=message.source[:_LONGEST_NAME],
            prediction=msgspec.structs.replace(
                prediction, source=prediction.source[:_LONGEST_NAME], embedding=None, fingerprint=None
            ),
        )
        key = conversation.encode("utf-8", "surrogatepass")
        return Output(self._topic, key, encode(turn), timestamp=record.timestamp)


def conversation_of(message: Message) -> str:
    """The conversation that a message belongs to: its own word for it, else its user, else the message alone.

    A word that is too long for a key stands as its hash, so that no two conversations are taken for one.
    """
    name = message.conversation or message.user or message.id
    return name if len(name) <= _LONGEST_NAME else derived_id(name, "conversation")


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:_LONGEST_NAME]
