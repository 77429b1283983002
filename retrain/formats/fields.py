"""From the loosely written fields of a row or an annotation to a label."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from retrain.formats.items import Item, Refused, Said, Unlabelled
from retrain.formats.vocabulary import Vocabulary, entity_type, sentiment
from streams.contract.examples import parse_marks
from streams.contract.incoming import parse_time
from streams.contract.labels import Label, LabelledEntity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.contract.records import SourceKind

Fields: TypeAlias = "Mapping[str, Any]"

LABELLED = ("topics", "sentiment", "intent", "entities", "reply")
"""Fields of a label that a person gives."""

# What else than its own name a field may be called in a file.
_ALIASES = {"message_id": ("id",), "topics": ("topic",), "message_time": ("created_at", "published")}
# Whichever of these stands first, by these names; "marked" is a text with entities in the seed examples' mark-up.
_CONTEXT = ("message_id", "text", "marked", "kind", "source", "message_time", "labeller", "time", "reason", "model")

MAPPABLE = frozenset({*_CONTEXT, *LABELLED})
"""Fields that may be told to stand under another name in a file."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a file does not say it."""

    labeller: str
    time: datetime
    kind: SourceKind | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class LabelMaker:
    """Makes labels of fields.

    Attributes:
        vocabulary: Names that labels may use.
        defaults: What holds where the file does not say it.
        renamed: Name in the file, by field, where it is neither the field's own nor a usual one.
    """

    vocabulary: Vocabulary
    defaults: Defaults
    renamed: Mapping[str, str] = field(default_factory=dict)

    def field_of(self, name: str) -> str | None:
        """The field that a name in the file stands for, if any."""
        for known in MAPPABLE:
            if name.strip().casefold() in self._names(known):
                return known
        return None

    def name_of(self, field: str) -> str:
        """The name under which a field is looked for first."""
        return self._names(field)[0]

    def text_of(self, context: Fields) -> str:
        """The message's text, for a reader that must look into it.

        Raises:
            ValueError: There is none.
        """
        return _text(self._find(_lowered(context), "text"), "text")

    def item(self, place: str, context: Fields, said: Fields) -> Item:
        """A label, why there is none, or that nobody said anything.

        Args:
            place: Where it stands in the file, for people.
            context: The message and who labels it, by the file's names; None and empty strings are absent.
            said: What the labeller said, by the file's names; may be the same.
        """
        try:
            label = self._label(_lowered(context), _lowered(said))
        except (ValueError, RecursionError) as error:
            return Refused(place, _without_path(str(error)))
        return Unlabelled(place) if label is None else Said(place, label)

    def _label(self, context: Fields, said: Fields) -> Label | None:
        given = {name: self._find(context, name) for name in _CONTEXT}
        values = {name: self._find(said, name) for name in LABELLED}
        text = given["text"]
        if given["marked"] is not None:
            if text is not None:
                raise ValueError("both text and marked are given: which one is it?")
            text, marks = parse_marks(_text(given["marked"], "marked"))
            values["entities"] = msgspec.to_builtins(marks)
        labels = {name: _READERS[name](self.vocabulary, value) for name, value in values.items() if value is not None}
        if all(value is None for value in labels.values()):
            return None
        text = _text(text, "text")
        kind = given["kind"] if given["kind"] is not None else self.defaults.kind
        if kind is None:
            raise ValueError("it does not say of which kind the message is: say --kind news, social or customer")
        label = {
            "message_id": text_id(text) if given["message_id"] is None else str(given["message_id"]),
            "labeller": str(given["labeller"] or self.defaults.labeller),
            "time": _moment(given["time"]) or self.defaults.time,
            "text": text,
            "kind": kind,
            "source": given["source"] or self.defaults.source,
            "message_time": _moment(given["message_time"]),
            "reason": given["reason"],
            "model": given["model"],
            **labels,
        }
        return _encodable(msgspec.convert(label, Label))

    def _find(self, fields: Fields, name: str) -> Any:  # noqa: ANN401  whatever the file holds
        for written in self._names(name):
            if (value := fields.get(written)) is not None and value != "":
                return value
        return None

    def _names(self, name: str) -> tuple[str, ...]:
        renamed = self.renamed.get(name)
        return (name, *_ALIASES.get(name, ())) if renamed is None else (renamed.strip().casefold(),)


def text_id(text: str) -> str:
    """Id of a message that has none: its text's own, so that all who label one text label one message."""
    return f"text-{blake2b(text.encode(), digest_size=16).hexdigest()}"


def _lowered(fields: Fields) -> Fields:
    return {name.strip().casefold(): value for name, value in fields.items()}


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is no text")
    _check_encodable(value, name)
    return value


def _encodable(label: Label) -> Label:
    for name in label.__struct_fields__:
        _check_encodable(getattr(label, name), name)
    return label


def _check_encodable(value: object, name: str) -> None:
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:  # bytes that are not of the file's encoding stand as surrogates
        raise ValueError(f"{name} is not of the file's encoding: say which it is with --encoding") from None


def _moment(value: object) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str | int | float):
        return parse_time(value)
    raise ValueError("a time is neither text nor number")


def _topics(vocabulary: Vocabulary, value: object) -> list[str]:
    if isinstance(value, str):
        return vocabulary.topics(value)
    return vocabulary.topics(msgspec.convert(value, list[str]))


def _intent(vocabulary: Vocabulary, value: object) -> str | None:
    return vocabulary.intent(_text(value, "intent"))


def _sentiment(_vocabulary: Vocabulary, value: object) -> str:
    return sentiment(str(value))


def _reply(_vocabulary: Vocabulary, value: object) -> str:
    return _text(value, "reply")


class _GivenEntity(msgspec.Struct):
    """An entity as a file writes it; ``type`` or ``label`` names its type."""

    start: int
    end: int
    type: str | None = None
    label: str | None = None
    sentiment: str | None = None


def _entities(_vocabulary: Vocabulary, value: object) -> list[LabelledEntity]:
    if isinstance(value, str):
        given = msgspec.json.decode(value, type=list[_GivenEntity])
    else:
        given = msgspec.convert(value, list[_GivenEntity])
    entities = [
        LabelledEntity(
            start=entity.start,
            end=entity.end,
            type=entity_type(entity.type or entity.label or ""),
            sentiment=sentiment(entity.sentiment) if entity.sentiment else None,
        )
        for entity in sorted(given, key=lambda entity: entity.start)
    ]
    for left, right in pairwise(entities):
        if right.start < left.end:
            raise ValueError(
                f"entities {left.start}-{left.end} and {right.start}-{right.end} overlap: keep one of them"
            )
    return entities


_READERS: dict[str, Callable[[Vocabulary, Any], Any]] = {
    "topics": _topics,
    "sentiment": _sentiment,
    "intent": _intent,
    "entities": _entities,
    "reply": _reply,
}


def _without_path(problem: str) -> str:
    """An error of msgspec's names the field by a path, which people read better as a name."""
    return problem.replace(" - at `$.", " in `")
