"""Argilla's records, as JSON or JSON Lines, nested or flattened, of its versions 1 and 2.

https://docs.argilla.io/latest/reference/argilla/records/records
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from retrain.formats.documents import documents
from retrain.formats.items import Doubt, Refused, Unlabelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.formats.fields import LabelMaker
    from retrain.formats.items import Item

_Answers: TypeAlias = dict[str, dict[str, Any]]
"""Answer by question, by user."""

_FLAT = ".responses"
_PENDING, _SUBMITTED = "pending", "submitted"
_TOLD_BY = "export flattened, which tells it: `to_list(flatten=True)`"


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

    Argilla 2 writes no status of answers when it exports records nested. Such answers are taken, with a doubt at the
    end of the file; but not those of records that are pending themselves, which may well be drafts.

    Args:
        text: The file's; bytes that were not of its encoding as surrogates.
        maker: Makes labels of answers.

    Raises:
        FormatError: It is a list that cannot be read to its end.
    """
    unsure: list[str] = []
    for found in documents(text):
        if isinstance(found, Refused):
            yield found
            continue
        place, record = found
        try:
            answers, is_unsure = _answers(record)
            context = {"id": record.get("id")} | _context(record)
        except ValueError as error:
            yield Refused(place, f"it is no record of Argilla: {error}")
            continue
        if not answers:
            yield Unlabelled(place)
        elif is_unsure and record.get("status") == _PENDING:
            yield Refused(place, f"it is pending, and whether its answers are drafts is not told: {_TOLD_BY}")
        else:
            unsure += [place] * is_unsure
            yield from _items(place, context, answers, maker)
    if unsure:
        records = f"{len(unsure)} records" if len(unsure) > 1 else "1 record"
        yield Doubt(unsure[0], f"of {records} it is not told which answers are drafts or were discarded: {_TOLD_BY}")


def _items(place: str, context: dict[str, Any], answers: _Answers, maker: LabelMaker) -> Iterator[Item]:
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


def _answers(record: dict[str, Any]) -> tuple[_Answers, bool]:
    """What was submitted, and whether that is unsure of any of it."""
    found: _Answers = defaultdict(dict)
    is_unsure = False
    for question, answer in _given(record):
        if answer.value is not None and answer.status in (None, _SUBMITTED):
            found[answer.user_id or ""][question] = answer.value
            is_unsure |= answer.status is None
    return found, is_unsure


def _given(record: dict[str, Any]) -> Iterator[tuple[str, _Answer]]:
    """Every answer to every question."""
    responses = record.get("responses")
    if isinstance(responses, list):
        for response in msgspec.convert(responses, list[_Response]):
            for question, answer in (response.values or {}).items():
                yield question, _Answer(answer.value, response.user_id, response.status)
    elif responses is not None:
        for question, answers in msgspec.convert(responses, dict[str, list[_Answer]]).items():
            yield from ((question, answer) for answer in answers)
    else:
        for question in [name.removesuffix(_FLAT) for name in record if name.endswith(_FLAT)]:
            yield from ((question, answer) for answer in _flat(record, question))


def _flat(record: dict[str, Any], question: str) -> list[_Answer]:
    values = msgspec.convert(record[f"{question}{_FLAT}"] or [], list[Any])
    users = record.get(f"{question}{_FLAT}.users") or [None] * len(values)
    statuses = record.get(f"{question}{_FLAT}.status") or [None] * len(values)
    rows = [
        {"value": value, "user_id": user, "status": status}
        for value, user, status in zip(values, users, statuses, strict=True)
    ]
    return msgspec.convert(rows, list[_Answer])
