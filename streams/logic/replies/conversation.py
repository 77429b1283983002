"""One conversation as far as answering needs it: the last turns, who answers, what was asked before. Bounded."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from streams.contract.ids import text_fingerprint
from streams.contract.masking import mask
from streams.contract.replies import TurnKind

if TYPE_CHECKING:
    from datetime import datetime

    from streams.contract.replies import Reply, Turn

_T = TypeVar("_T")

FORM = 1
"""Version of the form of the state; a state of another one is not read."""

_LONGEST_TEXT = 400
# Turns and replies of which the ids alone are kept, so that a repeat long after is told too.
_IDS_KEPT = 64
_OWN_KEPT = 16
# Two questions are one where so many of their words are common to both (Jaccard); fewer, where the intent is the same.
_SAME = 0.7
_SAME_WITH_INTENT = 0.4
_SECONDS_PER_HOUR = 3600.0
_WORD = re.compile(r"[^\W_]{2,}|[^\W\d_]")


class StateError(ValueError):
    """A conversation's state cannot be read."""


class Heard(msgspec.Struct, array_like=True, frozen=True):
    """A turn that is remembered."""

    id: str
    kind: TurnKind
    time: float
    """Seconds since the epoch."""
    text: str
    """Without personal data, shortened."""
    intent: str | None


class _Kept(msgspec.Struct, array_like=True):
    turns: list[Heard]
    ids: list[str]
    answered: list[str]
    own: list[tuple[str, float]]
    person: tuple[float, bool]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Kept)


class Conversation:
    """What was said in one conversation. Not for several threads at once.

    Args:
        keep: Turns that are remembered (``replies.keep_turns``).
    """

    def __init__(self, keep: int = 6) -> None:
        self._keep = keep
        self._kept = _Kept(turns=[], ids=[], answered=[], own=[], person=(0.0, False))

    def hear(self, turn: Turn) -> bool:
        """Take in a turn, of whichever time: turns may come late.

        Returns:
            Whether it is new; a turn that is told twice counts once.
        """
        if turn.id in self._kept.ids:
            return False
        _append(self._kept.ids, turn.id, _IDS_KEPT)
        time = turn.time.timestamp()
        if turn.kind in ("taken_over", "answered", "handed_back") and time >= self._kept.person[0]:
            # A person who writes has taken over, whether it was said or not.
            self._kept.person = (time, turn.kind != "handed_back")
        intent = turn.prediction.intent if turn.prediction is not None else None
        turns = self._kept.turns
        turns.append(Heard(turn.id, turn.kind, time, mask(turn.text, handles=True)[:_LONGEST_TEXT], intent))
        turns.sort(key=lambda heard: heard.time)
        del turns[: -self._keep]
        return True

    def answered(self, reply: Reply) -> bool:
        """Take in what was replied.

        Returns:
            Whether it is new.
        """
        if self.has_answered(reply.id):
            return False
        _append(self._kept.answered, reply.id, _IDS_KEPT)
        if reply.action == "send":
            _append(self._kept.own, (text_fingerprint(reply.text), reply.time.timestamp()), _OWN_KEPT)
        return True

    def has_answered(self, reply_id: str) -> bool:
        """Whether this reply was made before."""
        return reply_id in self._kept.answered

    @property
    def taken_over(self) -> bool:
        """Whether a person answers; Tocsin is silent then."""
        return self._kept.person[1]

    @property
    def turns(self) -> tuple[Heard, ...]:
        """What is remembered, in order of time."""
        return tuple(self._kept.turns)

    def repeats(self, turn: Turn) -> int:
        """How often the customer asked the same before this turn, among what is remembered.

        Two questions are the same where most of their words are, or many and the intent.
        """
        intent = turn.prediction.intent if turn.prediction is not None else None
        words, time = _words(mask(turn.text, handles=True)[:_LONGEST_TEXT]), turn.time.timestamp()
        return sum(
            heard.kind == "asked"
            and heard.id != turn.id
            and heard.time <= time
            and _likeness(words, _words(heard.text))
            >= (_SAME_WITH_INTENT if intent is not None and intent == heard.intent else _SAME)
            for heard in self._kept.turns
        )

    def is_own(self, text: str) -> bool:
        """Whether a text is a reply that was sent here: somebody's machine sends it back."""
        return any(print_ == text_fingerprint(text) for print_, _ in self._kept.own)

    def sent_since(self, moment: datetime) -> int:
        """How many replies were sent here from a moment on."""
        return sum(time >= moment.timestamp() for _, time in self._kept.own)

    @property
    def last(self) -> float:
        """Time of the latest turn in seconds since the epoch, minus infinity before the first.

        No datetime: the last moment of the year 9999, with which some say "never", is rounded to one beyond it.
        """
        return self._kept.turns[-1].time if self._kept.turns else -math.inf

    def is_forgotten(self, now: datetime, hours: float) -> bool:
        """Whether nothing was said for so long (``replies.forget_hours``)."""
        return now.timestamp() - self.last > hours * _SECONDS_PER_HOUR

    def dump(self) -> bytes:
        """Its state as MessagePack, of the form ``FORM``."""
        return _encoder.encode(self._kept)

    @classmethod
    def load(cls, state: bytes, form: int, keep: int = 6) -> Conversation:
        """What ``dump`` gave.

        Args:
            state: The bytes.
            form: Form that they were written in.
            keep: Turns that are remembered from now on.

        Raises:
            StateError: It is of another form, or no such state.
        """
        if form != FORM:
            raise StateError(f"the state of a conversation has form {form}; this Tocsin reads {FORM}")
        try:
            kept = _decoder.decode(state)
        except msgspec.DecodeError as error:
            raise StateError(f"this is no state of a conversation: {error}") from error
        conversation = cls(keep)
        del kept.turns[:-keep]
        conversation._kept = kept
        return conversation


def _append(kept: list[_T], item: _T, most: int) -> None:
    kept.append(item)
    del kept[:-most]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _likeness(ours: frozenset[str], theirs: frozenset[str]) -> float:
    return len(ours & theirs) / len(ours | theirs) if ours and theirs else float(ours == theirs)
