"""What to ask labels for, within a budget: what the model doubts, what is new to it, and a share by lot.

Labels that were chosen teach most, and say nothing of how good the model is; so a share is drawn by lot. Each draw is
from the messages that came since the last one: a message of a quiet hour is likelier to be drawn than one of a busy
hour.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.contract.ids import output_id, text_fingerprint
from streams.contract.labels import LabelRequest, RequestReason, SuggestedEntity
from streams.contract.masking import mask_places, mask_source
from streams.logic.asking.doubts import HEADS, contradiction, doubts
from streams.logic.asking.pool import Lot, Pool, TokenBucket

if TYPE_CHECKING:
    import random
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from streams.contract.incoming import Record
    from streams.contract.model_settings import LabelsSettings
    from streams.contract.records import Message, Prediction

# A reading whose first two answers are nearer to each other is doubtful; a contradiction needs two that are surer.
_LEAST_DOUBT = 0.5
_LEAST_CONTRADICTION = 0.5
_POOL_SIZE = 16
_POOL_SECONDS = 3600.0
_REMEMBERED = 512
# Of vectors about their own middle (models.centre). Of news headlines, 92 in 100 with one word exchanged are above it,
# and one in some 31,000 pairs of different ones.
_NEAR_COPY = 0.8


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of the stream and what the model read in it."""

    record: Record
    message: Message
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that may be asked for."""

    seen: Seen
    fingerprint: str
    reason: RequestReason
    score: float


@dataclass(frozen=True, slots=True)
class _Facet:
    """One way of being worth a label."""

    reason: RequestReason
    head: str


class Asker:
    """Chooses what is asked. Not for several threads at once.

    Args:
        settings: The budget, and the share that is drawn by lot.
        lots: What is drawn by.
        now: Any clock's time in seconds, as in all methods.
        multi_label: Whether each topic is a question of its own.
    """

    def __init__(self, settings: LabelsSettings, lots: random.Random, now: float, *, multi_label: bool) -> None:
        by_lot = settings.requests_per_hour * settings.random_share
        self._multi_label = multi_label
        self._control_budget = TokenBucket(by_lot, now)
        self._budget = TokenBucket(settings.requests_per_hour - by_lot, now)
        self._control: Lot[Seen] = Lot(lots)
        self._doubtful = {head: _Facet("uncertain", head) for head in HEADS}
        self._contested, self._novel = _Facet("contested", ""), _Facet("novel", "")
        facets = (*self._doubtful.values(), self._contested, self._novel)
        self._pools: dict[_Facet, Pool[Seen]] = {facet: Pool(_POOL_SIZE, _POOL_SECONDS) for facet in facets}
        self._turn = 0
        self._last_turn: dict[str | _Facet, int] = {}
        self._asked: deque[str] = deque(maxlen=_REMEMBERED)
        self._vectors: deque[NDArray[np.float32]] = deque(maxlen=_REMEMBERED)

    def see(self, seen: Seen, now: float) -> None:
        """Look at a message; every message of the stream passes here."""
        self._control.offer(seen)
        for head, doubt in doubts(seen.prediction, multi_label=self._multi_label):
            if doubt >= _LEAST_DOUBT:
                self._offer(self._doubtful[head], doubt, seen, now)
        contradicted = contradiction(seen.prediction)
        if contradicted >= _LEAST_CONTRADICTION:
            self._offer(self._contested, contradicted, seen, now)

    def see_novel(self, seen: Seen, novelty: float, now: float) -> None:
        """Look at a message that is far from all that the model was trained on; the farther, the higher the score."""
        self._offer(self._novel, novelty, seen, now)

    def control(self, now: float) -> Candidate | None:
        """The message that was drawn by lot, where one is due. It is asked for whatever was asked before."""
        if not self._control_budget.has_token(now):
            return None
        seen = self._control.draw()
        if seen is None:
            return None
        self._control_budget.spend()
        # Equal for all, since none is wanted more than another.
        return Candidate(seen, text_fingerprint(seen.message.text), "random", 0.0)

    def chosen(self, now: float) -> Candidate | None:
        """The message that is wanted most, where the budget allows one: each reason in its turn, each head in its.

        It is out of the choice from now on. ``asked`` spends the budget, so that one that turns out a near-copy costs
        nothing.
        """
        if not self._budget.has_token(now):
            return None
        for pool in self._pools.values():
            pool.drop_old(now)
        while wanting := [facet for facet, pool in self._pools.items() if len(pool)]:
            facet = min(wanting, key=lambda one: (self._last_turn.get(one.reason, 0), self._last_turn.get(one, 0)))
            wanted = self._pools[facet].take()
            if wanted.fingerprint not in self._asked:
                self._turn += 1
                self._last_turn[facet.reason] = self._last_turn[facet] = self._turn
                return Candidate(wanted.item, wanted.fingerprint, facet.reason, round(wanted.score, 4))
        return None

    def is_near_copy(self, vector: NDArray[np.float32]) -> bool:
        """Whether a text nearly the same was asked for of late.

        Args:
            vector: Its unit vector, float32 [width].
        """
        return any(float(vector @ known) >= _NEAR_COPY for known in self._vectors)

    def asked(self, candidate: Candidate, vector: NDArray[np.float32] | None) -> None:
        """This one is asked for.

        Args:
            candidate: As ``control`` or ``chosen`` gave it.
            vector: Its unit vector, where there is one.
        """
        if candidate.reason != "random":
            self._budget.spend()
        self._asked.append(candidate.fingerprint)
        if vector is not None:
            self._vectors.append(vector)

    def forget_readings(self) -> None:
        """Another version reads from now on: what the one before doubted may be clear to it."""
        self._control.draw()
        for facet in self._pools:
            self._pools[facet] = Pool(_POOL_SIZE, _POOL_SECONDS)
        self._vectors.clear()

    def _offer(self, facet: _Facet, score: float, seen: Seen, now: float) -> None:
        pool = self._pools[facet]
        if pool.takes(score):
            pool.offer(score, text_fingerprint(seen.message.text), seen, now)


def label_request(candidate: Candidate, time: datetime) -> LabelRequest:
    """What is published: the text masked, and the entities that hold no personal data at their places in it.

    Args:
        candidate: What is asked for.
        time: When.
    """
    seen = candidate.seen
    record, message, prediction = seen.record, seen.message, seen.prediction
    text, places = mask_places(message, [(entity.start, entity.end) for entity in prediction.entities])
    return LabelRequest(
        id=output_id(record.topic, record.partition, record.offset, "label-request"),
        message_id=message.id,
        text=text,
        kind=prediction.kind,
        source=mask_source(message, prediction.kind),
        message_time=message.time,
        time=time,
        reason=candidate.reason,
        score=candidate.score,
        model=prediction.model,
        topics=prediction.topics,
        sentiment=prediction.sentiment,
        sentiment_score=prediction.sentiment_scores.get(prediction.sentiment),
        intent=prediction.intent,
        entities=[
            SuggestedEntity(start=place[0], end=place[1], type=entity.type, sentiment=entity.sentiment)
            for entity, place in zip(prediction.entities, places, strict=True)
            if place is not None
        ],
    )
