"""What is to be labelled next, and how far it is to the next training run."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from streams.contract.labels import Label, LabelRequest
from streams.contract.model_records import ModelEvent, RetrainRequest
from streams.desk.view.shown import Heard, Kept, Place, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from msgspec import Struct

    from streams.desk.view.shown import Doc

_REQUESTS, _LABELLING = "requests", "labelling"
_ORDER, _PROGRESS = "order", "progress"
# What the latest run had not seen is counted, and more than that would call for a run many times over.
_TIMES_KEPT = 100_000


class LabellingView:
    """The queue of messages that are worth a label, and the count of labels.

    Args:
        model: Name of the served model.
        keep: Most requests; the earliest asked go first.
        in_turn: Puts requests into the order in which people are asked, those that have labels left out.
    """

    kinds: tuple[type[Struct], ...] = (LabelRequest, Label, ModelEvent, RetrainRequest)

    def __init__(
        self, model: str, keep: int, in_turn: Callable[[Iterable[LabelRequest], Iterable[str]], Sequence[LabelRequest]]
    ) -> None:
        self._model = model
        self._in_turn = in_turn
        self._requests: Kept[LabelRequest] = Kept(keep)
        # Of labels, of which there may be very many, no more than hashes are kept: of each, and of its message.
        self._labelled: Counter[int] = Counter()
        self._keys: set[int] = set()
        self._times: list[float] = []
        """When labels came, ascending; those after the latest run began."""
        self._run_began: float | None = None
        self._asked: RetrainRequest | None = None

    def hear(self, heard: Heard) -> set[Place]:
        """Take in a request, a label or that it was taken back, or the beginning of a run."""
        match heard.record:
            case LabelRequest() as request:
                gone = self._requests.put(request.message_id, request)
                return places(_REQUESTS, request.message_id, *gone) | places(_LABELLING, _ORDER)
            case ModelEvent(model=self._model, kind="retrain_started") as event:
                self._begin(event.time.timestamp())
                return places(_LABELLING, _PROGRESS)
            case RetrainRequest(model=self._model) as asked:
                self._asked = asked
                return places(_LABELLING, _PROGRESS)
        if heard.kind is not Label or (message_id := labelled_message(heard.key)) is None:
            return set()
        self._count(heard, message_id)
        changed = places(_LABELLING, _PROGRESS)
        if message_id in self._requests:
            changed |= places(_LABELLING, _ORDER)
            if not self.is_labelled(message_id):
                # It waits again, and a page that came while it was labelled has never been told of it.
                changed |= places(_REQUESTS, message_id)
        return changed

    def docs(self) -> Mapping[str, Mapping[str, Doc]]:
        """All requests, their order, and the progress."""
        waiting = self._waiting()
        return {
            _REQUESTS: {request.message_id: _request(request) for request in waiting},
            _LABELLING: {_ORDER: _order(waiting), _PROGRESS: self._progress()},
        }

    def doc(self, place: Place) -> Doc | None:
        """One of them."""
        if place.section == _REQUESTS:
            request = self._requests.get(place.key)
            return None if request is None else _request(request)
        return _order(self._waiting()) if place.key == _ORDER else self._progress()

    def request(self, message_id: str) -> LabelRequest | None:
        """The request for a message's label."""
        return self._requests.get(message_id)

    def is_labelled(self, message_id: str) -> bool:
        """Whether anybody has labelled a message."""
        return self._labelled[hash(message_id)] > 0

    def _count(self, heard: Heard, message_id: str) -> None:
        key, message = hash(heard.key), hash(message_id)
        stood = key in self._keys
        if heard.record is None:
            self._keys.discard(key)
        else:
            self._keys.add(key)
            if self._run_began is None or heard.time > self._run_began:
                insort(self._times, heard.time)
                del self._times[:-_TIMES_KEPT]
        self._labelled[message] += (key in self._keys) - stood
        if self._labelled[message] <= 0:
            del self._labelled[message]

    def _begin(self, time: float) -> None:
        if self._run_began is None or time > self._run_began:
            self._run_began = time
            del self._times[: bisect_right(self._times, time)]

    def _waiting(self) -> Sequence[LabelRequest]:
        return self._in_turn(self._requests.values(), [id_ for id_ in self._requests if self.is_labelled(id_)])

    def _progress(self) -> Doc:
        return {
            "labels": len(self._keys),
            "messages": len(self._labelled),
            "new": len(self._times),
            "run_began": self._run_began,
            "asked": msgspec.to_builtins(self._asked),
        }


def labelled_message(key: bytes) -> str | None:
    """Id of the message in a label's key; None where it is no such key."""
    try:
        length, found, rest = key.decode("utf-8", "surrogatepass").partition("/")
    except UnicodeDecodeError:
        return None
    if not found or not length.isdecimal() or rest[int(length) : int(length) + 1] != "/":
        return None
    return rest[: int(length)]


def _order(waiting: Iterable[LabelRequest]) -> Doc:
    return {"messages": [request.message_id for request in waiting]}


def _request(request: LabelRequest) -> Doc:
    shown = {
        "message_id": request.message_id,
        "text": request.text,
        "kind": request.kind,
        "source": request.source,
        "time": request.message_time,
        "reason": request.reason,
        "model": request.model,
    }
    # Never for a control: its answers must owe nothing to what the model read.
    if request.reason != "random":
        shown["read"] = {
            "topics": request.topics,
            "sentiment": request.sentiment,
            "sentiment_score": request.sentiment_score,
            "intent": request.intent,
            "entities": msgspec.to_builtins(request.entities),
        }
    return shown
