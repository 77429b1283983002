"""What readers did, taken in once each, and what they are shown: as soon as they ask, or at the end of a short window.

Runs in one thread, that of the recommend line. It knows no Kafka: records come in, and what is to be published is
handed back, with how many of the records are then settled: in a checkpoint, with who is still to be answered.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import structlog

from models.items.ranker import fits
from streams.contract.cloudevents import headers
from streams.contract.decoding import JsonDecoder
from streams.contract.ids import derived_id
from streams.contract.outgoing import Output
from streams.contract.recommendations import Behavior, ReaderEvent, Recommendation
from streams.contract.records import encode
from streams.contract.topics import recommendations_topic
from streams.logic.debounce import Debounce
from streams.logic.reader_events import user_key
from streams.logic.recommend.ranking import WeightsError
from streams.logic.recommend.recommender import Recommender
from streams.logic.recommend.weights import DEFAULT_WEIGHTS
from streams.worker.readers import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from models.items.ranker import Ranker
    from streams.contract.incoming import Record
    from streams.contract.recommendations import RecommendationCause
    from streams.contract.settings import Settings
    from streams.logic.stall import Place
    from streams.worker.readers import Reader, ReaderFound, Readers, Restored
    from streams.worker.shelves import Shelf, Shelves

log = structlog.get_logger(__name__)

# For each partition that is restored: popularity is told by a part of its readers just as well.
_COUNTING_SECONDS = 5.0
# Without another look at what came. Under load windows grow longer, and readers are answered less often; what they do
# is counted all the same, and who asks waits no longer than this.
_ANSWERING_SECONDS = 0.05
# While a rebalance waits.
_FLUSHING_SECONDS = 2.0
DEFAULT = "default"
"""What recommendations call the ranker where none was learned."""

_event = JsonDecoder(ReaderEvent)


@dataclass(slots=True)
class Findings:
    """What came of a batch."""

    outputs: list[Output] = field(default_factory=list)
    """Recommendations, in order."""
    states: list[Output] = field(default_factory=list)
    """The checkpoint, where it is time for one: to be published once the outputs are acknowledged."""
    settled: int = 0
    """So many of the records not settled yet, the first ones, may be acknowledged then."""
    done: int = 0
    """So many of the batch's events were taken in: all."""
    behaviors: Counter[str] = field(default_factory=Counter)
    """Counted now, by action."""
    repeats: int = 0
    """Behaviors that had been counted before."""
    unknown: int = 0
    """Behaviors whose item is not known."""
    unreadable: int = 0
    recommended: Counter[tuple[RecommendationCause, bool]] = field(default_factory=Counter)
    """By cause, and whether the reader was cold."""
    lookups: Counter[ReaderFound] = field(default_factory=Counter)
    """Readers looked up, by where they were found."""
    seconds: list[float] = field(default_factory=list)
    """That each recommendation took."""


class Readership:
    """Takes in reader events.

    Args:
        settings: All of them.
        shelves: The items.
        readers: The readers.
        ranker: Version of the ranker that serves, which may change; None for the default.
        model_of: Name and version of the encoder whose embedder made the vectors.
        share: Of all readers, those of this worker, which may change.
        steady: Seconds of a steady clock; given in tests.
        clock: Seconds since the epoch; given in tests.
    """

    def __init__(
        self,
        settings: Settings,
        shelves: Shelves,
        readers: Readers,
        ranker: Callable[[], Ranker | None],
        model_of: Callable[[str], str],
        *,
        share: Callable[[], float] = lambda: 1.0,
        steady: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings.recommend
        self._topic = recommendations_topic(settings.topics)
        self._shelves = shelves
        self._readers = readers
        self._ranker = ranker
        self._recommender: Recommender | None = None
        """Out of the items that serve; None before there is any."""
        self._served: tuple[Shelf, Ranker | None] | None = None
        self._ranked_by = DEFAULT
        self._model_of = model_of
        self._share = share
        self._steady = steady
        self._clock = clock
        self._windows: Debounce[tuple[int, str], str] = Debounce(self._settings.debounce_seconds)
        """Who is to be answered, and by which event."""
        self._expected: frozenset[int] = frozenset()
        """Partitions that this worker has."""
        self._unsettled = 0
        """Records taken in since the latest checkpoint."""
        self._since: float | None = None
        """When something first changed that is in no checkpoint; None where nothing did."""
        self._due: float | None = None
        """When there is something to do without another record."""

    def apply(self, records: Sequence[Record]) -> Findings:
        """Take in the next records of reader events, and do what has become due. Without records, do the latter alone.

        Raises:
            RecoveryError: The state of a partition that is new here cannot be read (raised by ``readers``).
        """
        findings = Findings(done=len(records))
        self._follow()
        for partition in self._expected:
            # Without waiting for an event of it: somebody may be owed an answer.
            self._readers.restore(partition)
        for record in records:
            self._unsettled += 1
            self._note_change()
            self._take(record, findings)
        self._answer_due(findings, self._steady(), _ANSWERING_SECONDS)
        if self._is_checkpoint_due(self._steady()):
            self._checkpoint(findings)
        findings.lookups = self._readers.take_lookups()
        self._due = self._next_due()
        return findings

    def expect(self, partitions: Collection[int]) -> None:
        """These partitions are this worker's, and no others; from any thread."""
        self._expected = frozenset(partitions)

    def flush(self) -> Findings:
        """Answer those who are to be answered, for a while, and settle all; what comes after begins anew.

        A rebalance waits for this. Whoever is not answered then is by the next owner of the partition.
        """
        findings = Findings()
        self._follow()
        self._answer_due(findings, math.inf, _FLUSHING_SECONDS)
        self._checkpoint(findings)
        self._due = self._next_due()
        return findings

    def forget(self, places: Collection[Place]) -> None:
        """Drop partitions that are given up; called while nothing is in hand, and all is settled."""
        self._expected -= self._readers.forget(places)
        self._windows.forget(lambda place: place[0] not in self._readers.partitions)
        if not self._readers.partitions:
            # What all readers did is counted anew with the partitions that come.
            self._recommender = self._served = None
            self._ranked_by = DEFAULT

    def take_over(self, restored: Restored) -> None:
        """Answer who is still to be answered, and count what readers read lately, since counts are kept by nobody.

        Of as many as time allows.
        """
        recommender = self._recommender
        started = self._steady()
        for user, event in restored.owed.items():
            self._windows.tell((restored.partition, user), event, started)
        for reader in restored.interests:
            if recommender is None or self._steady() - started > _COUNTING_SECONDS:
                return
            recommender.count_anew(reader)

    def due_in(self) -> float | None:
        """Seconds until something is to be done without another record; None where nothing is. From any thread."""
        if any(partition not in self._readers.partitions for partition in self._expected):
            return 0.0
        due = self._due
        return None if due is None else max(0.0, due - self._steady())

    def _take(self, record: Record, findings: Findings) -> None:
        try:
            event = _event.decode(record.value or b"")
        except msgspec.DecodeError as error:
            log.warning("left out: no reader event", place=record.place, error=str(error))
            findings.unreadable += 1
            return
        reader = self._reader(record.partition, event.user)
        if event.request is not None:
            request = event.request
            self._answer(reader, event.user, "request", request.id, request.limit, findings)
        elif event.behavior is not None:
            self._count(reader, event, event.behavior, findings)
            self._readers.touched(record.partition, event.user)
            self._windows.tell((record.partition, event.user), event.id, self._steady())

    def _count(self, reader: Reader, event: ReaderEvent, behavior: Behavior, findings: Findings) -> None:
        """Count a behavior, once; it is answered however often it comes."""
        if not reader.interests.is_new(event.topic, event.partition, event.offset):
            findings.repeats += 1
            return
        findings.behaviors[behavior.action] += 1
        if not self._observe(reader, behavior):
            reader.unknown.append(Unknown(behavior.item, behavior.action, behavior.time, behavior.seconds))
            findings.unknown += 1

    def _observe(self, reader: Reader, behavior: Behavior) -> bool:
        """Take a behavior into the reader's interests; whether its item is known."""
        if self._recommender is None or self._served is None or behavior.item not in self._served[0].items:
            return False
        self._recommender.take_in(reader.interests, behavior, self._clock())
        return True

    def _reader(self, partition: int, user: str) -> Reader:
        """A reader whose interests are of the vectors that serve now, and take in what was not known before."""
        reader = self._readers.of(partition, user)
        if self._served is not None and reader.embedder != self._served[0].embedder:
            shelf = self._served[0]
            if reader.embedder:
                reader.interests.rebuild_vectors(shelf.items.vector)
            reader.embedder, reader.width = shelf.embedder, shelf.items.width
        for _ in range(len(reader.unknown)):
            told = reader.unknown.popleft()
            if self._observe(reader, Behavior(user=user, **msgspec.structs.asdict(told))):
                self._readers.touched(partition, user)
            else:
                reader.unknown.append(told)
        return reader

    def _follow(self) -> None:
        """Recommend out of the items, and by the ranker, that serve now."""
        if self._recommender is not None:
            self._recommender.hold(self._share())
        shelf, ranker = self._shelves.serving, self._ranker()
        served = self._served
        if shelf is None or (served is not None and served[0] is shelf and served[1] is ranker):
            return
        weights = DEFAULT_WEIGHTS if ranker is None else ranker.weights
        projection = None if ranker is None else fits(ranker, shelf.embedder)
        if self._recommender is None:
            self._recommender = Recommender(self._settings, shelf.items)
        elif served is not None and served[0] is not shelf:
            self._recommender.serve_items(shelf.items, same_trunk=True)  # readers are held, and looked after, here
        try:
            self._recommender.serve(weights, projection)
            self._ranked_by = DEFAULT if ranker is None else ranker.version
        except WeightsError as error:
            log.error("the ranker's weights are refused: those before serve on", error=str(error))  # noqa: TRY400
        self._served = shelf, ranker

    def _answer_due(self, findings: Findings, due: float, seconds: float) -> None:
        """Answer those whose window is over at a time, for so many seconds."""
        started = self._steady()
        for (partition, user), event in self._windows.closing(due):
            id_ = derived_id(event, "recommendation")
            self._answer(self._reader(partition, user), user, "behavior", id_, self._settings.limit, findings)
            # That nothing is owed any more is kept with the next checkpoint.
            self._readers.touched(partition, user)
            self._note_change()
            if self._steady() - started > seconds:
                return

    def _answer(
        self, reader: Reader, user: str, cause: RecommendationCause, id_: str, limit: int, findings: Findings
    ) -> None:
        started = time.perf_counter()
        now = self._clock()
        served = None if self._served is None else self._served[0]
        items = [] if self._recommender is None else self._recommender.recommend_to(reader.interests, now, limit)
        cold = reader.interests.is_cold
        told = Recommendation(
            id=id_,
            user=user,
            cause=cause,
            items=items,
            cold=cold,
            time=datetime.fromtimestamp(now, UTC),
            model=self._model_of("" if served is None else served.embedder),
            ranker=self._ranked_by,
        )
        event_headers = headers(id=id_, type="tocsin.recommendation", time=told.time)
        findings.outputs.append(Output(self._topic, user_key(user), encode(told), event_headers))
        findings.recommended[cause, cold] += 1
        findings.seconds.append(time.perf_counter() - started)

    def _next_due(self) -> float | None:
        checkpoint = None if self._since is None else self._since + self._settings.checkpoint_seconds
        return min((due for due in (self._windows.due, checkpoint) if due is not None), default=None)

    def _note_change(self) -> None:
        if self._since is None:
            self._since = self._steady()

    def _is_checkpoint_due(self, now: float) -> bool:
        if self._since is None:
            return False
        return (
            now - self._since >= self._settings.checkpoint_seconds
            or self._unsettled >= self._settings.checkpoint_events
        )

    def _checkpoint(self, findings: Findings) -> None:
        findings.states = self._readers.states(lambda partition, user: self._windows.last((partition, user)))
        findings.settled, self._unsettled = self._unsettled, 0
        self._since = None
