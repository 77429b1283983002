"""Argilla's records, as JSON or JSON Lines, nested or flattened, of its versions 1 and 2.

https://docs.argilla.io/latest/reference/argilla/records/records
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from retrain.formats.documents import documents
from retrain.formats.items import Refused, Unlabelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.formats.fields import LabelMaker
    from retrain.formats.items import Item

_Answers: TypeAlias = dict[str, dict[str, Any]]
"""Answer by question, by user."""

_FLAT = ".responses"


class _Answer(msgspec.Struct):
    """Version 2, nested: one of the answers to a question."""

    value: Any = None
    user_id: str | None = None
    status: str | None = None


class _Response(msgspec.Struct):
    """Version 1, and the server's own interface: one user's answers."""

    values: dict[str, _Answer] | None = None
    user_id: str | None = None
    status: str | None = None


def read_argilla(text: str, maker: LabelMaker) -> Iterator[Item]:
    """An item for each user's answers to a record, and for each record without any.

    Questions are fields of a label by their names; the message, its kind and the like are taken from the record's
    fields and metadata, and its id from them or the record. Suggestions, drafts and discarded answers are left aside.

    Args:
        text: The file's; bytes that were not of its encoding as surrogates.
        maker: Makes labels of answers.

    Raises:
        FormatError: It is a list that cannot be read to its end.
    """
    for found in documents(text):
        if isinstance(found, Refused):
            yield found
            continue
        place, record = found
        try:
            answers = _answers(record)
            context = {"id": record.get("id")} | _context(record)
        except ValueError as error:
            yield Refused(place, f"it is no record of Argilla: {error}")
            continue
        if not answers:
            yield Unlabelled(place)
        for user, said in answers.items():
            if not any(maker.field_of(question) for question in said):
                problem = f"it answers {', '.join(said)}: none is a field of a label; say such as --map sentiment=NAME"
                yield Refused(place, problem)
            else:
                yield maker.item(place, context | ({"labeller": f"argilla:{user}"} if user else {}), said)


def _context(record: dict[str, Any]) -> dict[str, Any]:
    if "fields" not in record:
        return record
    fields, metadata = (msgspec.convert(record.get(part) or {}, dict[str, Any]) for part in ("fields", "metadata"))
    return metadata | fields


def _answers(record: dict[str, Any]) -> _Answers:
    found: _Answers = defaultdict(dict)
    responses = record.get("responses")
    if isinstance(responses, list):
        for response in msgspec.convert(responses, list[_Response]):
            for question, answer in (response.values or {}).items():
                _note(found, question, _Answer(answer.value, response.user_id, response.status))
    elif responses is not None:
        for question, answers in msgspec.convert(responses, dict[str, list[_Answer]]).items():
            for answer in answers:
                _note(found, question, answer)
    else:
        for question in [name.removesuffix(_FLAT) for name in record if name.endswith(_FLAT)]:
            for answer in _flat(record, question):
                _note(found, question, answer)
    return found


def _flat(record: dict[str, Any], question: str) -> list[_Answer]:
    values = msgspec.convert(record[f"{question}{_FLAT}"] or [], list[Any])
    users = record.get(f"{question}{_FLAT}.users") or [None] * len(values)
    statuses = record.get(f"{question}{_FLAT}.status") or [None] * len(values)
    rows = [
        {"value": value, "user_id": user, "status": status}
        for value, user, status in zip(values, users, statuses, strict=True)
    ]
    return msgspec.convert(rows, list[_Answer])


def _note(found: _Answers, question: str, answer: _Answer) -> None:
    if answer.value is not None and answer.status in (None, "submitted"):
        found[answer.user_id or ""][question] = answer.value
