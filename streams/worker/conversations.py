"""The conversations of the partitions that this worker has: restored before the first turn, dropped when given up.

Runs in the thread that answers. It knows no Kafka: state comes through a function that is given, and what is to be
published is handed back (docs/adr/0005).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

import structlog

from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.replies import ConversationState
from streams.contract.topics import conversations_topic, turns_topic
from streams.logic.replies.conversation import FORM, Conversation, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from streams.contract.settings import Settings
    from streams.logic.stall import Place

_SECONDS_PER_HOUR = 3600.0
# Most that are forgotten at once, so that nobody waits for a great tidying up.
_FORGOTTEN_AT_ONCE = 200

log = structlog.get_logger(__name__)


class _Kept:
    """One conversation, and when it was last touched here, in seconds of a steady clock."""

    __slots__ = ("conversation", "touched")

    def __init__(self, conversation: Conversation, touched: float) -> None:
        self.conversation = conversation
        self.touched = touched


class Conversations:
    """Every conversation of this worker.

    Args:
        settings: All of them.
        read_state: Reads the state of a partition that is new here, as its last owner left it.
        clock: Seconds on a steady clock; given in tests.
    """

    def __init__(
        self,
        settings: Settings,
        read_state: Callable[[int], Iterable[ConversationState]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topic = conversations_topic(settings.topics)
        self._turns = turns_topic(settings.topics)
        self._keep = settings.replies.keep_turns
        self._most = settings.replies.max_conversations
        self._forget_after = settings.replies.forget_hours * _SECONDS_PER_HOUR
        self._read_state = read_state
        self._clock = clock
        self._partitions: dict[int, OrderedDict[str, _Kept]] = {}
        self._dirty: set[tuple[int, str]] = set()

    def __len__(self) -> int:
        return sum(map(len, list(self._partitions.values())))

    def of(self, partition: int, name: str) -> Conversation:
        """A conversation, which is written with the next ``states``.

        Raises:
            RecoveryError: The partition is new here and its state cannot be read (raised by ``read_state``).
        """
        kept = self._partition(partition)
        found = kept.get(name)
        if found is None:
            found = kept[name] = _Kept(Conversation(self._keep), 0.0)
        found.touched = self._clock()
        kept.move_to_end(name)
        self._dirty.add((partition, name))
        return found.conversation

    def states(self) -> list[Output]:
        """What is to be kept of those that were asked for since the last time, and removed of those long silent."""
        outputs = [
            self._output(partition, name, self._partitions[partition][name].conversation)
            for partition, name in sorted(self._dirty)
        ]
        outputs += [
            self._output(partition, name, None)
            for partition in {partition for partition, _ in self._dirty}
            for name in self._forgotten(partition)
        ]
        self._dirty.clear()
        return outputs

    def forget(self, places: Collection[Place]) -> None:
        """Drop partitions that are given up; called while nothing is in hand."""
        for topic, partition in places:
            if topic == self._turns:
                self._partitions.pop(partition, None)

    def _partition(self, partition: int) -> OrderedDict[str, _Kept]:
        kept = self._partitions.get(partition)
        if kept is None:
            kept = self._partitions[partition] = self._restored(partition)
        return kept

    def _restored(self, partition: int) -> OrderedDict[str, _Kept]:
        # None has been silent here for any time yet: when it was last touched elsewhere is not known.
        now = self._clock()
        found: list[tuple[str, Conversation]] = []
        for state in self._read_state(partition):
            try:
                found.append((state.conversation, Conversation.load(state.state, state.form, self._keep)))
            except StateError as error:
                # To end here would be to end here again at every start: what cannot be read begins anew.
                log.warning("a conversation's state is left out", partition=partition, error=str(error))
        found.sort(key=lambda entry: entry[1].last)
        log.info("conversations restored", partition=partition, conversations=len(found))
        return OrderedDict((name, _Kept(conversation, now)) for name, conversation in found)

    def _forgotten(self, partition: int) -> list[str]:
        """Forget the long silent, and beyond the most there may be the longest silent; those of now stay."""
        kept = self._partitions[partition]
        names = self._forget_silent(partition)
        while len(kept) > self._most and (partition, name := next(iter(kept))) not in self._dirty:
            del kept[name]
            names.append(name)
        return names

    def _forget_silent(self, partition: int) -> list[str]:
        kept = self._partitions[partition]
        limit = self._clock() - self._forget_after
        silent: list[str] = []
        for name, entry in kept.items():
            if entry.touched > limit or len(silent) == _FORGOTTEN_AT_ONCE:
                break
            silent.append(name)
        for name in silent:
            del kept[name]
        return silent

    def _output(self, partition: int, name: str, conversation: Conversation | None) -> Output:
        value = None
        if conversation is not None:
            value = encode(ConversationState(conversation=name, form=FORM, state=conversation.dump()))
        return Output(self._topic, name.encode("utf-8", "surrogatepass"), value, partition=partition)
