"""``tocsin replies take-over``, ``hand-back`` and ``answer``: a person's word in a conversation."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

import msgspec
import typer

from streams.brokers.reading import read_key
from streams.brokers.writing import NotWrittenError, Writer
from streams.cli import common, desk
from streams.cli.reach import require_topics
from streams.contract.decoding import JsonDecoder
from streams.contract.labels import Label, label_key
from streams.contract.replies import Reply, Turn
from streams.contract.settings import Settings
from streams.contract.topics import kept_in_place, labels_topic, replies_topic, turns_topic
from streams.desk.actions.answered import Given, answered, held_by_another, last_asked
from streams.desk.actions.standing import latest_label
from streams.desk.view.conversations import Conversation as Known
from streams.desk.view.conversations import masked_text

Conversation = Annotated[str, typer.Argument(help="Its name, as `tocsin replies list` shows it.", show_default=False)]

_SOURCE: Given = "cli"

_turn = JsonDecoder(Turn)
_reply = JsonDecoder(Reply)


def take_over(conversation: Conversation, by: desk.By = None, *, as_json: desk.AsJson = False) -> None:
    """Answer a conversation yourself from now on: Tocsin is silent in it, a draft in hand included.

    Example: `tocsin replies take-over talk-4711 --by ann`
    """
    turn = _say(common.settings(), conversation, "taken_over", desk.speaker(by))
    _tell(turn, f"{turn.by} answers {conversation}: Tocsin is silent in it", as_json=as_json)


def hand_back(conversation: Conversation, by: desk.By = None, *, as_json: desk.AsJson = False) -> None:
    """Let Tocsin answer a conversation again.

    Example: `tocsin replies hand-back talk-4711`
    """
    turn = _say(common.settings(), conversation, "handed_back", desk.speaker(by))
    _tell(turn, f"Tocsin may answer {conversation} again", as_json=as_json)


def answer(
    conversation: Conversation,
    text: Annotated[str, typer.Argument(help="What is answered.", show_default=False)],
    by: desk.By = None,
    *,
    label: Annotated[
        bool, typer.Option("--label", help="Keep it as a label with a reply, for training and for the index.")
    ] = False,
    back: Annotated[bool, typer.Option("--hand-back", help="Let Tocsin answer what comes next.")] = False,
    as_json: desk.AsJson = False,
) -> None:
    """Answer the last message of a conversation: the answer goes out, as if it were given at the desk.

    It is sent by whoever follows the topic of replies, such as `tocsin replies connector`. Tocsin is silent in the
    conversation until it is handed back. Where a colleague has it in hand, take it over first.

    Example: `tocsin replies answer talk-4711 "Your card is on its way." --label --hand-back`
    """
    if not text.strip():
        raise common.CommandError("the answer is empty", 2)
    settings, speaker = common.settings(), desk.speaker(by)
    known = _known(settings, conversation)
    problem = held_by_another(known, speaker)
    if problem is not None:
        raise common.CommandError(problem)
    draft = known.waiting
    if draft is not None and draft.message_id != last_asked(known):  # the customer has written again since
        draft = None
    given = answered(known, draft, text, by=speaker, given=_SOURCE, now=datetime.now(UTC))
    replies = replies_topic(settings.topics)
    _put(settings, replies, _key(conversation), given.reply)
    _put(settings, turns_topic(settings.topics), _key(conversation), given.turn)
    asked = known.asked(given.turn.message_id)
    told = f"{speaker} has answered {conversation}: the reply is on {replies}, to be sent"
    if label and asked is not None:
        _keep(settings, asked, speaker, text.strip())
        told += ", and it is a label"
    elif label:
        common.say("no label: the conversation has no message of a customer", common.err)
    if back:
        _say(settings, conversation, "handed_back", speaker, asked=asked)
        told += "; Tocsin may answer again"
    _tell(given.turn, told, as_json=as_json)


def _say(
    settings: Settings,
    conversation: str,
    kind: Literal["taken_over", "handed_back"],
    by: str,
    *,
    asked: Turn | None = None,
) -> Turn:
    asked = asked or _asked(_turns(settings, conversation))
    turn = Turn(
        id=uuid4().hex,
        conversation=conversation,
        kind=kind,
        time=datetime.now(UTC),
        message_id=asked.message_id if asked is not None else "",
        source=_SOURCE,
        by=by,
    )
    _put(settings, turns_topic(settings.topics), _key(conversation), turn)
    return turn


def _keep(settings: Settings, asked: Turn, by: str, text: str) -> None:
    """Put a good answer where training finds it: of this customer nothing may stand in it."""
    said: dict[str, Any] = {"time": datetime.now(UTC), "reply": masked_text(asked, text)}
    standing = latest_label(settings, asked.message_id, by)
    if standing is not None:
        label = msgspec.structs.replace(standing, **said)
    else:
        label = Label(
            message_id=asked.message_id,
            labeller=by,
            text=masked_text(asked),
            kind="customer",
            source=masked_text(asked, asked.source),
            message_time=asked.time,
            **said,
        )
    _put(settings, labels_topic(settings.topics), label_key(label.message_id, by), label)


def _turns(settings: Settings, conversation: str) -> list[Turn]:
    """What was said in a conversation.

    Raises:
        CommandError: Nothing.
    """
    topic = turns_topic(settings.topics)
    require_topics(settings.kafka, [topic])
    turns = []
    for record in read_key(settings, topic, _key(conversation)):
        try:
            turns.append(_turn.decode(record.value or b""))
        except msgspec.DecodeError:
            continue
    if not turns:
        raise common.CommandError(
            f"no conversation {conversation!r}: `tocsin replies list --all` shows them", common.NOT_FOUND
        )
    return turns


def _known(settings: Settings, conversation: str) -> Known:
    """The conversation as the desk has it, with what waits in it.

    Raises:
        CommandError: Nothing was said.
    """
    known = Known(conversation, turns=deque())  # all: the desk has room for the latest alone
    for turn in _turns(settings, conversation):
        known.say(turn)
    topic = replies_topic(settings.topics)
    require_topics(settings.kafka, [topic])
    for record in read_key(settings, topic, _key(conversation)):
        try:
            known.draft(_reply.decode(record.value or b""))
        except msgspec.DecodeError:
            continue
    return known


def _asked(turns: list[Turn]) -> Turn | None:
    """The customer's last message."""
    return next((turn for turn in reversed(turns) if turn.kind == "asked"), None)


def _put(settings: Settings, topic: str, key: bytes, record: msgspec.Struct) -> None:
    require_topics(settings.kafka, [topic])
    try:
        with Writer(settings.kafka, kept_in_place(settings)) as writer:
            writer.put(topic, key, record)
    except NotWrittenError as error:
        raise common.CommandError(str(error)) from error


def _key(conversation: str) -> bytes:
    return conversation.encode("utf-8", "surrogatepass")


def _tell(turn: Turn, told: str, *, as_json: bool) -> None:
    if as_json:
        common.print_json(turn)
    else:
        common.say(told)
