"""Making documents of what stands in a file under the names of their fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from streams.contract.incoming import parse_time
from streams.contract.replies import Document
from streams.sources.answers.items import Item, Refused, Taken
from streams.sources.items import stable_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

NAMES = {
    "id": "id",
    "question": "question",
    "query": "question",
    "text": "text",
    "answer": "text",
    "reply": "text",
    "page": "text",
    "intent": "intent",
    "topics": "topics",
    "topic": "topics",
    "title": "title",
    "url": "url",
    "link": "url",
    "language": "language",
    "lang": "language",
    "time": "time",
    "approved": "time",
    "source": "source",
    "also": "also",
    "alternatives": "also",
}
"""Fields by the names that files may give them, in any case; ``also`` holds other wordings of the question."""

_BETWEEN_TOPICS = re.compile(r"[,;|]")
_BETWEEN_WORDINGS = re.compile(r"\|")


class DocumentMaker:
    """Makes documents of one file, each id once.

    Args:
        origin: Name of the file, or its path within the folder that is read; part of each id that is made.
        time: When a document was approved that does not say it.
        language: Of a document that does not say it.
        intents: Those that may be named; any where None.
        topics: Likewise.
    """

    def __init__(
        self,
        origin: str,
        *,
        time: datetime,
        language: str = "en",
        intents: Collection[str] | None = None,
        topics: Collection[str] | None = None,
    ) -> None:
        self.origin = origin
        self._time = time
        self._language = language
        self._intents = intents
        self._topics = topics
        self._places: dict[str, str] = {}

    def items(self, place: str, fields: Mapping[str, Any], heading: str = "") -> Iterator[Item]:
        """A document, or why it is none; and one more for each other wording of its question.

        Args:
            place: Where it stands in the file, for people.
            fields: By any of ``NAMES``; others are passed over, and so is what is empty.
            heading: What tells it from others of the file where it has neither id nor question.
        """
        try:
            named = _named(fields)
            wordings = _several(named.pop("also", []), _BETWEEN_WORDINGS)
            first = self._document(named, heading)
            others = [self._reworded(first, wording, "id" in named) for wording in wordings]
        except ValueError as error:  # msgspec's too
            yield Refused(place, str(error))
            return
        if others and first.question is None:
            yield Refused(place, "it has other wordings of a question, and no question")
            return
        for document in (first, *others):
            if (before := self._places.get(document.id)) is not None:
                yield Refused(place, f"the same id or question stands at {before}")
            else:
                self._places[document.id] = place
                yield Taken(place, document)

    def _document(self, fields: dict[str, Any], heading: str) -> Document:
        if "text" not in fields:
            raise ValueError("it has no answer or text")
        fields = {**fields, "topics": _several(fields.get("topics", []), _BETWEEN_TOPICS)}
        time = fields.get("time")
        try:
            given = {"time": self._time if time is None else parse_time(time)}
        except (TypeError, ValueError) as error:
            raise ValueError(f"its time: {error}") from error
        key = fields.get("question") or heading or fields.get("title") or fields["text"]
        made = {"id": stable_id(self.origin, str(key)), "language": self._language, "source": self.origin}
        document = msgspec.convert({**made, **fields, **given}, Document, strict=False)
        self._check("intent", [document.intent] if document.intent is not None else [], self._intents)
        self._check("topic", document.topics, self._topics)
        return document

    def _reworded(self, document: Document, question: str, has_own_id: bool) -> Document:
        own_id = f"{document.id}/{stable_id(question)}" if has_own_id else stable_id(self.origin, question)
        return msgspec.structs.replace(document, id=own_id, question=question)

    def _check(self, what: str, names: Collection[str], known: Collection[str] | None) -> None:
        if known is not None and (odd := [name for name in names if name not in known]):
            raise ValueError(f"{what} {odd[0]!r} is none of {', '.join(known) or '(none)'}")


def _named(fields: Mapping[str, Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in fields.items():
        field = NAMES.get(name.strip().casefold())
        stripped = value.strip() if isinstance(value, str) else value
        if field is not None and stripped not in ("", None):
            if field in named:
                raise ValueError(f"it gives the field {field} twice")
            named[field] = stripped
    return named


def _several(value: Any, between: re.Pattern[str]) -> list[Any]:  # noqa: ANN401  as JSON has it
    """The values that a field gives, as a list or parted in one text."""
    if isinstance(value, str):
        return [stripped for part in between.split(value) if (stripped := part.strip())]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("topics and other wordings are texts, or lists of them")
    return value
