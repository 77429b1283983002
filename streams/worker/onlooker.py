"""Looks at the stream from aside: asks labels for what is worth one, and watches for drift.

Every message passes ``see``, which costs some microseconds and keeps a few of them. All else is done by a task of its
own, whose work runs in a thread, for the few that were drawn: an embedding costs as much as a reading. It rests between
two steps so long that it takes a twentieth of one core at most. Whatever fails here is logged and counted; the stream
neither waits for it nor fails with it.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from models.manifest import VersionError
from streams.contract.cloudevents import headers
from streams.contract.ids import text_fingerprint
from streams.contract.masking import mask_message
from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.topics import label_requests_topic
from streams.logic.asking.asker import Asker, Seen, label_request
from streams.logic.asking.pool import Lot
from streams.worker.drift_watch import DriftWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from exporters.onlooker_metrics import OnlookerMetrics
    from models.runtime import Encoder
    from models.training_reference import TrainingReference
    from streams.contract.incoming import Record
    from streams.contract.labels import LabelRequest
    from streams.contract.records import Message, Prediction, SourceKind
    from streams.contract.settings import Settings
    from streams.logic.asking.asker import Candidate
    from streams.logic.stall import Place, Position
    from streams.worker.publisher import BatchPublisher
    from streams.worker.serving import Serving

_STEP_SECONDS = 1.0
_LOOK_SECONDS = 10.0
# A sample must be full when its time is over, though a kind is silent now and then.
_LOOKS_PER_MESSAGE = 2.0
_SECONDS_PER_HOUR = 3600.0
# So many times as long as a step took, the next one waits.
_REST = 19.0
# As far from all training texts as this share of those that were kept from training, or fewer.
_NOVEL_SHARE = 0.05
# Before what the brokers did not take is offered again: a topic that is missing may be missed at once.
_AGAIN_SECONDS = 20.0
# Near-copies that are passed over in one step.
_TRIES = 3
# A rebalance takes all partitions away and gives them back, within seconds or some minutes.
_LOST_SECONDS = 600.0

log = structlog.get_logger(__name__)


class Onlooker:
    """Asks for labels and watches for drift, beside the stream.

    Args:
        serving: Says which version serves now.
        publisher: Sends what is told; started before this, and stopped after.
        settings: All of them.
        metrics: Where it is counted.
        multi_label: Whether a message may have several topics.
        positions: Where the worker stands in each of its partitions; empty before it has any.
    """

    def __init__(
        self,
        serving: Serving,
        publisher: BatchPublisher,
        settings: Settings,
        metrics: OnlookerMetrics,
        *,
        multi_label: bool,
        positions: Callable[[], Mapping[Place, Position]],
    ) -> None:
        self._serving = serving
        self._publisher = publisher
        self._settings = settings
        self._metrics = metrics
        self._positions = positions
        self._is_wanted = settings.labels.requests_per_hour > 0 or settings.drift.enabled
        self._topic = label_requests_topic(settings.topics)
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        now = time.monotonic()
        self._lots = random.Random()  # noqa: S311  draws samples, not secrets
        self._lock = threading.Lock()
        """Held over the asker and the lots, which the lanes' threads fill."""
        self._asker = Asker(settings.labels, self._lots, now, multi_label=multi_label)
        self._drawn: dict[SourceKind, Lot[Seen]] = {kind: Lot(self._lots) for kind in settings.topics.inputs.values()}
        self._encoder: Encoder | None = None
        self._reference: TrainingReference | None = None
        self._watch: DriftWatch | None = None
        self._held_at: dict[SourceKind, float] = {}
        """When this worker last had a partition of each kind that it has had."""
        self._can_embed = True
        self._is_reference_broken = False
        self._look_seconds = _look_seconds(settings)
        self._next_look = now
        self._unasked: list[LabelRequest] = []
        """What was asked last, where nobody has it yet."""
        self._untold: list[Output] = []
        """What is found once must arrive."""
        self._task: asyncio.Task[None] | None = None
        self._is_well = True

    def see(self, record: Record, message: Message, prediction: Prediction) -> None:
        """Look at a message that was read; from any thread. Never raises."""
        if not self._is_wanted:
            return
        seen = Seen(record, message, prediction)
        try:
            with self._lock:
                self._asker.see(seen, time.monotonic())
                self._drawn[prediction.kind].offer(seen)
        except Exception as error:  # noqa: BLE001  the stream goes on, whatever is wrong here
            self._note(error)

    def start(self) -> None:
        """Begin to ask and to watch, where the settings ask for either; needs a running event loop."""
        if self._is_wanted:
            self._task = asyncio.create_task(self._run(), name="onlooker")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            pause, spent = min(_STEP_SECONDS, self._look_seconds), 0.0
            try:
                self._note_held(time.monotonic())
                share = await self._share()
                # What the brokers are waited for costs no processor, and wants no rest.
                started = time.monotonic()
                try:
                    requests = await asyncio.to_thread(self._step, share)
                finally:
                    spent = time.monotonic() - started
                if not await self._publish(requests):
                    pause = _AGAIN_SECONDS
                self._note(None)
            except Exception as error:  # noqa: BLE001  likewise
                self._note(error)
            self._metrics.seconds.inc(spent)
            await asyncio.sleep(max(pause, _REST * spent))

    def _note_held(self, now: float) -> None:
        inputs = self._settings.topics.inputs
        self._held_at |= {inputs[topic]: now for topic, _ in self._positions() if topic in inputs}

    async def _share(self) -> float:
        """This worker's share of the stream, by partitions."""
        inputs = self._settings.topics.inputs
        partitions = sum([len(await self._publisher.partitions_of(topic)) for topic in inputs])
        held = sum(topic in inputs for topic, _ in self._positions())
        return max(1, held) / partitions

    def _step(self, share: float) -> list[LabelRequest]:
        """Look at what was drawn, and find what is to be told and asked."""
        now = time.monotonic()
        encoder = self._serving.current
        if encoder is not self._encoder:
            self._take_up(encoder, now)
        if now >= self._next_look:
            self._next_look = now + self._look_seconds
            self._look_at_drawn(encoder, now)
        self._forget_lost(now)
        if self._watch is not None:
            self._untold += self._watch.told(now, share)
        return self._requests(encoder, now)

    def _take_up(self, encoder: Encoder, now: float) -> None:
        """Another version serves than before, with another reference."""
        if self._encoder is not None:
            with self._lock:
                self._asker.forget_readings()
        self._encoder = encoder
        self._can_embed = True
        self._watch = None
        self._reference = self._read_reference(encoder)
        if self._reference is None or not self._settings.drift.enabled:
            self._metrics.begin({})
            return
        self._watch = DriftWatch(
            encoder.manifest,
            self._reference,
            self._settings,
            self._metrics,
            self._lots,
            now,
            worker=self._worker,
        )

    def _read_reference(self, encoder: Encoder) -> TrainingReference | None:
        self._is_reference_broken = False
        try:
            reference = encoder.training_reference()
        except VersionError as error:
            self._is_reference_broken = True
            log.warning("the training reference cannot be read: novelty and drift are not told", error=str(error))
            return None
        if reference is None:
            log.info("the version has no training reference: novelty and drift are not told", model=encoder.model)
        elif not reference.is_of_masked_texts:
            log.warning(
                "the training reference is of an older make: novelty and drift are not told before another version",
                model=encoder.model,
            )
            return None
        return reference

    def _forget_lost(self, now: float) -> None:
        """Whoever has the partitions now compares them; what was found here would be shown for ever."""
        for kind in [kind for kind, held_at in self._held_at.items() if now - held_at >= _LOST_SECONDS]:
            del self._held_at[kind]
            if self._watch is not None:
                self._watch.forget(kind, now)

    def _look_at_drawn(self, encoder: Encoder, now: float) -> None:
        """Measure one message of each kind, drawn by lot from all since the last look."""
        with self._lock:
            drawn = [lot.draw() for lot in self._drawn.values()]
        if self._reference is None:
            if self._is_reference_broken:
                self._metrics.failures.inc()
            return
        for seen in drawn:
            # One that the version before has read is measured by neither.
            if seen is not None and seen.prediction.model == encoder.model:
                self._measure(seen, encoder, self._reference, now)

    def _measure(self, seen: Seen, encoder: Encoder, reference: TrainingReference, now: float) -> None:
        # All that is measured is of the masked text, as in the reference: what the model makes of it too.
        text, kind = mask_message(seen.message).text, seen.prediction.kind
        vector = self._embed(encoder, text)
        if vector is None:
            return
        answer = seen.prediction if text == seen.message.text else encoder.read([text])[0]
        pieces = encoder.piece_ids([text])[0]
        measures = reference.yardstick.measure(text, kind, answer, vector, pieces)
        novelty = measures.numbers["novelty"]
        if reference.share_as_far(kind, novelty) <= _NOVEL_SHARE:
            with self._lock:
                self._asker.see_novel(seen, novelty, now)
        if self._watch is not None:
            self._watch.offer(kind, measures, text_fingerprint(text))

    def _requests(self, encoder: Encoder, now: float) -> list[LabelRequest]:
        requests = []
        with self._lock:
            control = self._asker.control(now)
        if control is not None:
            requests.append(self._ask(control, self._embed(encoder, control.seen.message.text)))
        for _ in range(_TRIES):
            with self._lock:
                chosen = self._asker.chosen(now)
            if chosen is None:
                break
            vector = self._embed(encoder, chosen.seen.message.text)
            if vector is None or not self._asker.is_near_copy(vector):
                requests.append(self._ask(chosen, vector))
                break
        return requests

    def _ask(self, candidate: Candidate, vector: NDArray[np.float32] | None) -> LabelRequest:
        with self._lock:
            self._asker.asked(candidate, vector)
        return label_request(candidate, datetime.now(UTC))

    def _embed(self, encoder: Encoder, text: str) -> NDArray[np.float32] | None:
        """The vector of a text; None from a version that cannot tell it, which is asked once.

        Each that is missed counts, since one failure a version would be too few to ring for.
        """
        if self._can_embed:
            try:
                vector: NDArray[np.float32] = encoder.embed([text])[0]
            except VersionError as error:
                self._can_embed = False
                log.warning("no embeddings: near-copies, novelty and drift are not told", error=str(error))
            else:
                return vector
        self._metrics.failures.inc()
        return None

    async def _publish(self, requests: Sequence[LabelRequest]) -> bool:
        """Ask and tell; whether all of it was taken. What was not is offered again by the next step."""
        if requests:
            # A request that does not arrive is worth less than the next one.
            self._unasked = list(requests)
        asked = await self._offer([self._asking(request) for request in self._unasked])
        for request, is_taken in zip(self._unasked, asked, strict=True):
            if is_taken:
                self._metrics.requests.labels(request.reason).inc()
        self._unasked = [request for request, is_taken in zip(self._unasked, asked, strict=True) if not is_taken]
        told = await self._offer(self._untold)
        self._untold = [output for output, is_taken in zip(self._untold, told, strict=True) if not is_taken]
        return all(asked) and all(told)

    def _asking(self, request: LabelRequest) -> Output:
        return Output(
            self._topic,
            request.message_id.encode("utf-8", "surrogatepass"),
            encode(request),
            headers(id=request.id, type="tocsin.label-request", time=request.time),
        )

    async def _offer(self, outputs: Sequence[Output]) -> list[bool]:
        """Whether each was taken. Each is offered by itself: what is taken is not told again for another's sake."""
        # Not ``publish``, which waits for as long as a topic is missing: nothing would be looked at meanwhile.
        taken = await asyncio.gather(*(self._publisher.offer([output]) for output in outputs))
        refused = sorted({output.topic for output, is_taken in zip(outputs, taken, strict=True) if not is_taken})
        if refused:
            self._metrics.failures.inc()
            log.warning("what the onlooker tells was not taken; it is offered again", topics=refused)
        return taken

    def _note(self, error: Exception | None) -> None:
        if error is not None:
            self._metrics.failures.inc()
        if self._is_well and error is not None:
            log.warning("looking at the stream failed; the stream goes on", exc_info=error)
        self._is_well = error is None


def _look_seconds(settings: Settings) -> float:
    """How often a message of each kind is drawn: often enough that a sample is full when its time is over."""
    drift = settings.drift
    return min(_LOOK_SECONDS, drift.every_hours * _SECONDS_PER_HOUR / drift.sample / _LOOKS_PER_MESSAGE)
