"""The readers of the partitions that this worker has: those active lately in memory, all others on its disk.

Runs in the thread that recommends. It knows no Kafka: state comes through a function that is given, and what is to be
published is handed back (docs/adr/0005).
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import structlog

from streams.contract.decoding import JsonDecoder
from streams.contract.outgoing import Output
from streams.contract.recommendations import BehaviorAction, InterestState
from streams.contract.records import encode
from streams.contract.topics import interests_topic, reader_events_topic
from streams.logic.reader_events import user_key
from streams.logic.recommend.interest_state import FORM as INTERESTS_FORM
from streams.logic.recommend.interest_state import READ_FORMS
from streams.logic.recommend.interests import Bounds, Interests
from streams.worker.interest_store import InterestStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from aiokafka.structs import ConsumerRecord

    from streams.contract.settings import Settings
    from streams.logic.stall import Place

FORM = 100 + INTERESTS_FORM
"""Version of the form of state: this one's hundreds, and that of the interests in it."""

_READ_FORMS = frozenset(100 + form for form in READ_FORMS)

# Behaviors of items that nobody knows yet, of one reader; the oldest goes first.
_KEPT_UNKNOWN = 32

ReaderFound = Literal["memory", "disk", "nowhere"]
"""Where a reader was found; nowhere: one who is not known yet."""

log = structlog.get_logger(__name__)

_state = JsonDecoder(InterestState)


class Unknown(msgspec.Struct, frozen=True, array_like=True):
    """A behavior whose item was not known when it came; it is counted once it is."""

    item: str
    action: BehaviorAction
    time: datetime
    seconds: float | None


class _Kept(msgspec.Struct, array_like=True):
    """A reader's state as it is written."""

    embedder: str
    width: int
    interests: bytes
    unknown: list[Unknown]


_kept = msgspec.msgpack.Decoder(_Kept)
_packer = msgspec.msgpack.Encoder()


class Reader:
    """One reader: interests, and which embedder's vectors they are made of, of what width."""

    __slots__ = ("embedder", "interests", "unknown", "width")

    def __init__(
        self, interests: Interests, embedder: str = "", width: int = 1, unknown: Iterable[Unknown] = ()
    ) -> None:
        self.interests = interests
        self.embedder = embedder
        self.width = width
        self.unknown: deque[Unknown] = deque(unknown, _KEPT_UNKNOWN)

    def dump(self) -> bytes:
        """All of it."""
        return _packer.encode(_Kept(self.embedder, self.width, self.interests.dump(), list(self.unknown)))


class Restored(NamedTuple):
    """The readers of a partition, as its last owner left them."""

    partition: int
    owed: Mapping[str, str]
    """Ids of the events that are still to be answered, by reader."""
    interests: Iterable[Interests]
    """Of all of them, read as they are looked at."""


class Readers:
    """Every reader of this worker.

    Args:
        settings: All of them.
        read_state: Reads the records of a partition of the topic of interests, as its last owner left it.
        clock: Seconds since the epoch; given in tests.
    """

    def __init__(
        self,
        settings: Settings,
        read_state: Callable[[int], Iterable[ConsumerRecord]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._topic = interests_topic(settings.topics)
        self._events = reader_events_topic(settings.topics)
        self._bounds = Bounds.of(settings.recommend)
        self._most = settings.recommend.max_users
        self._folder = settings.worker.data_dir / "interests"
        self._read_state = read_state
        self._clock = clock
        self.on_restored: Callable[[Restored], None] = lambda _: None
        """Told of the readers of a partition that is restored."""
        self._stores: dict[int, InterestStore] = {}
        self._active: OrderedDict[tuple[int, str], Reader] = OrderedDict()
        self._dirty: dict[tuple[int, str], None] = {}
        self._lookups: Counter[ReaderFound] = Counter()

    def __len__(self) -> int:
        """Readers in memory."""
        return len(self._active)

    def of(self, partition: int, user: str) -> Reader:
        """A reader, as known up to now.

        Args:
            partition: Of the topic of reader events.
            user: The reader's id.

        Raises:
            RecoveryError: The partition is new here and its state cannot be read (raised by ``read_state``).
        """
        place = partition, user
        found = self._active.get(place)
        if found is None:
            state = self._store(partition).get(user_key(user))
            self._lookups["nowhere" if state is None else "disk"] += 1
            found = self._active[place] = Reader(Interests(self._bounds)) if state is None else self._load(state)
            self._make_room()
        else:
            self._lookups["memory"] += 1
        self._active.move_to_end(place)
        return found

    def restore(self, partition: int) -> None:
        """Read a partition's state, where it was not yet.

        Raises:
            RecoveryError: It cannot be read (raised by ``read_state``).
        """
        self._store(partition)

    def take_lookups(self) -> Counter[ReaderFound]:
        """How many readers were looked up since this was last asked, by where they were found."""
        taken, self._lookups = self._lookups, Counter()
        return taken

    def touched(self, partition: int, user: str) -> None:
        """This reader has changed, and is written with the next ``states``."""
        self._dirty[partition, user] = None

    def states(self, owed: Callable[[int, str], str | None] = lambda _partition, _user: None) -> list[Output]:
        """The checkpoint: the state of every reader that has changed since the last one.

        Args:
            owed: Id of the event of a partition's reader that is still to be answered; None where none is.
        """
        outputs = []
        kept: dict[int, list[tuple[bytes, bytes]]] = {}
        for partition, user in self._dirty:
            state = self._active[partition, user].dump()
            key = user_key(user)
            kept.setdefault(partition, []).append((key, state))
            value = encode(InterestState(user=user, form=FORM, state=state, owed=owed(partition, user)))
            outputs.append(Output(self._topic, key, value, partition=partition))
        for partition, states in kept.items():
            self._stores[partition].put(states)
        self._dirty.clear()
        self._make_room()
        return outputs

    def forget(self, places: Collection[Place]) -> set[int]:
        """Drop partitions that are given up; called while nothing is in hand, and all is written.

        Returns:
            Those of reader events among them.
        """
        gone = {partition for topic, partition in places if topic == self._events}
        for place in [place for place in self._active if place[0] in gone]:
            del self._active[place]
        for partition in gone & self._stores.keys():
            self._stores.pop(partition).close()
        return gone

    def close(self) -> None:
        """Let go of all."""
        for store in self._stores.values():
            store.close()
        self._stores.clear()

    @property
    def partitions(self) -> Collection[int]:
        """Those that were restored."""
        return self._stores.keys()

    def _store(self, partition: int) -> InterestStore:
        store = self._stores.get(partition)
        if store is None:
            started = time.monotonic()
            store = InterestStore(self._folder)
            owed: dict[str, str | None] = {}
            try:
                store.put(self._states_of(partition, owed))
            except BaseException:
                store.close()
                raise
            self._stores[partition] = store
            seconds = round(time.monotonic() - started, 2)
            log.info("readers' interests restored", partition=partition, readers=len(store), seconds=seconds)
            self.on_restored(
                Restored(
                    partition,
                    {user: event for user, event in owed.items() if event is not None},
                    (self._load(state).interests for state in store.states()),
                )
            )
        return store

    def _states_of(self, partition: int, owed: dict[str, str | None]) -> Iterator[tuple[bytes, bytes | None]]:
        """States by key, in order; what readers are owed is put down in ``owed``."""
        left_out = 0
        for record in self._read_state(partition):
            if record.value is None:
                # A reader who is forgotten is owed nothing.
                owed.pop(record.key.decode(errors="replace"), None)
                yield record.key, None
                continue
            try:
                state = _state.decode(record.value)
            except msgspec.DecodeError:
                state = None
            if state is None or state.form not in _READ_FORMS:
                left_out += 1
                continue
            if state.owed is not None or state.user in owed:
                owed[state.user] = state.owed
            yield record.key, state.state
        if left_out:
            log.warning("states of interests that are none, or of another form, are left out", states=left_out)

    def _load(self, state: bytes) -> Reader:
        try:
            kept = _kept.decode(state)
            interests = Interests.load(kept.interests, self._bounds, kept.width, self._clock())
        except (msgspec.DecodeError, ValueError) as error:
            # To end here would be to end here again at every start: what cannot be read begins anew.
            log.error("a reader's state that is none is left out", error=type(error).__name__)  # noqa: TRY400
            return Reader(Interests(self._bounds))
        return Reader(interests, kept.embedder, kept.width, kept.unknown)

    def _make_room(self) -> None:
        """Let the least recently active go, but for those whose state is not written yet."""
        while len(self._active) > self._most:
            oldest = next(iter(self._active))
            if oldest in self._dirty:
                return
            del self._active[oldest]
