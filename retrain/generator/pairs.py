"""Questions with their answers, and which of them are learnt, validated on, and kept for the gate.

Pairs whose questions or whose answers are near-duplicates stay together, so that no answer is on both sides. A group is
kept for the gate where a hash keeps any pair of it, and stays so as it grows; one that was learnt may come to be kept
when another joins it, which flatters the champion and never the candidate.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, get_args

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from retrain.near_duplicates import clusters
from retrain.sides import is_kept, is_validation
from streams.contract.masking import mask
from streams.contract.records import Sentiment
from streams.contract.replies import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from streams.contract.labels import Label

PairPart = Literal["train", "validation", "frozen"]
PAIR_PARTS: tuple[PairPart, ...] = get_args(PairPart)


class Pair(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question and a good answer to it, both without personal data."""

    id: str
    """Of the document that it is, or that it would be."""
    question: str
    answer: str
    group: str = ""
    """Pairs that are nearly equal share it."""
    topic: str | None = None
    sentiment: Sentiment | None = None
    intent: str | None = None
    language: str = "en"

    def document(self, time: datetime) -> Document:
        """The pair as what replies may be drawn from.

        Args:
            time: When it was approved.
        """
        topics = [] if self.topic is None else [self.topic]
        return Document(
            id=self.id,
            text=self.answer,
            question=self.question,
            intent=self.intent,
            topics=topics,
            language=self.language,
            time=time,
        )


class Pairs(Struct, frozen=True, kw_only=True):
    """Every pair in its part, in order of id; no two parts share a question, an answer or a near-duplicate of one."""

    train: list[Pair]
    validation: list[Pair]
    frozen: list[Pair]
    """A fifth, by a hash of the id: never learnt, for the gate."""
    offsets: dict[int, int] = {}
    """By partition of the labels topic, the first offset that was not read."""
    pages: list[Document] = []
    """What else replies may be drawn from."""

    @property
    def sha256(self) -> str:
        """Hash of all of it, in hexadecimal."""
        return sha256(self.encode()).hexdigest()

    def encode(self) -> bytes:
        """As JSON: equal pairs give equal bytes."""
        return _encoder.encode(msgspec.to_builtins(self, str_keys=True))

    @classmethod
    def decode(cls, content: bytes) -> Pairs:
        """What ``encode`` gave.

        Raises:
            msgspec.MsgspecError: It is no such thing.
        """
        return _decoder.decode(content)


def pairs_of(labels: Iterable[Label], documents: Iterable[Document]) -> list[Pair]:
    """The pairs that labels with a reply and documents with a question hold, by id.

    Of several replies to one message the latest counts. Personal data is masked as where customers are answered; a
    reply that needs more of it than its question holds (a number of the team's own customer) is left out, since it
    would teach to write what nobody said.

    Args:
        labels: Of any kind; those of customers' messages that carry a reply count.
        documents: Of any kind; those with a question count.
    """
    found: dict[str, Pair] = {}
    for document in documents:
        if document.question is not None:
            topic = document.topics[0] if document.topics else None
            found[document.id] = Pair(
                id=document.id,
                question=mask(document.question, handles=True),
                answer=document.text.strip(),
                topic=topic,
                intent=document.intent,
                language=document.language,
            )
    for label in sorted(labels, key=lambda label: (label.time, label.labeller)):
        if label.kind == "customer" and label.reply is not None and label.reply.strip():
            question, answer = mask(label.text, handles=True), label.reply.strip()
            if mask(answer, handles=False) == answer:
                found[f"label:{label.message_id}"] = Pair(
                    id=f"label:{label.message_id}",
                    question=question,
                    answer=answer,
                    topic=label.topics[0] if label.topics else None,
                    sentiment=label.sentiment,
                    intent=label.intent,
                )
    return [found[id_] for id_ in sorted(found)]


def split(
    pairs: Sequence[Pair],
    offsets: dict[int, int] | None = None,
    pages: Sequence[Document] = (),
    *,
    keep: bool = True,
) -> Pairs:
    """Give each pair its group and its part; the same pairs are always in the same parts.

    Args:
        pairs: Each id once.
        offsets: Of the labels that they are from.
        pages: What else replies may be drawn from.
        keep: Keep a fifth for the gate.
    """
    parts: dict[PairPart, list[Pair]] = {part: [] for part in PAIR_PARTS}
    for group in _groups(pairs):
        name = min(pair.id for pair in group)
        kept = keep and any(is_kept(pair.id) for pair in group)
        part: PairPart = "frozen" if kept else "validation" if is_validation(name) else "train"
        parts[part] += [replace(pair, group=name) for pair in group]
    ordered = {part: sorted(members, key=lambda pair: pair.id) for part, members in parts.items()}
    return Pairs(offsets=offsets or {}, pages=list(pages), **ordered)


def _groups(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Pairs of near-duplicate questions or near-duplicate answers."""
    if not pairs:
        return []
    count = len(pairs)
    by_question = clusters([pair.question for pair in pairs])
    by_answer = clusters([pair.answer for pair in pairs])
    # Pairs are joined over the clusters that they are in: nodes of their own, behind those of the pairs.
    ends = np.array([*by_question, *(count + number for number in by_answer)]) + count
    pairs_twice = np.tile(np.arange(count), 2)
    nodes = int(ends.max()) + 1
    _, numbers = connected_components(
        coo_array((np.ones(2 * count), (pairs_twice, ends)), (nodes, nodes)), directed=False
    )
    groups: dict[int, list[Pair]] = defaultdict(list)
    for pair, number in zip(pairs, numbers[:count].tolist(), strict=True):
        groups[number].append(pair)
    return list(groups.values())


_decoder = msgspec.json.Decoder(Pairs)
_encoder = msgspec.json.Encoder(order="deterministic")
